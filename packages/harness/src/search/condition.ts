import { AibenchError, formatDurationMs, latencyRange, parseDurationMs } from '@aibench/core';

/** What a latency is counted from: the moment a request was due (response) or the moment it was sent (service). */
export type LatencyClock = 'response' | 'service';

/** `<` or `<=`. */
export type ConditionOperator = '<' | '<=';

/** A limit on one figure of a latency distribution. */
export interface LatencyCondition {
  readonly kind: 'latency';
  /** As it is shown: `response p99 < 10ms`. */
  readonly text: string;
  readonly clock: LatencyClock;
  /** `p99`, `max` or `mean`. */
  readonly statistic: string;
  /** 0 to 1, the largest latency at 1; undefined for the mean. */
  readonly quantile: number | undefined;
  readonly operator: ConditionOperator;
  readonly limitUs: number;
}

/** A limit on the share of requests that came to nothing. */
export interface ShareCondition {
  readonly kind: 'share';
  /** As it is shown: `errors < 1%`. */
  readonly text: string;
  /** Requests that failed, of those sent; or requests never sent, of those due. */
  readonly of: 'errors' | 'dropped';
  readonly operator: ConditionOperator;
  /** 0 to 1. */
  readonly limitShare: number;
}

/** One part of what a rate must hold. */
export type Condition = LatencyCondition | ShareCondition;

/** Where latencies are read; a `LatencyHistogram` is one. */
export interface LatencyFigures {
  readonly count: number;
  readonly meanUs: number;
  /** @param quantile 0 to 1 */
  quantileUs(quantile: number): number;
}

/** What one measurement at one rate saw, as far as conditions ask for it. */
export interface RateMeasurement {
  /**
   * Requests that fell due a second, over the measured time. To be counted, not
   * taken from the setting: Poisson arrivals over a short time differ from their
   * rate by chance, and that is no shortfall.
   */
  readonly offeredPerSecond: number;
  /** Requests answered a second, over the same time. */
  readonly achievedPerSecond: number;
  /** By how much that may lie below the offered rate by chance, beside what is always allowed. Default 0. */
  readonly chancePerSecond?: number;
  /** Failed requests as a share of those sent, 0 to 1. */
  readonly errorShare: number;
  /** Requests never sent as a share of those due, 0 to 1. */
  readonly droppedShare: number;
  /** From the due time to the answer. */
  readonly response: LatencyFigures;
  /** From the send to the answer. */
  readonly service: LatencyFigures;
}

/** One condition beside what was measured. */
export interface ConditionFinding {
  readonly condition: string;
  readonly holds: boolean;
  /** Microseconds, or a share of 0 to 1; NaN where nothing was answered. */
  readonly value: number;
  /** One line: `response p99 was 12.3ms, which is not < 10ms`. */
  readonly line: string;
}

/** Whether a measurement holds what is asked. */
export interface Evaluation {
  readonly holds: boolean;
  /** One for each condition, in their order. */
  readonly findings: readonly ConditionFinding[];
  /** Why it does not hold, a line each: broken conditions and a shortfall of the rate. Empty where it holds. */
  readonly reasons: readonly string[];
}

/**
 * The least share of the offered rate that must be answered. A server that
 * falls behind builds a queue, so latencies measured over any finite time
 * flatter it; 2 % leave room for the requests that are out when time ends.
 */
export const leastAchievedShare = 0.98;

/** Samples that should lie above a quantile before it is trusted: the estimate then errs by about a third in rank. */
const samplesAboveQuantile = 10;

const hint = "--find-max-rate takes conditions like 'p99<10ms', 'service p99.9<=5ms' or 'errors<1%'";

/**
 * Reads the conditions of `--find-max-rate`, joined by commas or `and`:
 * `p99<10ms`, `response p99.9<=5ms and errors<1%`. Figures are `pN` (N above 0,
 * to 100), `max` and `mean`, of response times unless `service` stands in front;
 * `errors` and `dropped` are in percent.
 *
 * @throws AIBENCH_USAGE naming the part that is no condition, or that can hold at no rate
 */
export function parseConditions(text: string): readonly Condition[] {
  const parts = text.split(/,|\sand\s/i).map((part) => part.trim());
  return parts.map((part) => parseCondition(part, text));
}

/**
 * Measures a distribution against conditions. What was not measured does not
 * hold: no answers, or a figure that is no number.
 *
 * @param conditions at least one
 */
export function evaluateConditions(
  conditions: readonly Condition[],
  measurement: RateMeasurement,
): Evaluation {
  const findings = conditions.map((condition) => findingOf(condition, measurement));
  const reasons = findings.filter(({ holds }) => !holds).map(({ line }) => line);
  const shortfall = shortfallOf(measurement);
  if (shortfall !== undefined) reasons.push(shortfall);
  return { holds: reasons.length === 0, findings, reasons };
}

/**
 * How many answers a measurement should have, so that its quantiles can be told
 * apart from its maximum: ten above the highest quantile asked for, 1,000 for
 * p99; at least 100. For `max` no number is enough, and none is asked for.
 */
export function samplesNeeded(conditions: readonly Condition[]): number {
  const quantiles = conditions.map((condition) =>
    condition.kind === 'latency' ? (condition.quantile ?? 0.5) : 0.5,
  );
  const highest = Math.max(0.5, ...quantiles.filter((quantile) => quantile < 1));
  // The difference is a decimal fraction that binary floating point misses by a little.
  return Math.max(100, Math.ceil(samplesAboveQuantile / (1 - highest) - 1e-6));
}

function parseCondition(part: string, whole: string): Condition {
  const sides = /^([^<>=]*?)\s*(<=?)\s*([^<>=]*)$/.exec(part);
  const [, left = '', operator = '', limit = ''] = sides ?? [];
  if (sides === null || left === '' || limit === '') {
    const where = part === '' ? `there is an empty part in "${whole}"` : `"${part}" is no condition`;
    throw usage(where);
  }
  const words = left.toLowerCase().split(/\s+/);
  const clock = words.length > 1 ? words.shift() : undefined;
  const figure = words.join(' ');
  if (clock !== undefined && clock !== 'response' && clock !== 'service') {
    throw usage(`"${part}" is no condition: "${clock}" is neither response nor service`);
  }
  if (figure === 'errors' || figure === 'dropped') {
    if (clock !== undefined) throw usage(`"${part}" is no condition: ${figure} have no ${clock} time`);
    return shareCondition(part, figure, operator as ConditionOperator, limit);
  }
  return latencyCondition(part, clock ?? 'response', figure, operator as ConditionOperator, limit);
}

function shareCondition(
  part: string,
  of: ShareCondition['of'],
  operator: ConditionOperator,
  limit: string,
): ShareCondition {
  const digits = /^(\d+\.?\d*|\.\d+)\s*%$/.exec(limit)?.[1];
  if (digits === undefined) throw usage(`"${part}" is no condition: ${of} are limited in percent, as in 1%`);
  const percent = Number(digits);
  if (percent > 100) throw usage(`"${part}" holds always: no share is above 100%`);
  if (percent === 0 && operator === '<') throw usage(`"${part}" holds never: write ${of}<=0%`);
  return { kind: 'share', text: `${of} ${operator} ${percent}%`, of, operator, limitShare: percent / 100 };
}

function latencyCondition(
  part: string,
  clock: LatencyClock,
  statistic: string,
  operator: ConditionOperator,
  limit: string,
): LatencyCondition {
  const quantile = quantileOf(part, statistic);
  const limitMs = limitMsOf(part, limit);
  const limitUs = limitMs * 1_000;
  const { lowestUs, highestUs } = latencyRange;
  if (limitUs < lowestUs || (limitUs === lowestUs && operator === '<')) {
    throw usage(`"${part}" holds never: the shortest latency recorded is ${lowestUs}us`);
  }
  if (limitUs > highestUs) {
    throw usage(`"${part}" cannot be told: the longest latency recorded is ${highestUs / 1e6}s`);
  }
  const text = `${clock} ${statistic} ${operator} ${formatDurationMs(limitMs)}`;
  return { kind: 'latency', text, clock, statistic, quantile, operator, limitUs };
}

/** @returns undefined for the mean */
function quantileOf(part: string, statistic: string): number | undefined {
  if (statistic === 'mean') return undefined;
  if (statistic === 'max') return 1;
  const digits = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  if (digits === undefined) {
    throw usage(`"${part}" is no condition: "${statistic}" is not pN, max, mean, errors or dropped`);
  }
  const percent = Number(digits);
  if (percent <= 0 || percent > 100) {
    throw usage(`"${part}" is no condition: a quantile lies above p0 and up to p100`);
  }
  return percent / 100;
}

function limitMsOf(part: string, limit: string): number {
  try {
    return parseDurationMs(limit);
  } catch (cause) {
    throw usage(`"${part}" is no condition: "${limit}" is no duration such as 500us, 10ms or 1s`, cause);
  }
}

function usage(message: string, cause?: unknown): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--find-max-rate: ${message}`, { hint, cause });
}

function findingOf(condition: Condition, measurement: RateMeasurement): ConditionFinding {
  const { name, value, limit, shown } =
    condition.kind === 'share'
      ? shareValue(condition, measurement)
      : latencyValue(condition, measurement[condition.clock]);
  // Written so that NaN does not hold.
  const holds = condition.operator === '<' ? value < limit : value <= limit;
  const relation = condition.text.slice(name.length + 1);
  const line = Number.isNaN(value)
    ? `${name} is unknown: nothing was answered`
    : `${name} was ${shown}, which is ${holds ? '' : 'not '}${relation}`;
  return { condition: condition.text, holds, value, line };
}

interface MeasuredFigure {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly shown: string;
}

function shareValue({ of, limitShare }: ShareCondition, measurement: RateMeasurement): MeasuredFigure {
  const value = of === 'errors' ? measurement.errorShare : measurement.droppedShare;
  return { name: of, value, limit: limitShare, shown: `${significant(value * 100)}%` };
}

function latencyValue(condition: LatencyCondition, figures: LatencyFigures): MeasuredFigure {
  const { clock, statistic, quantile, limitUs } = condition;
  const measuredUs = quantile === undefined ? figures.meanUs : figures.quantileUs(quantile);
  const value = figures.count > 0 ? measuredUs : Number.NaN;
  const shown = Number.isFinite(value) ? formatDurationMs(significant(value / 1_000)) : String(value);
  return { name: `${clock} ${statistic}`, value, limit: limitUs, shown };
}

function shortfallOf(measurement: RateMeasurement): string | undefined {
  const { achievedPerSecond, offeredPerSecond, chancePerSecond = 0 } = measurement;
  if ((achievedPerSecond + chancePerSecond) / offeredPerSecond >= leastAchievedShare) return undefined;
  const share = achievedPerSecond / offeredPerSecond;
  const percent = Number.isFinite(share) ? ` (${significant(share * 100)}%)` : '';
  return (
    `only ${significant(achievedPerSecond)}/s of ${significant(offeredPerSecond)}/s were answered${percent}, ` +
    `below ${leastAchievedShare * 100}%`
  );
}

/** To four digits, which is what is worth showing. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}
