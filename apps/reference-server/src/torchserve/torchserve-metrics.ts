import { freemem, hostname, totalmem } from 'node:os';
import { type MetricSample, metricFamily } from '../metrics/prometheus.js';
import type { RequestCounters, TorchServeService } from './torchserve-service.js';

type CounterRow = readonly [name: string, unit: string, read: (counters: RequestCounters) => number];

/** TorchServe's counters of a model, under its names. */
const counters: readonly CounterRow[] = [
  ['ts_inference_requests_total', 'Count', ({ requests }) => requests],
  ['ts_inference_latency_microseconds', 'Microseconds', ({ inferenceUs }) => inferenceUs],
  ['ts_queue_latency_microseconds', 'Microseconds', ({ queueUs }) => queueUs],
];

const bytesPerMegabyte = 1_048_576;

/** Answers over HTTP by the first digit of their status. */
export type StatusClass = '2' | '4' | '5';

/** What TorchServe's metrics port tells. */
export class TorchServeMetrics {
  /** Answers of the inference and the management port. */
  readonly answers: Record<StatusClass, number> = { 2: 0, 4: 0, 5: 0 };
  readonly #service: TorchServeService;
  readonly #host = { Level: 'Host', Hostname: hostname() } as const;

  constructor(service: TorchServeService) {
    this.#service = service;
  }

  /** Counts an answer. */
  count(status: number): void {
    const digit = String(status).charAt(0);
    if (digit === '2' || digit === '4') this.answers[digit] += 1;
    else this.answers['5'] += 1;
  }

  /** Prometheus's text. */
  text(): string {
    const ofHost = (name: string, type: 'counter' | 'gauge', unit: string, value: number): string =>
      metricFamily(name, type, help(type, unit), [{ labels: this.#host, value }]);
    return [
      ...(['2', '4', '5'] as const).map((digit) =>
        ofHost(`Requests${digit}XX`, 'counter', 'Count', this.answers[digit]),
      ),
      ...counters.map(([name, unit, read]) =>
        metricFamily(name, 'counter', help('counter', unit), this.#samples(read)),
      ),
      ofHost('MemoryUsed', 'gauge', 'Megabytes', (totalmem() - freemem()) / bytesPerMegabyte),
      ofHost('MemoryAvailable', 'gauge', 'Megabytes', freemem() / bytesPerMegabyte),
    ].join('');
  }

  #samples(read: (counters: RequestCounters) => number): MetricSample[] {
    return [...this.#service.counters].flatMap(([name, versions]) =>
      [...versions].map(([version, each]) => ({
        labels: { model_name: name, model_version: version, hostname: this.#host.Hostname },
        value: read(each),
      })),
    );
  }
}

function help(type: 'counter' | 'gauge', unit: string): string {
  return `A ${type} in the unit ${unit}.`;
}
