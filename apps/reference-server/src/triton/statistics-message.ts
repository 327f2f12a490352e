import { ModelStatistics, type StatisticDuration } from '@aibench/triton';
import type { ModelStatistics as Statistics } from '../inference/model-statistics.js';
import type { VersionStatistics } from './triton-service.js';

/** A version's statistics as gRPC carries them. Nothing is cached here, and each request is a run of its own. */
export function statisticsMessage({ name, version, statistics }: VersionStatistics): ModelStatistics {
  const { successes } = statistics;
  return ModelStatistics.fromPartial({
    ...{ name, version },
    lastInference: BigInt(statistics.lastAnswerAtMs),
    inferenceCount: BigInt(statistics.samples),
    executionCount: BigInt(successes),
    inferenceStats: {
      success: duration(successes, totalMs(statistics)),
      fail: duration(statistics.errors, statistics.errorMs),
      queue: duration(successes, statistics.queueMs),
      computeInput: duration(successes, statistics.inputMs),
      computeInfer: duration(successes, statistics.durationMs),
      computeOutput: duration(successes, statistics.outputMs),
      cacheHit: duration(0, 0),
      cacheMiss: duration(0, 0),
    },
    batchStats: [...statistics.batches].map(([batchSize, { count, durationMs, inputMs, outputMs }]) => ({
      batchSize: BigInt(batchSize),
      computeInput: duration(count, inputMs),
      computeInfer: duration(count, durationMs),
      computeOutput: duration(count, outputMs),
    })),
  });
}

/** Time from request to answer of the successful requests in ms, all its parts together. */
export function totalMs({ durationMs, inputMs, outputMs, queueMs }: Statistics): number {
  return queueMs + inputMs + durationMs + outputMs;
}

function duration(count: number, ms: number): StatisticDuration {
  return { count: BigInt(count), ns: BigInt(Math.round(ms * 1e6)) };
}

/** The same as HTTP carries them. */
export function statisticsJson(versions: readonly VersionStatistics[]): unknown {
  return { model_stats: versions.map((version) => snakeCased(statisticsMessage(version))) };
}

/** Plain data of a message: names as in the .proto, 64-bit integers as numbers. */
function snakeCased(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCased(member),
    ]),
  );
}
