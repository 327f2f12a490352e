import { AibenchError, parseDurationMs } from '@aibench/core';
import { highestRatePerSecond } from './highest-rate.js';
import { type RateStage, rampProfile } from './rate-profile.js';

/**
 * Reads the value of `--stages`: stages separated by commas, each a duration as
 * Go writes it, a colon and the rate a second that it ends with:
 * `10s:100,30s:500` goes from 0 to 100/s in 10 s, then to 500/s in 30 s. A stage
 * of `0s` jumps, so `0s:100,10s:100` is 100/s for 10 s.
 *
 * @param startPerSecond the rate that the first stage starts from; default 0
 * @throws AIBENCH_USAGE naming the flag and the part of it that is wrong
 */
export function parseRateStages(text: string, startPerSecond = 0): RateStage[] {
  if (text.trim() === '') throw invalidStages('--stages is empty');
  const stages = text.split(',').map((part, index) => {
    const where = `stage ${index + 1} of --stages, "${part.trim()}"`;
    const fields = part.split(':');
    if (fields.length !== 2)
      throw invalidStages(`${where}, is no duration and rate with a colon between them`);
    return { durationUs: parseDurationUs(fields[0]!, where), targetPerSecond: parseRate(fields[1]!, where) };
  });
  const { durationUs, totalCount } = rampProfile(stages, startPerSecond);
  if (durationUs === 0) throw invalidStages(`--stages ${text} lasts no time`);
  if (totalCount === 0) {
    throw invalidStages(`--stages ${text} never sends a request: its rate is always 0`);
  }
  return stages;
}

function parseDurationUs(text: string, where: string): number {
  let durationMs: number;
  try {
    durationMs = parseDurationMs(text);
  } catch (cause) {
    throw invalidStages(`${where}: "${text.trim()}" is no duration`, cause);
  }
  if (durationMs < 0) throw invalidStages(`${where}: a duration can't be negative`);
  return durationMs * 1_000;
}

function parseRate(text: string, where: string): number {
  const trimmed = text.trim();
  const value = Number(trimmed);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) || !Number.isFinite(value)) {
    throw invalidStages(`${where}: "${trimmed}" is no rate`);
  }
  if (value < 0) throw invalidStages(`${where}: a rate can't be negative`);
  if (value > highestRatePerSecond) {
    throw invalidStages(`${where}: ${value} is above ${highestRatePerSecond}, the highest rate`);
  }
  return value;
}

function invalidStages(message: string, cause?: unknown): AibenchError {
  return new AibenchError('AIBENCH_USAGE', message, {
    hint: 'stages are written as duration:rate, like --stages 10s:100,30s:500',
    cause,
  });
}
