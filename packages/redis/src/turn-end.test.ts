import { setImmediate as turnEnd } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runAtTurnEnd } from './turn-end.js';

describe('runAtTurnEnd', () => {
  it('runs tasks in order when the turn is over, those of the next turn with the next', async () => {
    const ran: string[] = [];
    const task = (name: string) => ({ atTurnEnd: () => void ran.push(name) });
    runAtTurnEnd(task('a'));
    runAtTurnEnd({
      atTurnEnd() {
        ran.push('b');
        runAtTurnEnd(task('c'));
      },
    });
    await Promise.resolve();
    expect(ran).toEqual([]);
    await turnEnd();
    expect(ran).toEqual(['a', 'b']);
    await turnEnd();
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('does not gather without end', async () => {
    const ran: number[] = [];
    for (let i = 0; i < 70; i++) runAtTurnEnd({ atTurnEnd: () => void ran.push(i) });
    expect(ran).toEqual(Array.from({ length: 64 }, (_, i) => i));
    await turnEnd();
    expect(ran).toHaveLength(70);
  });
});
