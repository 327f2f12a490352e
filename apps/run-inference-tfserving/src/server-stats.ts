import { AibenchError } from '@aibench/core';
import { formatGrpcAddress } from '@aibench/grpc';
import {
  type PrometheusSample,
  type RunnerContext,
  readPrometheusText,
  type ServerStatsReader,
} from '@aibench/harness';
import { modelChoice } from './describe-server.js';
import type { flags } from './flags.js';
import { metricsUrls, serverAddresses } from './server-addresses.js';

/** A server that takes longer is skipped this time. */
const limitMs = 5_000;

/** A server and its metrics. */
interface Source {
  /** `host:port` of its gRPC port, under which the metrics stand in the result. */
  readonly address: string;
  readonly url: URL;
}

/**
 * Reads each server's metrics, those of the model and those of the whole server; all of them count from its start.
 *
 * @returns undefined where no address of metrics is given
 */
export function openServerStats(context: RunnerContext<typeof flags>): ServerStatsReader | undefined {
  const { flags: values, task } = context;
  const { model } = modelChoice(values, task);
  const addresses = serverAddresses(values).map(formatGrpcAddress);
  const sources = metricsUrls(values).map((url, i): Source => ({ address: addresses[i]!, url }));
  if (sources.length === 0) return undefined;
  const closing = new AbortController();
  return {
    async read() {
      const maps = sources.map(async ({ address, url }) => {
        const text = await fetchText(url, AbortSignal.any([closing.signal, AbortSignal.timeout(limitMs)]));
        return [address, metricsOf(readPrometheusText(text), model)] as const;
      });
      return Object.fromEntries(await Promise.all(maps));
    },
    async close() {
      closing.abort();
    },
  };
}

async function fetchText(url: URL, signal: AbortSignal): Promise<string> {
  let status: number;
  try {
    const response = await fetch(url, { signal });
    if (response.ok) return await response.text();
    await response.body?.cancel();
    status = response.status;
  } catch (cause) {
    const { cause: underneath, message } = cause as Error;
    const reason = underneath instanceof Error && underneath.message !== '' ? underneath.message : message;
    throw new AibenchError('AIBENCH_CONNECTION', `no metrics from ${url.href}: ${reason}`, {
      hint: 'is it the REST port? see --metrics-host',
      cause,
    });
  }
  throw new AibenchError('AIBENCH_SERVER', `${url.href} answered with HTTP status ${status}`, {
    status: String(status),
    hint: 'metrics need the server to be started with --monitoring_config_file; see --metrics-host',
  });
}

/**
 * Samples as one flat map: counters, gauges, and the sums and counts of histograms, whose buckets are left out, as are
 * those of other models. The names are the server's without its prefix `:tensorflow:`, other labels than the model's
 * name behind them: `serving:request_count{status="OK"}`.
 */
export function metricsOf(samples: readonly PrometheusSample[], model: string): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    const { model_name: owner = model, ...others } = labels;
    const isBucket = name.endsWith('_bucket') && others['le'] !== undefined;
    if (isBucket || owner !== model) continue;
    const shown = Object.entries(others).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
    const suffix = shown.length === 0 ? '' : `{${shown.join(',')}}`;
    metrics[`${name.replace(/^:tensorflow:/, '')}${suffix}`] = value;
  }
  return metrics;
}
