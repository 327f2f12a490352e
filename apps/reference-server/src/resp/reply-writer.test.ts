import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeReply } from '../testing/decode-reply.js';
import { ReplyWriter } from './reply-writer.js';

function written(write: (reply: ReplyWriter) => void, version: 2 | 3 = 2): Buffer {
  const reply = new ReplyWriter();
  reply.version = version;
  write(reply);
  const { sizeBytes } = reply;
  const bytes = Buffer.concat(reply.take());
  expect(bytes.length).toBe(sizeBytes);
  expect(reply.sizeBytes).toBe(0);
  return bytes;
}

describe('ReplyWriter', () => {
  it('writes bytes of any length back to back', () => {
    const sizes = fc.array(fc.nat({ max: 9_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const blobs = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        const bytes = written((reply) => {
          reply.array(blobs.length);
          for (const blob of blobs) reply.bulk(blob);
        });
        const decoded = decodeReply(bytes);
        expect(decoded?.value).toEqual(blobs.map((blob) => blob.toString('latin1')));
        expect(decoded?.end).toBe(bytes.length);
      }),
    );
  });

  it('does not change what was taken', () => {
    const reply = new ReplyWriter();
    reply.bulkText('first');
    const first = Buffer.concat(reply.take());
    reply.bulkText('other');
    reply.take();
    expect(first.toString()).toBe('$5\r\nfirst\r\n');
  });

  it('keeps an error on one line', () => {
    expect(written((reply) => reply.error('ERR a\r\n+OK\nb')).toString()).toBe('-ERR a +OK b\r\n');
  });

  it.each([
    [2, '*2\r\n', '$-1\r\n', '$3\r\n0.5\r\n', '*1\r\n', '$2\r\nhi\r\n'],
    [3, '%1\r\n', '_\r\n', ',0.5\r\n', '~1\r\n', '=6\r\ntxt:hi\r\n'],
  ] as const)('writes RESP%i', (version, map, nothing, double, set, verbatim) => {
    const bytes = written((reply) => {
      reply.map(1);
      reply.null();
      reply.double(0.5);
      reply.set(1);
      reply.verbatim('hi');
    }, version);
    expect(bytes.toString()).toBe(`${map}${nothing}${double}${set}${verbatim}`);
  });

  it('writes whole numbers', () => {
    const bytes = written((reply) => {
      for (const value of [0, 9, 10, -1, 2n ** 63n - 1n]) reply.integer(value);
    });
    expect(bytes.toString()).toBe(':0\r\n:9\r\n:10\r\n:-1\r\n:9223372036854775807\r\n');
  });

  it('writes doubles that read back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const decoded = decodeReply(written((reply) => reply.double(value), 3));
        expect(decoded?.value).toEqual({ double: value });
      }),
    );
  });
});
