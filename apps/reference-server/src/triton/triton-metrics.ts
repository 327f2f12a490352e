import { cpus, freemem, totalmem } from 'node:os';
import { type HttpHandler, sendJson, sendMetrics } from '../http/http-port.js';
import type { ModelStatistics } from '../inference/model-statistics.js';
import { type MetricSample, metricFamily } from '../metrics/prometheus.js';
import { totalMs } from './statistics-message.js';
import type { TritonService, VersionStatistics } from './triton-service.js';

type CounterRow = readonly [name: string, help: string, read: (statistics: ModelStatistics) => number];

const us = (ms: number): number => Math.round(ms * 1_000);

/** Triton's counters of a version, under its names. */
const counters: readonly CounterRow[] = [
  ['nv_inference_request_success', 'Requests that were answered.', ({ successes }) => successes],
  ['nv_inference_count', 'Rows inferred; a request with a batch of n counts n.', ({ samples }) => samples],
  ['nv_inference_exec_count', 'Runs of the model.', ({ successes }) => successes],
  [
    'nv_inference_request_duration_us',
    'Time from request to answer.',
    (statistics) => us(totalMs(statistics)),
  ],
  ['nv_inference_queue_duration_us', 'Time that requests waited.', ({ queueMs }) => us(queueMs)],
  ['nv_inference_compute_input_duration_us', 'Time spent reading requests.', ({ inputMs }) => us(inputMs)],
  [
    'nv_inference_compute_infer_duration_us',
    'Time spent running the model.',
    ({ durationMs }) => us(durationMs),
  ],
  ['nv_inference_compute_output_duration_us', 'Time spent writing answers.', ({ outputMs }) => us(outputMs)],
];

/** Answers Triton's metrics port. */
export class TritonMetrics {
  readonly #service: TritonService;
  #busyMs = 0;
  #totalMs = 0;

  constructor(service: TritonService) {
    this.#service = service;
    this.#cpuUtilization();
  }

  /** What the port answers. */
  handler(): HttpHandler {
    return (request, response) => {
      const { method, url = '' } = request;
      if (method === 'GET' && url.split('?')[0] === '/metrics') sendMetrics(response, this.text());
      else sendJson(response, 404, { error: 'Not Found' });
    };
  }

  /** Prometheus's text. */
  text(): string {
    const versions = this.#service.allStatistics();
    const samples = (read: (statistics: ModelStatistics) => number, labels = {}): MetricSample[] =>
      versions.map(({ name, version, statistics }: VersionStatistics) => ({
        labels: { model: name, version, ...labels },
        value: read(statistics),
      }));
    const gauge = (name: string, help: string, value: number) =>
      metricFamily(name, 'gauge', help, [{ labels: {}, value }]);
    return [
      ...counters.map(([name, help, read]) => metricFamily(name, 'counter', help, samples(read))),
      metricFamily(
        'nv_inference_request_failure',
        'counter',
        'Requests that failed.',
        samples(({ errors }) => errors, { reason: 'BACKEND' }),
      ),
      metricFamily(
        'nv_inference_pending_request_count',
        'gauge',
        'Requests that are being answered.',
        samples(({ pending }) => pending),
      ),
      gauge(
        'nv_cpu_utilization',
        'Busy share of all cores since the last look, 0 to 1.',
        this.#cpuUtilization(),
      ),
      gauge('nv_cpu_memory_total_bytes', 'Memory of the machine.', totalmem()),
      gauge('nv_cpu_memory_used_bytes', 'Memory of the machine that is in use.', totalmem() - freemem()),
    ].join('');
  }

  #cpuUtilization(): number {
    let [busyMs, totalMs] = [0, 0];
    for (const { times } of cpus()) {
      const all = times.user + times.nice + times.sys + times.idle + times.irq;
      totalMs += all;
      busyMs += all - times.idle;
    }
    const share = totalMs > this.#totalMs ? (busyMs - this.#busyMs) / (totalMs - this.#totalMs) : 0;
    this.#busyMs = busyMs;
    this.#totalMs = totalMs;
    return share;
  }
}
