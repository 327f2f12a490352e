import { AibenchError, formatDurationMs } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRateStages } from './rate-stages.js';

describe('parseRateStages', () => {
  it('reads durations as Go writes them and rates a second, blanks passed over', () => {
    expect(parseRateStages('10s:100,30s:500')).toEqual([
      { durationUs: 10e6, targetPerSecond: 100 },
      { durationUs: 30e6, targetPerSecond: 500 },
    ]);
    expect(parseRateStages(' 0s:1e3 , 1m30s : 1000.5, 500ms:0 ')).toEqual([
      { durationUs: 0, targetPerSecond: 1_000 },
      { durationUs: 90e6, targetPerSecond: 1_000.5 },
      { durationUs: 500_000, targetPerSecond: 0 },
    ]);
  });

  it('reads what is written from stages', () => {
    const stage = fc.record({
      durationUs: fc.integer({ min: 1, max: 1e12 }),
      targetPerSecond: fc.double({ min: 0.001, max: 1e7, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(stage, { minLength: 1, maxLength: 5 }), (stages) => {
        const text = stages.map(
          (each) => `${formatDurationMs(each.durationUs / 1e3)}:${each.targetPerSecond}`,
        );
        const read = parseRateStages(text.join(','));
        expect(read.map((each) => each.targetPerSecond)).toEqual(stages.map((each) => each.targetPerSecond));
        expect(read.map((each) => Math.round(each.durationUs))).toEqual(
          stages.map((each) => each.durationUs),
        );
      }),
    );
  });

  it.each([
    ['', '--stages is empty'],
    ['10s', 'stage 1 of --stages, "10s", is no duration and rate with a colon between them'],
    ['10s:100,', 'stage 2 of --stages, "", is no duration and rate with a colon between them'],
    ['10s:1:2', 'stage 1 of --stages, "10s:1:2", is no duration and rate with a colon between them'],
    ['10s:100,x:5', 'stage 2 of --stages, "x:5": "x" is no duration'],
    ['10:100', 'stage 1 of --stages, "10:100": "10" is no duration'],
    [':100', 'stage 1 of --stages, ":100": "" is no duration'],
    ['-1s:100', 'stage 1 of --stages, "-1s:100": a duration can\'t be negative'],
    ['10s:fast', 'stage 1 of --stages, "10s:fast": "fast" is no rate'],
    ['10s:', 'stage 1 of --stages, "10s:": "" is no rate'],
    ['10s:0x10', 'stage 1 of --stages, "10s:0x10": "0x10" is no rate'],
    ['10s:1e999', 'stage 1 of --stages, "10s:1e999": "1e999" is no rate'],
    ['10s:-5', 'stage 1 of --stages, "10s:-5": a rate can\'t be negative'],
    [
      '1s:1e7,1s:10000001',
      'stage 2 of --stages, "1s:10000001": 10000001 is above 10000000, the highest rate',
    ],
    ['0s:100', '--stages 0s:100 lasts no time'],
    ['10s:0,0s:5', '--stages 10s:0,0s:5 never sends a request: its rate is always 0'],
  ])('rejects %j', (text, message) => {
    try {
      parseRateStages(text);
      expect.fail('it was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(AibenchError);
      expect(error).toMatchObject({
        code: 'AIBENCH_USAGE',
        message,
        hint: expect.stringContaining('--stages'),
      });
    }
  });

  it('accepts a way down to 0 from a rate given otherwise', () => {
    expect(parseRateStages('10s:0', 5)).toEqual([{ durationUs: 10e6, targetPerSecond: 0 }]);
  });
});
