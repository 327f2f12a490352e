import type { ModelCounters } from './triton-control.js';

/** Numbers, or records of numbers and of records, or lists of records that have a `batch_size`. */
type Counted = unknown;

/**
 * Statistics of a model as one flat map, under the names that they have in
 * Triton's JSON: `inference_count`, `inference_stats.queue.ns`,
 * `batch_stats.8.compute_infer.count`. Several versions are added up, but for
 * `last_inference`, which is the latest. A sum of ns above 2^53 loses its last digits.
 *
 * @param statistics one entry a version, numbers as numbers, bigints or decimal text
 */
export function modelCounters(statistics: readonly Counted[]): ModelCounters {
  const counters: Record<string, number> = {};
  for (const each of statistics) collect(each, '', counters);
  return counters;
}

/** What says which model it is, and measures that are no counters. */
const leftOut = new Set(['name', 'version', 'memory_usage', 'response_stats']);

function collect(value: Counted, path: string, counters: Record<string, number>): void {
  if (Array.isArray(value)) {
    for (const entry of value as unknown[]) {
      if (!isRecord(entry)) continue;
      const { batch_size: size, batchSize = size, ...rest } = entry;
      collect(rest, `${path}.${String(batchSize)}`, counters);
    }
  } else if (isRecord(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const name = snakeCase(key);
      if (path === '' && leftOut.has(name)) continue;
      collect(inner, path === '' ? name : `${path}.${name}`, counters);
    }
  } else if (value !== undefined && value !== null && Number.isFinite(Number(value))) {
    const number = Number(value);
    const before = counters[path];
    if (before === undefined) counters[path] = number;
    else counters[path] = path === 'last_inference' ? Math.max(before, number) : before + number;
  }
}

/** The messages of this package have `inferenceStats` where the JSON has `inference_stats`. */
function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
