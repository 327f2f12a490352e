import { describe, expect, it } from 'vitest';
import { StageStopwatch, stageNames } from './stages.js';
import { VirtualClock } from './virtual-clock.js';

describe('StageStopwatch', () => {
  it('gives each stage the time since the last one ended, adds up what ends twice, and starts anew', () => {
    const clock = new VirtualClock(500);
    const stopwatch = new StageStopwatch(clock);
    stopwatch.start(490);
    for (const [stage, us] of [
      ['reference', 5],
      ['encode', 1],
      ['wait', 100],
      ['encode', 2],
      ['wait', 50],
    ] as const) {
      clock.advance(us);
      stopwatch.end(stage);
    }
    expect(Object.fromEntries(stageNames.map((name, i) => [name, stopwatch.elapsedUs[i]]))).toEqual({
      reference: 15,
      encode: 3,
      wait: 150,
      decode: -1,
    });
    stopwatch.start(clock.nowUs());
    expect([...stopwatch.elapsedUs]).toEqual(stageNames.map(() => -1));
  });
});
