import {
  type PrometheusSample,
  type RunnerContext,
  readPrometheusText,
  type ServerStatsReader,
} from '@aibench/harness';
import { HttpConnection, statusError } from '@aibench/http';
import type { TritonControl } from '@aibench/triton';
import type { flags } from './flags.js';
import { closeControls, modelName, openControls } from './open-control.js';
import { metricsAddresses } from './server-addresses.js';

type FlatMap = Record<string, number>;

/** Reads a server's Prometheus endpoint. */
interface MetricsReader {
  read(): Promise<PrometheusSample[]>;
  close(): Promise<void>;
}

/**
 * Reads, for each server, the model's statistics under Triton's own names
 * (`inference_count`, `inference_stats.queue.ns`), and its metrics where their
 * address is given (`nv_inference_request_success`). All of them count from
 * when the model was loaded.
 */
export class TritonStats implements ServerStatsReader {
  readonly #controls: readonly TritonControl[];
  readonly #metrics: readonly MetricsReader[];
  readonly #model: string;
  readonly #version: string;

  constructor(context: RunnerContext<typeof flags>) {
    const { flags: values, task } = context;
    this.#controls = openControls(context);
    this.#metrics = metricsAddresses(values).map(({ http, path }) => {
      const connection = new HttpConnection(http, { flag: '--metrics-host', timeoutMs: 5_000 });
      return { read: () => readMetrics(connection, path), close: () => connection.close() };
    });
    this.#model = modelName(values, task);
    this.#version = values.modelVersion;
  }

  async read(): Promise<Record<string, FlatMap>> {
    const maps = await Promise.all(this.#controls.map((control, i) => this.#readServer(control, i)));
    return Object.fromEntries(this.#controls.map(({ address }, i) => [address, maps[i]!]));
  }

  async #readServer(control: TritonControl, index: number): Promise<FlatMap> {
    const [counters, samples = []] = await Promise.all([
      control.modelStatistics(this.#model, this.#version),
      this.#metrics[index]?.read(),
    ]);
    return { ...counters, ...metricsOf(samples, this.#model) };
  }

  async close(): Promise<void> {
    await Promise.all([closeControls(this.#controls), ...this.#metrics.map((reader) => reader.close())]);
  }
}

async function readMetrics(connection: HttpConnection, path: string): Promise<PrometheusSample[]> {
  const answer = await connection.send({ method: 'GET', path });
  if (answer.status !== 200) throw statusError(connection.address, answer);
  return readPrometheusText(answer.body.toString());
}

/**
 * Samples of the model and of the whole server as a flat map: those of the
 * model's versions are added up, other labels stay with the name.
 */
export function metricsOf(samples: readonly PrometheusSample[], model: string): FlatMap {
  const metrics: FlatMap = {};
  for (const { name, labels, value } of samples) {
    const { model: of, version, ...others } = labels;
    if (of !== undefined && of !== model) continue;
    const text = Object.entries(others).map(([label, each]) => `${label}=${each}`);
    const key = text.length === 0 ? name : `${name}{${text.join(',')}}`;
    metrics[key] = (version === undefined ? 0 : (metrics[key] ?? 0)) + value;
  }
  return metrics;
}
