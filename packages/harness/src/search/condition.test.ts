import { AibenchError, LatencyHistogram, latencyRange } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateConditions,
  leastAchievedShare,
  parseConditions,
  type RateMeasurement,
  samplesNeeded,
} from './condition.js';

function histogram(valuesUs: readonly number[]): LatencyHistogram {
  const filled = new LatencyHistogram();
  for (const valueUs of valuesUs) filled.record(valueUs);
  return filled;
}

/** Response times of 1 to 100 ms, service times half of that, the rate reached, nothing lost. */
function measurement(changes: Partial<RateMeasurement> = {}): RateMeasurement {
  const responseUs = Array.from({ length: 100 }, (_, index) => (index + 1) * 1_000);
  return {
    offeredPerSecond: 100,
    achievedPerSecond: 100,
    errorShare: 0,
    droppedShare: 0,
    response: histogram(responseUs),
    service: histogram(responseUs.map((valueUs) => valueUs / 2)),
    ...changes,
  };
}

function errorOf(text: string): AibenchError {
  try {
    parseConditions(text);
  } catch (error) {
    if (error instanceof AibenchError) return error;
  }
  throw new Error(`"${text}" was taken`);
}

describe('parseConditions', () => {
  it.each([
    ['p99<10ms', 'response', 0.99, '<', 10_000],
    ['p99.9<=5ms', 'response', 0.999, '<=', 5_000],
    ['response p50 < 1ms', 'response', 0.5, '<', 1_000],
    ['service P90<=1m', undefined, 0, '<', 0],
    ['Service max<1s', 'service', 1, '<', 1e6],
    ['p100<1s', 'response', 1, '<', 1e6],
    ['mean<2ms', 'response', undefined, '<', 2_000],
    ['service  mean <= 1.5ms', 'service', undefined, '<=', 1_500],
    ['max<=1us', 'response', 1, '<=', 1],
    ['max<=30s', 'response', 1, '<=', 3e7],
  ])('reads %s', (text, clock, quantile, operator, limitUs) => {
    if (clock === undefined) {
      expect(errorOf(text).message).toContain('the longest latency recorded is 30s');
      return;
    }
    const [condition, ...more] = parseConditions(text);
    expect(more).toEqual([]);
    expect(condition).toMatchObject({ kind: 'latency', clock, operator, limitUs });
    if (quantile === undefined) expect(condition).toHaveProperty('quantile', undefined);
    else expect((condition as { quantile: number }).quantile).toBeCloseTo(quantile, 12);
  });

  it.each([
    ['errors<1%', 'errors', '<', 0.01],
    ['dropped <= 0.1 %', 'dropped', '<=', 0.001],
    ['errors<=0%', 'errors', '<=', 0],
  ])('reads %s', (text, of, operator, limitShare) => {
    expect(parseConditions(text)).toEqual([
      { kind: 'share', of, operator, limitShare, text: expect.any(String) },
    ]);
  });

  it('takes several, joined either way', () => {
    const texts = (text: string) => parseConditions(text).map((condition) => condition.text);
    const all = ['response p99 < 10ms', 'service max < 1s', 'errors < 1%'];
    expect(texts('p99<10ms, service max<1s ,errors<1%')).toEqual(all);
    expect(texts('p99<10ms and service max<1s AND errors<1%')).toEqual(all);
  });

  it('reads again what it shows', () => {
    const part = fc.oneof(
      fc
        .record({
          clock: fc.constantFrom('', 'response ', 'service '),
          figure: fc.constantFrom('p50', 'p99', 'p99.9', 'p99.99', 'max', 'mean'),
          operator: fc.constantFrom('<', '<=', ' < '),
          limitUs: fc.integer({ min: 2, max: latencyRange.highestUs }),
        })
        .map(({ clock, figure, operator, limitUs }) => `${clock}${figure}${operator}${limitUs}us`),
      fc
        .record({ of: fc.constantFrom('errors', 'dropped'), percent: fc.integer({ min: 1, max: 1_000 }) })
        .map(({ of, percent }) => `${of}<=${percent / 10}%`),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const conditions = parseConditions(parts.join(','));
        expect(conditions).toHaveLength(parts.length);
        expect(parseConditions(conditions.map(({ text }) => text).join(' and '))).toEqual(conditions);
      }),
    );
  });

  it.each([
    ['', 'empty part'],
    ['p99<10ms,', 'empty part'],
    ['p99', '"p99" is no condition'],
    ['p99<', '"p99<" is no condition'],
    ['<10ms', '"<10ms" is no condition'],
    ['p99>10ms', '"p99>10ms" is no condition'],
    ['p50<1ms<2ms', 'is no condition'],
    ['p99<10', '"10" is no duration'],
    ['p99<ten', '"ten" is no duration'],
    ['p0<10ms', 'above p0'],
    ['p101<10ms', 'up to p100'],
    ['p<10ms', '"p" is not pN'],
    ['median<10ms', '"median" is not pN'],
    ['server p99<10ms', 'neither response nor service'],
    ['errors<1', 'in percent'],
    ['errors<1ms', 'in percent'],
    ['service errors<1%', 'errors have no service time'],
    ['p99<1%', '"1%" is no duration'],
    ['p99<0ms', 'holds never'],
    ['p99<-1ms', 'holds never'],
    ['p99<1us', 'holds never'],
    ['errors<0%', 'holds never'],
    ['errors<101%', 'holds always'],
    ['max<31s', 'cannot be told'],
  ])('rejects %j, naming the flag and the part', (text, what) => {
    const error = errorOf(text);
    expect(error.code).toBe('AIBENCH_USAGE');
    expect(error.message).toMatch(/^--find-max-rate: /);
    expect(error.message).toContain(what);
    expect(error.hint).toContain('p99<10ms');
  });

  it('reads or rejects any text, and throws nothing else', () => {
    const soup = fc.array(
      fc.constantFrom('p', '9', '.', '<', '=', ' ', ',', 'ms', '%', 'max', ' and ', 'errors'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          soup.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            expect(parseConditions(text).length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(AibenchError);
          }
        },
      ),
    );
  });
});

describe('evaluateConditions', () => {
  const holds = (text: string, changes?: Partial<RateMeasurement>) =>
    evaluateConditions(parseConditions(text), measurement(changes)).holds;

  it('reads each figure from the clock that is asked for', () => {
    expect(holds('p50<51ms')).toBe(true);
    expect(holds('p50<50ms')).toBe(false);
    expect(holds('service p50<=25.02ms')).toBe(true);
    expect(holds('service p50<25ms')).toBe(false);
    expect(holds('max<=100.1ms')).toBe(true);
    expect(holds('max<100ms')).toBe(false);
    expect(holds('mean<51ms and service mean<26ms')).toBe(true);
    expect(holds('mean<50ms and service mean<26ms')).toBe(false);
  });

  it('tells < from <= in shares', () => {
    expect(holds('errors<1%', { errorShare: 0.01 })).toBe(false);
    expect(holds('errors<=1%', { errorShare: 0.01 })).toBe(true);
    expect(holds('dropped<=0%', { droppedShare: 1e-9 })).toBe(false);
    expect(holds('dropped<1%', { errorShare: 1 })).toBe(true);
  });

  it('says every figure and every reason', () => {
    const conditions = parseConditions('p50<1ms,service p50<1s,errors<1%');
    const evaluation = evaluateConditions(
      conditions,
      measurement({ errorShare: 0.0213, achievedPerSecond: 90 }),
    );
    expect(evaluation.findings.map(({ holds: held }) => held)).toEqual([false, true, false]);
    expect(evaluation.reasons).toEqual([
      expect.stringMatching(/^response p50 was 50\.\d+ms, which is not < 1ms$/),
      'errors was 2.13%, which is not < 1%',
      'only 90/s of 100/s were answered (90%), below 98%',
    ]);
    expect(evaluation.findings[1]?.line).toMatch(/^service p50 was 25\.\d+ms, which is < 1s$/);
  });

  it('does not hold where the rate fell short, however good the latencies', () => {
    expect(holds('p99<1s', { achievedPerSecond: leastAchievedShare * 100 })).toBe(true);
    expect(holds('p99<1s', { achievedPerSecond: leastAchievedShare * 100 - 0.1 })).toBe(false);
  });

  it('allows for what queues change by chance', () => {
    const changes = { achievedPerSecond: 95 };
    expect(holds('p99<1s', changes)).toBe(false);
    expect(holds('p99<1s', { ...changes, chancePerSecond: 2.9 })).toBe(false);
    expect(holds('p99<1s', { ...changes, chancePerSecond: 3 })).toBe(true);
  });

  it('does not hold where nothing was measured', () => {
    const nothing = new LatencyHistogram();
    const evaluation = evaluateConditions(
      parseConditions('p99<1s'),
      measurement({ response: nothing, offeredPerSecond: 0, achievedPerSecond: 0 }),
    );
    expect(evaluation.holds).toBe(false);
    expect(evaluation.reasons[0]).toBe('response p99 is unknown: nothing was answered');
    expect(holds('errors<1%', { errorShare: Number.NaN })).toBe(false);
  });

  it('holds a wider limit wherever it holds a narrower one', () => {
    const limitUs = fc.integer({ min: 2, max: 200_000 });
    fc.assert(
      fc.property(fc.constantFrom('p1', 'p50', 'p99', 'mean', 'max'), limitUs, limitUs, (figure, a, b) => {
        const narrow = holds(`${figure}<${Math.min(a, b)}us`);
        const wide = holds(`${figure}<${Math.max(a, b)}us`);
        expect(wide || !narrow).toBe(true);
      }),
    );
  });
});

describe('samplesNeeded', () => {
  it.each([
    ['p50<1ms', 100],
    ['p99<1ms', 1_000],
    ['p99.9<1ms,p50<1ms', 10_000],
    ['p99.99<1ms', 100_000],
    ['max<1ms', 100],
    ['mean<1ms,errors<1%', 100],
  ])('of %s is %i', (text, count) => {
    expect(samplesNeeded(parseConditions(text))).toBe(count);
  });
});
