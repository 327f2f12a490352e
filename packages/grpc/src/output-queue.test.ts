import { setImmediate as turnEnd } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputQueue } from './output-queue.js';

/** A socket that takes all at once, or nothing until told to; it looks at bytes when they leave, as the kernel does. */
class FakeSocket {
  readonly sent: Buffer[] = [];
  writes = 0;
  isStuck = false;
  #waiting: Uint8Array[] = [];
  #corked = 0;

  get writableLength(): number {
    return this.#waiting.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
  cork(): void {
    this.#corked += 1;
  }
  uncork(): void {
    this.#corked -= 1;
    this.#send();
  }
  write(chunk: Uint8Array): boolean {
    this.#waiting.push(chunk);
    if (this.#corked === 0) this.#send();
    return true;
  }
  release(): void {
    this.isStuck = false;
    this.#send();
  }
  #send(): void {
    if (this.isStuck || this.#waiting.length === 0) return;
    this.writes += 1;
    for (const chunk of this.#waiting.splice(0)) this.sent.push(Buffer.from(chunk));
  }
}

function put(queue: OutputQueue, bytes: Buffer): void {
  const at = queue.reserve(bytes.length);
  queue.block.set(bytes, at);
}

describe('OutputQueue', () => {
  it('joins what comes in a turn into one write', async () => {
    const socket = new FakeSocket();
    const queue = new OutputQueue(socket, true);
    put(queue, Buffer.from('ab'));
    queue.append(Buffer.from('xcdx'), 1, 3);
    expect(queue.backlogBytes).toBe(4);
    expect(socket.writes).toBe(0);
    await turnEnd();
    expect(socket.sent.map(String)).toEqual(['abcd']);
    expect(queue.backlogBytes).toBe(0);
    put(queue, Buffer.from('ef'));
    await turnEnd();
    expect(socket.sent.map(String)).toEqual(['abcd', 'ef']);
  });

  it('passes long pieces on without copying them', async () => {
    const socket = new FakeSocket();
    socket.isStuck = true;
    const queue = new OutputQueue(socket, true);
    const piece = Buffer.alloc(100_000, 'a');
    queue.append(piece, 0, piece.length);
    await turnEnd();
    piece.fill('b');
    socket.release();
    expect(Buffer.concat(socket.sent).equals(piece)).toBe(true);
  });

  it('sends every byte once and in order, however the socket takes them', async () => {
    const step = fc.oneof(
      fc.record({ put: fc.integer({ min: 1, max: 65_536 }) }),
      fc.record({ append: fc.integer({ min: 1, max: 200_000 }) }),
      fc.constantFrom('turn', 'stick', 'release'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, mayReuse) => {
        const socket = new FakeSocket();
        const queue = new OutputQueue(socket, mayReuse);
        const expected: Buffer[] = [];
        for (const [i, one] of steps.entries()) {
          if (one === 'turn') await turnEnd();
          else if (one === 'stick') socket.isStuck = true;
          else if (one === 'release') socket.release();
          else {
            const bytes = Buffer.alloc('put' in one ? one.put : one.append, i + 1);
            expected.push(bytes);
            if ('put' in one) put(queue, bytes);
            else queue.append(bytes, 0, bytes.length);
          }
        }
        await turnEnd();
        socket.release();
        expect(Buffer.concat(socket.sent).equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('drops everything once it is closed', async () => {
    const socket = new FakeSocket();
    const queue = new OutputQueue(socket, true);
    put(queue, Buffer.from('ab'));
    queue.close();
    for (let i = 0; i < 100; i++) put(queue, Buffer.alloc(10_000));
    await turnEnd();
    expect(socket.writes).toBe(0);
    expect(queue.backlogBytes).toBeLessThan(100_000);
  });
});
