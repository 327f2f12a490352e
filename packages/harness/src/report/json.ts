import type { LatencySummary } from '../result/latency-summary.js';
import type { RunResult, WindowResult } from '../result/run-result.js';

/**
 * A result as JSON: the keys of the Go suite's `--json-out-file`, with its
 * units (ms, unix seconds, unix nanoseconds), so that scripts made for it go
 * on working; and the whole record under `Result`, with units in its names.
 */
export function resultJson(result: RunResult): string {
  return `${JSON.stringify(resultObject(result), undefined, 2)}\n`;
}

/** What {@link resultJson} writes, for files that hold several results. */
export function resultObject(result: RunResult): Record<string, unknown> {
  return { ...goKeys(result), Result: result };
}

/** Quantiles are of response time, which in a closed loop, the only one that the Go suite has, is service time. */
function goKeys(result: RunResult): Record<string, unknown> {
  const { load, counts, rates, responseTime } = result;
  return {
    ResultFormatVersion: result.formatVersion,
    Limit: load.maxQueries,
    MetadataAutobatching: load.metadataAutobatching,
    TensorBatchSize: load.batchSize,
    Workers: load.workers,
    MaxRps: load.limitRps,
    TestDescription: result.description,
    DBSpecificConfigs: {
      ...result.server.details,
      product: result.server.product,
      version: result.server.version,
    },
    StartTime: Math.floor(result.startedAtMs / 1_000),
    EndTime: Math.floor(result.endedAtMs / 1_000),
    DurationMillis: Math.round(rates.includingBurnInDurationMs),
    Totals: {
      TotalQueries: counts.sent,
      TotalInferences: counts.answeredRows,
      TotalErrors: counts.failed + counts.cutOff,
      BurnIn: counts.burnIn,
    },
    OverallRates: { overallOpsRate: rates.measuredPerSecond },
    OverallRatesIncludingWarmup: { overallOpsRate: rates.includingBurnInPerSecond },
    OverallQuantiles: {
      AllQueries: quantilesMs(responseTime),
      EncodedHistogram: responseTime.encodedHistogram,
    },
    ClientRunTimeStats: Object.fromEntries(
      result.windows.map((window) => [unixNs(window.endedAtMs), clientEntry(window)]),
    ),
    ServerRunTimeStats: Object.fromEntries(
      result.serverStats.map(({ readAtMs, servers }) => [unixNs(readAtMs), servers]),
    ),
  };
}

function clientEntry(window: WindowResult): Record<string, unknown> {
  return {
    InferenceRate: window.answeredPerSecond,
    TestTime: window.endMs / 1_000,
    Quantiles: quantilesMs(window.responseTime),
    EncodedHistogram: window.responseTime.encodedHistogram,
  };
}

function quantilesMs(summary: LatencySummary): Record<string, number> {
  return {
    q0: summary.minUs / 1_000,
    q50: summary.p50Us / 1_000,
    q95: summary.p95Us / 1_000,
    q99: summary.p99Us / 1_000,
    q999: summary.p999Us / 1_000,
    q100: summary.maxUs / 1_000,
  };
}

/** As text: unix nanoseconds are beyond a double's whole numbers. To the microsecond, as two windows may end in one ms. */
function unixNs(ms: number): string {
  const wholeMs = Math.floor(ms);
  return String(BigInt(wholeMs) * 1_000_000n + BigInt(Math.floor((ms - wholeMs) * 1_000)) * 1_000n);
}
