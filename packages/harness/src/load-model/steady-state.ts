/** What a measurement window says to whether the load is steady. */
export interface WindowSummary {
  /** Answers a second in it. */
  readonly ratePerSecond: number;
  /** The chosen quantile of its latencies, us. */
  readonly quantileUs: number;
}

/** When a load counts as steady. */
export interface SteadyStateRule {
  /** How many of the last windows are looked at; at least 2. */
  readonly windows: number;
  /** How far the highest rate of those windows may be above the lowest, as a share of the lowest. */
  readonly rateTolerance: number;
  /** The same for the quantile. */
  readonly quantileTolerance: number;
  /** The time after which a run goes on unsteady, and says so, us; kept here as data, whoever runs the load minds it. */
  readonly mostTimeUs: number;
}

/**
 * The rule of NVIDIA's perf_analyzer: over the last 3 windows the ratio of
 * highest to lowest is at most 1.1 in throughput and in the stabilising latency
 * (`--stability-percentage`, 10 by default; `inference_profiler.cc` in
 * github.com/triton-inference-server/client). It gives up after 10 windows of 5 s
 * (`--max-trials`); here that is a time.
 */
export const defaultSteadyStateRule: SteadyStateRule = {
  windows: 3,
  rateTolerance: 0.1,
  quantileTolerance: 0.1,
  mostTimeUs: 60e6,
};

/** Whether a load is steady, with the figures that decide it. */
export interface SteadyStateVerdict {
  /**
   * `steady`; `too-few-windows` to tell; `idle`, nothing was answered in one of
   * them; or what still moves.
   */
  readonly kind: 'steady' | 'too-few-windows' | 'idle' | 'rate-moves' | 'quantile-moves' | 'both-move';
  readonly steady: boolean;
  /** Highest over lowest rate of the last windows, less 1; undefined with too few windows or an idle one. */
  readonly rateSpread: number | undefined;
  /** The same for the quantile. */
  readonly quantileSpread: number | undefined;
  /** The windows that were looked at, by their places in the list: from this one to the last. */
  readonly firstWindow: number;
}

/**
 * Whether the last windows of a run are alike. A window without answers, or
 * with a rate or quantile that is no positive number, is never part of a steady
 * state.
 *
 * @param windows in the order of time, without gaps between them
 * @param rule default {@link defaultSteadyStateRule}
 */
export function steadyState(
  windows: readonly WindowSummary[],
  rule: SteadyStateRule = defaultSteadyStateRule,
): SteadyStateVerdict {
  const firstWindow = Math.max(windows.length - rule.windows, 0);
  const undecided = { steady: false, rateSpread: undefined, quantileSpread: undefined, firstWindow };
  if (windows.length < rule.windows) return { kind: 'too-few-windows', ...undecided };
  const last = windows.slice(firstWindow);
  const rates = last.map(({ ratePerSecond }) => ratePerSecond);
  const quantiles = last.map(({ quantileUs }) => quantileUs);
  if (![...rates, ...quantiles].every((value) => value > 0 && Number.isFinite(value))) {
    return { kind: 'idle', ...undecided };
  }
  const rateMoves = moves(rates, rule.rateTolerance);
  const quantileMoves = moves(quantiles, rule.quantileTolerance);
  const steady = !rateMoves && !quantileMoves;
  const kind = steady
    ? 'steady'
    : !quantileMoves
      ? 'rate-moves'
      : !rateMoves
        ? 'quantile-moves'
        : 'both-move';
  return { kind, steady, rateSpread: spread(rates), quantileSpread: spread(quantiles), firstWindow };
}

function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values) - 1;
}

/** Compared as products, which are exact where the quotient of {@link spread} may round above the limit. */
function moves(values: readonly number[], tolerance: number): boolean {
  return Math.max(...values) > Math.min(...values) * (1 + tolerance);
}
