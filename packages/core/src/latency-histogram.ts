import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/** Range and precision of every latency histogram of the suite, as in the Go suite. */
export const latencyRange = { lowestUs: 1, highestUs: 30_000_000, significantDigits: 3 } as const;

/**
 * Latencies in microseconds, 1 us to 30 s with three significant digits, in an
 * HdrHistogram. Merging is lossless: merged histograms equal one that recorded
 * everything. The only importer of hdr-histogram-js.
 */
export class LatencyHistogram {
  readonly #histogram: Histogram;
  #aboveRange = 0;

  constructor() {
    this.#histogram = newHistogram();
  }

  /**
   * Records one latency. Below 1 us, negative included, counts as 1 us; above
   * 30 s counts as 30 s and in {@link aboveRange}, so that no sample is lost and
   * none is hidden. NaN counts as above 30 s too: a fault in a clock must show
   * and must not flatter. Never throws.
   */
  record(latencyUs: number): void {
    // Written so that NaN fails the comparison.
    if (latencyUs <= latencyRange.highestUs) {
      this.#histogram.recordValue(Math.max(Math.round(latencyUs), latencyRange.lowestUs));
      return;
    }
    this.#aboveRange += 1;
    this.#histogram.recordValue(latencyRange.highestUs);
  }

  /** Number of latencies recorded. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** How many of them were above 30 s. */
  get aboveRange(): number {
    return this.#aboveRange;
  }

  /** Mean in us, to the histogram's precision; 0 when empty. */
  get meanUs(): number {
    return this.count === 0 ? 0 : this.#histogram.mean;
  }

  /** Standard deviation in us, to the histogram's precision; 0 when empty. */
  get standardDeviationUs(): number {
    return this.count === 0 ? 0 : this.#histogram.stdDeviation;
  }

  /**
   * The latency in us that a share `quantile` (0 to 1) of the recorded ones do
   * not exceed: at 0 the smallest, at 1 the largest; 0 when empty. Like every
   * HdrHistogram it gives the upper end of the bin, so up to 0.1 % too much
   * (at 0: the lower end, up to 0.1 % too little).
   */
  quantileUs(quantile: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(quantile * 100);
  }

  /** Adds all of another histogram's samples. */
  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#aboveRange += other.#aboveRange;
  }

  /** Forgets everything recorded. */
  reset(): void {
    this.#histogram.reset();
    this.#aboveRange = 0;
  }

  /** HdrHistogram V2 compressed, base64: what HdrHistogram's tools in every language read. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** Reads what {@link encode} wrote, exactly. The count above 30 s is not part of that format and reads as 0. */
  static decode(encoded: string): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.#histogram.add(decodeFromCompressedBase64(encoded, 64));
    return histogram;
  }

  /** HdrHistogram's percentile distribution as text, values in milliseconds. */
  percentileDistribution(): string {
    return this.#histogram.outputPercentileDistribution(5, 1_000);
  }
}

function newHistogram(): Histogram {
  return build({
    // 64 bits a bucket: counts are exact up to 2^53.
    bitBucketSize: 64,
    autoResize: false,
    lowestDiscernibleValue: latencyRange.lowestUs,
    highestTrackableValue: latencyRange.highestUs,
    numberOfSignificantValueDigits: latencyRange.significantDigits,
    useWebAssembly: false,
  });
}
