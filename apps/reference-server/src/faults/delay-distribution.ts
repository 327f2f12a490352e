import { AibenchError, formatDurationMs, parseDurationMs, type Random } from '@aibench/core';

/** Service times to draw from. */
export interface DelayDistribution {
  /** One service time in ms, at least 0. */
  draw(random: Random): number;
  /** What they are on average, in ms. */
  readonly meanMs: number;
}

/** Always the same service time, in ms. */
export function fixedDelay(delayMs: number): DelayDistribution {
  return { meanMs: delayMs, draw: () => delayMs };
}

/**
 * Reads a distribution of service times:
 *
 * - `98%:2ms,2%:50ms` each of the times with its share; shares add up to 100 %
 * - `exponential:2ms` exponential with that mean
 * - `uniform:1ms-3ms` uniform between the two
 * - `lognormal:2ms,0.5` log-normal with that median and that standard deviation of the logarithm
 *
 * @throws AIBENCH_USAGE naming the flag
 */
export function parseDelayDistribution(text: string): DelayDistribution {
  const match = /^(?:(exponential|uniform|lognormal):)?(.+)$/s.exec(text.trim());
  const body = match?.[2] ?? '';
  switch (match?.[1]) {
    case 'exponential':
      return exponential(readDelay(text, body));
    case 'uniform': {
      const [from, to, ...rest] = body.split('-');
      if (from === undefined || to === undefined || rest.length > 0) throw invalid(text);
      return uniform(text, readDelay(text, from), readDelay(text, to));
    }
    case 'lognormal': {
      const [median, sigma, ...rest] = body.split(',');
      if (median === undefined || sigma === undefined || rest.length > 0) throw invalid(text);
      return logNormal(readDelay(text, median), readNumber(text, sigma));
    }
    default:
      return mixture(text, body);
  }
}

function exponential(meanMs: number): DelayDistribution {
  return { meanMs, draw: (random) => meanMs * random.exponential() };
}

function uniform(text: string, fromMs: number, toMs: number): DelayDistribution {
  if (toMs < fromMs) throw invalid(text);
  return { meanMs: (fromMs + toMs) / 2, draw: (random) => fromMs + (toMs - fromMs) * random.uniform() };
}

function logNormal(medianMs: number, sigma: number): DelayDistribution {
  return {
    meanMs: medianMs * Math.exp((sigma * sigma) / 2),
    draw: (random) => medianMs * Math.exp(sigma * random.normal()),
  };
}

function mixture(text: string, body: string): DelayDistribution {
  const parts = body.split(',').map((part) => {
    const match = /^\s*([\d.]+)%:(.+)$/s.exec(part);
    if (match === null) throw invalid(text);
    return { percent: readNumber(text, match[1]!), delayMs: readDelay(text, match[2]!) };
  });
  const total = parts.reduce((sum, { percent }) => sum + percent, 0);
  // Shares such as 33.3% and 66.7% don't add up exactly in binary.
  if (Math.abs(total - 100) > 1e-6) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `--delay-distribution: shares of "${text}" add up to ${total} %`,
      {
        hint: 'they must add up to 100 %',
      },
    );
  }
  return {
    meanMs: parts.reduce((sum, { percent, delayMs }) => sum + (percent / 100) * delayMs, 0),
    draw(random) {
      let rest = random.uniform() * 100;
      for (const { percent, delayMs } of parts) {
        if (rest < percent) return delayMs;
        rest -= percent;
      }
      return parts.at(-1)!.delayMs;
    },
  };
}

function readDelay(text: string, part: string): number {
  let delayMs: number;
  try {
    delayMs = parseDurationMs(part);
  } catch (cause) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `--delay-distribution: "${part.trim()}" in "${text}" is no duration`,
      {
        hint: 'a duration is written like 500us, 2ms or 1s',
        cause,
      },
    );
  }
  if (delayMs < 0) {
    throw new AibenchError('AIBENCH_USAGE', `--delay-distribution: ${formatDurationMs(delayMs)} is below 0`);
  }
  return delayMs;
}

function readNumber(text: string, part: string): number {
  const value = Number(part);
  if (part.trim() === '' || !Number.isFinite(value) || value < 0) throw invalid(text);
  return value;
}

function invalid(text: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--delay-distribution: "${text}" is no distribution`, {
    hint: 'write 98%:2ms,2%:50ms or exponential:2ms or uniform:1ms-3ms or lognormal:2ms,0.5',
  });
}
