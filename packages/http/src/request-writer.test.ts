import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestHead } from './request-head.js';
import { type OutputSocket, writeRequest } from './request-writer.js';

/** A socket that takes what it is given at once, or keeps it until the test lets it. */
class RecordingSocket implements OutputSocket {
  readonly kept: Uint8Array[] = [];
  readonly taken: Buffer[] = [];
  corked = 0;
  writes = 0;
  readonly #isSlow: () => boolean;

  constructor(isSlow: () => boolean) {
    this.#isSlow = isSlow;
  }

  get writableLength(): number {
    return this.kept.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  cork(): void {
    this.corked += 1;
  }

  uncork(): void {
    this.corked -= 1;
  }

  write(chunk: Uint8Array): boolean {
    if (this.corked === 0) this.writes += 1;
    if (this.kept.length > 0 || this.#isSlow()) this.kept.push(chunk);
    else this.taken.push(Buffer.from(chunk));
    return true;
  }

  /** All that has come out, once everything is let out. */
  drain(): Buffer {
    return Buffer.concat([...this.taken.splice(0), ...this.kept.splice(0)]);
  }
}

const head = new RequestHead('h:1', { method: 'POST', path: '/' });
const expected = (body: Buffer) =>
  `POST / HTTP/1.1\r\nhost: h:1\r\nconnection: keep-alive\r\ncontent-length: ${body.length}\r\n\r\n${body.toString('latin1')}`;

describe('writeRequest', () => {
  it.each([true, false])('writes whole requests, whatever waits meanwhile (may reuse: %s)', (mayReuse) => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 30_000, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
    );
    const request = fc.record({
      body: fc.oneof(piece, fc.array(piece, { maxLength: 4 })),
      socket: fc.nat(2),
      isSlow: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 12 }), (requests) => {
        let isSlow = false;
        const sockets = [0, 1, 2].map(() => new RecordingSocket(() => isSlow));
        const sent = sockets.map(() => '');
        for (const one of requests) {
          isSlow = one.isSlow;
          writeRequest(sockets[one.socket]!, head, one.body, mayReuse);
          const body = one.body instanceof Uint8Array ? Buffer.from(one.body) : Buffer.concat(one.body);
          sent[one.socket] += expected(body);
        }
        expect(sockets.map((socket) => socket.drain().toString('latin1'))).toEqual(sent);
        expect(sockets.map(({ corked }) => corked)).toEqual([0, 0, 0]);
      }),
    );
  });

  it('writes a short request in one go, and passes on a long one without a copy', () => {
    const socket = new RecordingSocket(() => true);
    writeRequest(socket, head, [Buffer.alloc(100), Buffer.alloc(1_000)], true);
    expect(socket.writes).toBe(1);
    socket.drain();
    const large = new Uint8Array(100_000);
    writeRequest(socket, head, [Buffer.alloc(100), large], true);
    expect(socket.writes).toBe(1);
    expect(socket.kept).toContain(large);
    socket.drain();
    writeRequest(socket, head, undefined, true);
    expect(socket.drain().toString()).toBe(expected(Buffer.alloc(0)));
  });
});
