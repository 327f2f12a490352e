import { histogramFamily, MetricHistogram, metricFamily } from '../metrics/prometheus.js';

/** TensorFlow Serving's latency buckets in us: 10, 18, 32.4, .. about 20 minutes. */
const latencyBounds = Array.from({ length: 33 }, (_, index) => Number((10 * 1.8 ** index).toPrecision(10)));

/** What TensorFlow Serving counts of a model's requests. */
export class ModelMetrics {
  readonly requests = new Map<string, number>();
  readonly requestLatencyUs = new MetricHistogram(latencyBounds);
  readonly runtimeLatencyUs = new MetricHistogram(latencyBounds);
  runs = 0;
  runTimeUs = 0;

  /** @param status the name of its gRPC status: `OK` */
  recordRequest(status: string, latencyUs: number): void {
    this.requests.set(status, (this.requests.get(status) ?? 0) + 1);
    if (status === 'OK') this.requestLatencyUs.add(latencyUs);
  }

  recordRun(latencyUs: number): void {
    this.runs += 1;
    this.runTimeUs += latencyUs;
    this.runtimeLatencyUs.add(latencyUs);
  }
}

/** The metrics of TensorFlow Serving's port, under its names. */
export class TfServingMetrics {
  readonly #models = new Map<string, ModelMetrics>();

  /** Those of a model, which may be one that is not there: its requests count, too. */
  of(model: string): ModelMetrics {
    let metrics = this.#models.get(model);
    if (metrics === undefined) {
      metrics = new ModelMetrics();
      this.#models.set(model, metrics);
    }
    return metrics;
  }

  /** Prometheus's text. */
  text(): string {
    const models = [...this.#models];
    const total = (of: (metrics: ModelMetrics) => number) => [
      { labels: {}, value: models.reduce((sum, [, metrics]) => sum + of(metrics), 0) },
    ];
    return [
      metricFamily(
        ':tensorflow:serving:request_count',
        'counter',
        'Requests by model and status.',
        models.flatMap(([model_name, { requests }]) =>
          [...requests].map(([status, value]) => ({ labels: { model_name, status }, value })),
        ),
      ),
      histogramFamily(
        ':tensorflow:serving:request_latency',
        'Time from request to answer in us.',
        models.map(([model_name, { requestLatencyUs }]) => ({
          labels: { model_name, API: 'Predict', entrypoint: 'GRPC', status: 'OK' },
          histogram: requestLatencyUs,
        })),
      ),
      histogramFamily(
        ':tensorflow:serving:runtime_latency',
        'Time inside the runtime in us.',
        models.map(([model_name, { runtimeLatencyUs }]) => ({
          labels: { model_name, API: 'Predict', runtime: 'TF1' },
          histogram: runtimeLatencyUs,
        })),
      ),
      metricFamily(
        ':tensorflow:core:graph_runs',
        'counter',
        'Runs of graphs.',
        total(({ runs }) => runs),
      ),
      metricFamily(
        ':tensorflow:core:graph_run_time_usecs',
        'counter',
        'Time that runs of graphs took in us.',
        total(({ runTimeUs }) => Math.round(runTimeUs)),
      ),
    ].join('');
  }
}
