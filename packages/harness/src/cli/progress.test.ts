import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress } from './progress.js';

/** A stream that keeps what is drawn on it. */
function terminal(isTTY: boolean) {
  let drawn = '';
  const stream = new Writable({
    write(chunk, _, done) {
      drawn += chunk;
      done();
    },
  });
  Object.assign(stream, {
    isTTY,
    columns: 100,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  });
  return { stream: stream as unknown as NodeJS.WriteStream, drawn: () => drawn };
}

describe('createProgress', () => {
  it('draws how far it is, and ends the line', () => {
    const { stream, drawn } = terminal(true);
    const progress = createProgress({ label: 'loading', unit: 'rows', total: 200, stream });
    progress.update(200);
    progress.finish();
    expect(drawn()).toContain('loading');
    expect(drawn()).toContain('200/200 rows');
  });

  it('counts where the end is not known', () => {
    const { stream, drawn } = terminal(true);
    const progress = createProgress({ label: 'loading', unit: 'rows', stream });
    progress.update(7);
    progress.finish();
    expect(drawn()).toContain('7 rows');
    expect(drawn()).not.toContain('%');
  });

  it('draws nothing on what is no terminal, or where it is told not to', () => {
    for (const [isTTY, quiet] of [
      [false, false],
      [true, true],
    ] as const) {
      const { stream, drawn } = terminal(isTTY);
      const progress = createProgress({ label: 'loading', unit: 'rows', total: 2, stream, quiet });
      progress.update(2);
      progress.finish();
      expect(drawn()).toBe('');
    }
  });
});
