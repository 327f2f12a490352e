/** A metric's value and the labels that tell it from its siblings. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Upper bounds of a histogram's buckets, without the last, which is infinite. */
export type BucketBounds = readonly number[];

/** Counts of a distribution, in buckets. */
export class MetricHistogram {
  readonly bounds: BucketBounds;
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: BucketBounds) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Counts a value. */
  add(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** Lines of the text format. */
  lines(name: string, labels: Readonly<Record<string, string>>): string[] {
    let count = 0;
    const buckets = [...this.#counts].map((inBucket, index) => {
      count += inBucket;
      const le = this.bounds[index] ?? '+Inf';
      return line(`${name}_bucket`, { ...labels, le: String(le) }, count);
    });
    return [...buckets, line(`${name}_sum`, labels, this.#sum), line(`${name}_count`, labels, count)];
  }
}

/** The text of a metric: what Prometheus's format, version 0.0.4, calls a family. */
export function metricFamily(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly MetricSample[],
): string {
  return family(
    name,
    type,
    help,
    samples.map(({ labels, value }) => line(name, labels, value)),
  );
}

/** The same for histograms, by their labels. */
export function histogramFamily(
  name: string,
  help: string,
  histograms: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly histogram: MetricHistogram;
  }[],
): string {
  const lines = histograms.flatMap(({ labels, histogram }) => histogram.lines(name, labels));
  return family(name, 'histogram', help, lines);
}

function family(name: string, type: string, help: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
