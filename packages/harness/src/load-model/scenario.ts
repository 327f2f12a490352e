/**
 * The four scenarios of MLPerf Inference as data, and the figure that each
 * reports. Sources: the scenario comments and defaults of LoadGen's
 * `test_settings.h`, its `mlperf.conf` (minimum durations and query counts) and
 * `results.cc` (how each figure is computed and when a run is long enough), all
 * in github.com/mlcommons/inference, and the scenario table of
 * `inference_rules.adoc` in github.com/mlcommons/inference_policies, both as of
 * 2026. A query is what LoadGen sends at once; a sample is one inference.
 *
 * What is reported is the plain percentile, as LoadGen's summary does; the
 * rules for submissions replace it by LoadGen's early-stopping estimate, a
 * slightly higher percentile whose margin shrinks as queries grow in number.
 */
export const scenarioNames = ['single-stream', 'multi-stream', 'server', 'offline'] as const;

export type ScenarioName = (typeof scenarioNames)[number];

/** How a scenario makes its load and what makes its result count. */
export interface Scenario {
  readonly name: ScenarioName;
  /**
   * When queries are sent: `when-answered`, the next when the one before is
   * answered in full; `poisson`, at the times of a Poisson process whatever is
   * still out; `all-at-once`, a single query of every sample.
   */
  readonly arrivals: 'when-answered' | 'poisson' | 'all-at-once';
  /** Samples sent together; undefined where it is all of them. */
  readonly samplesPerQuery: number | undefined;
  /**
   * The quantile of query latency that is reported or held to a bound; undefined
   * where latency is not looked at. The latency of a query is that of its slowest
   * sample, from when the query was due (`poisson`) or sent.
   */
  readonly latencyQuantile: number | undefined;
  /** What is reported: that quantile, or a rate of samples. */
  readonly figure: 'query-latency' | 'samples-per-second';
  /** The bound on that quantile in `mlperf.conf` for benchmarks that set none of their own, us; undefined where there is none. */
  readonly latencyBoundUs: number | undefined;
  /** The shortest run that counts, us: 600 s in `mlperf.conf` for all of them. */
  readonly minDurationUs: number;
  /**
   * The fewest queries that count: 662 for multi-stream in `mlperf.conf`, the
   * fewest from which early stopping can speak of a 99th percentile at 99 %
   * confidence; LoadGen's own default of 100 where that file sets none; 1 offline.
   */
  readonly minQueries: number;
  /** The fewest samples that count: 24,576 offline by the rules, or the whole data set where that is smaller. */
  readonly minSamples: number;
}

const minDurationUs = 600e6;

/** All scenarios by name. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  'single-stream': {
    name: 'single-stream',
    arrivals: 'when-answered',
    samplesPerQuery: 1,
    latencyQuantile: 0.9,
    figure: 'query-latency',
    latencyBoundUs: undefined,
    minDurationUs,
    minQueries: 100,
    minSamples: 100,
  },
  'multi-stream': {
    name: 'multi-stream',
    arrivals: 'when-answered',
    samplesPerQuery: 8,
    latencyQuantile: 0.99,
    figure: 'query-latency',
    latencyBoundUs: undefined,
    minDurationUs,
    minQueries: 662,
    minSamples: 8 * 662,
  },
  server: {
    name: 'server',
    arrivals: 'poisson',
    samplesPerQuery: 1,
    latencyQuantile: 0.99,
    figure: 'samples-per-second',
    latencyBoundUs: 10_000,
    minDurationUs,
    minQueries: 100,
    minSamples: 100,
  },
  offline: {
    name: 'offline',
    arrivals: 'all-at-once',
    samplesPerQuery: undefined,
    latencyQuantile: undefined,
    figure: 'samples-per-second',
    latencyBoundUs: undefined,
    minDurationUs,
    minQueries: 1,
    minSamples: 24_576,
  },
};

/** What a run by a scenario came to. Times are in us after the start of the load. */
export interface ScenarioMeasurement {
  /** Latencies of queries, each of its slowest sample; `LatencyHistogram` is one. */
  readonly queryLatency: { readonly count: number; quantileUs(quantile: number): number };
  readonly samplesAnswered: number;
  /** Samples that failed, were cut off or dropped: one is enough for a run not to count. */
  readonly samplesLost: number;
  /** Samples that were sent together. Default: as many as the scenario calls for. */
  readonly samplesPerQuery?: number;
  /** When the last query was sent, or with Poisson arrivals was due. */
  readonly lastQueryUs: number;
  /** When the last query was answered in full. */
  readonly lastAnswerUs: number;
}

/** Where a run need not meet the scenario's defaults. */
export interface ScenarioLimits {
  /** Default: the scenario's. */
  readonly latencyBoundUs?: number | undefined;
  /** Default: the scenario's. */
  readonly minDurationUs?: number | undefined;
  /** Samples that the data set holds, where fewer than `minSamples` are enough. Default: no fewer are. */
  readonly datasetSamples?: number | undefined;
}

/** The headline figure of a run by a scenario. */
export interface ScenarioResult {
  readonly scenario: ScenarioName;
  /** `p90 latency`, `p99 query latency`, `samples per second`. */
  readonly label: string;
  /** In `unit`; 0 where nothing was answered. */
  readonly value: number;
  readonly unit: 'us' | '1/s';
  /** The latency at the scenario's quantile, us; undefined offline. */
  readonly latencyUs: number | undefined;
  /** Why the run would not count as one by LoadGen's rules, a clause each; empty where it would. */
  readonly shortfalls: readonly string[];
}

/**
 * The figure that a scenario reports, by LoadGen's definitions: single-stream,
 * the 90th percentile of latency; multi-stream, the 99th of query latency;
 * server, completed samples a second, valid if the 99th percentile of latency
 * from the due time is within the bound; offline, samples a second until the
 * last answer. The server's rate leaves out the first sample, since n arrivals
 * span n - 1 gaps.
 */
export function scenarioMetric(
  name: ScenarioName,
  measured: ScenarioMeasurement,
  limits: ScenarioLimits = {},
): ScenarioResult {
  const { latencyQuantile, figure, arrivals } = scenarios[name];
  const latencyUs =
    latencyQuantile === undefined ? undefined : measured.queryLatency.quantileUs(latencyQuantile);
  const shortfalls = shortfallsOf(scenarios[name], measured, latencyUs, limits);
  if (figure === 'query-latency' && latencyQuantile !== undefined) {
    const what = name === 'multi-stream' ? 'query latency' : 'latency';
    const label = `p${latencyQuantile * 100} ${what}`;
    return { scenario: name, label, value: latencyUs ?? 0, unit: 'us', latencyUs, shortfalls };
  }
  const samples = Math.max(measured.samplesAnswered - (arrivals === 'poisson' ? 1 : 0), 0);
  const value = measured.lastAnswerUs > 0 ? (samples * 1e6) / measured.lastAnswerUs : 0;
  return { scenario: name, label: 'samples per second', value, unit: '1/s', latencyUs, shortfalls };
}

function shortfallsOf(
  scenario: Scenario,
  { queryLatency, samplesAnswered, samplesLost, samplesPerQuery, ...last }: ScenarioMeasurement,
  latencyUs: number | undefined,
  limits: ScenarioLimits,
): string[] {
  const shortfalls: string[] = [];
  // LoadGen looks at the time of the last query, where there is more than one.
  const lastedUs = scenario.arrivals === 'all-at-once' ? last.lastAnswerUs : last.lastQueryUs;
  const durationUs = limits.minDurationUs ?? scenario.minDurationUs;
  const boundUs = limits.latencyBoundUs ?? scenario.latencyBoundUs;
  const samples = Math.min(scenario.minSamples, limits.datasetSamples ?? Number.POSITIVE_INFINITY);
  if (lastedUs < durationUs)
    shortfalls.push(`it lasted ${below(lastedUs / 1e6)} s, not ${durationUs / 1e6} s`);
  if (scenario.arrivals !== 'all-at-once' && queryLatency.count < scenario.minQueries) {
    shortfalls.push(`${queryLatency.count} queries were answered, not ${scenario.minQueries}`);
  } else if (scenario.arrivals === 'all-at-once' && samplesAnswered < samples) {
    shortfalls.push(`${samplesAnswered} samples were answered, not ${samples}`);
  }
  const wanted = scenario.samplesPerQuery;
  if (wanted !== undefined && samplesPerQuery !== undefined && samplesPerQuery !== wanted) {
    shortfalls.push(`its queries had ${samplesPerQuery} samples, not ${wanted}`);
  }
  if (samplesLost > 0) shortfalls.push(`${samplesLost} samples have no answer`);
  if (latencyUs !== undefined && boundUs !== undefined && latencyUs > boundUs) {
    const percentile = (scenario.latencyQuantile ?? 0) * 100;
    shortfalls.push(`p${percentile} latency is ${above(latencyUs / 1e3)} ms, above ${boundUs / 1e3} ms`);
  }
  return shortfalls;
}

/** To four digits, and still below whatever the value is below. */
function below(value: number): number {
  return rounded(value, Math.floor);
}

function above(value: number): number {
  return rounded(value, Math.ceil);
}

function rounded(value: number, round: (value: number) => number): number {
  if (!(value > 0) || !Number.isFinite(value)) return value;
  const digits = 3 - Math.floor(Math.log10(value));
  // A power of ten below 1 is not exact, so it is never multiplied by.
  return digits >= 0
    ? round(value * 10 ** digits) / 10 ** digits
    : round(value / 10 ** -digits) * 10 ** -digits;
}
