import {
  type PrometheusSample,
  type RunnerContext,
  readPrometheusText,
  type ServerStatsReader,
} from '@aibench/harness';
import { HttpConnection, statusError } from '@aibench/http';
import type { flags } from './flags.js';
import { modelChoice } from './model-choice.js';
import { serverPlaces } from './server-addresses.js';

type FlatMap = Record<string, number>;

/** A server's Prometheus endpoint. */
interface Endpoint {
  /** `host:port` of the server. */
  readonly address: string;
  readonly connection: HttpConnection;
  readonly path: string;
}

const timeoutMs = 5_000;

/** Reads, for each server, its Prometheus metrics: `ts_inference_requests_total`, which count from its start. */
export class TorchServeStats implements ServerStatsReader {
  readonly #endpoints: readonly Endpoint[];
  readonly #model: string;

  constructor({ flags: values, task }: RunnerContext<typeof flags>) {
    this.#model = modelChoice(values, task).model;
    this.#endpoints = serverPlaces(values).flatMap(({ address, metrics }) =>
      metrics === undefined
        ? []
        : [
            {
              ...{ address, path: metrics.path },
              connection: new HttpConnection(metrics.http, { flag: '--torchserve-metrics-host', timeoutMs }),
            },
          ],
    );
  }

  async read(): Promise<Record<string, FlatMap>> {
    const maps = await Promise.all(this.#endpoints.map((endpoint) => this.#readEndpoint(endpoint)));
    return Object.fromEntries(this.#endpoints.map(({ address }, i) => [address, maps[i]!]));
  }

  async #readEndpoint({ connection, path }: Endpoint): Promise<FlatMap> {
    const answer = await connection.send({ method: 'GET', path });
    if (answer.status !== 200) {
      throw statusError(
        connection.address,
        answer,
        'is it the port for metrics? see --torchserve-metrics-host',
      );
    }
    return metricsOf(readPrometheusText(answer.body.toString()), this.#model);
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.map(({ connection }) => connection.close()));
  }
}

/** Labels that say nothing which the server's own place in the result doesn't. */
const placeLabels = new Set(['hostname', 'level']);

/**
 * Samples of the model and of the whole server as a flat map: those of the
 * versions that requests have named, and of those that named none, are added up;
 * other labels stay with the name.
 */
export function metricsOf(samples: readonly PrometheusSample[], model: string): FlatMap {
  const metrics: FlatMap = {};
  for (const { name, labels, value } of samples) {
    const { model_name: frontEnd, ModelName: backEnd, model_version: version, ...others } = labels;
    if ((frontEnd ?? backEnd ?? model) !== model) continue;
    const text = Object.entries(others)
      .filter(([label]) => !placeLabels.has(label.toLowerCase()))
      .map(([label, each]) => `${label}=${each}`);
    const key = text.length === 0 ? name : `${name}{${text.join(',')}}`;
    metrics[key] = (version === undefined ? 0 : (metrics[key] ?? 0)) + value;
  }
  return metrics;
}
