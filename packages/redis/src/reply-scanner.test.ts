import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyError, ReplyScanner, ReplySyntaxError, type ScannedReply } from './reply-scanner.js';

const line = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\r\n]/.test(text));

const { reply } = fc.letrec<{ reply: ScannedReply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    fc.constant('OK'),
    line,
    fc.maxSafeInteger(),
    fc.constant(null),
    line.map((text) => new ReplyError(text)),
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
}));

function encode(value: ScannedReply): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (typeof value === 'string') return Buffer.from(`+${value}\r\n`);
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`);
  if (value instanceof ReplyError) return Buffer.from(`-${value.text}\r\n`);
  if (Buffer.isBuffer(value))
    return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)]);
}

describe('ReplyScanner', () => {
  it('finds every reply, wherever the chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(reply, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (replies, cuts) => {
          const stream = Buffer.concat(replies.map(encode));
          const ends = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
          const found: ScannedReply[] = [];
          const scanner = new ReplyScanner((value) => found.push(value));
          // One memory for all chunks, overwritten each time, as a socket's read buffer is.
          const memory = Buffer.alloc(stream.length);
          let start = 0;
          for (const end of [...ends, stream.length]) {
            stream.copy(memory, 0, start, end);
            scanner.push(memory.subarray(0, end - start));
            memory.fill(0x21);
            start = end;
          }
          expect(found).toEqual(replies);
        },
      ),
    );
  });

  it('gives each reply as soon as it is whole', () => {
    const found: ScannedReply[] = [];
    const scanner = new ReplyScanner((value) => found.push(value));
    scanner.push(Buffer.from('+OK\r\n+OK\r'));
    expect(found).toEqual(['OK']);
    scanner.push(Buffer.from('\n-OOM command not allowed\r\n'));
    expect(found).toEqual(['OK', 'OK', new ReplyError('OOM command not allowed')]);
    expect((found[2] as ReplyError).kind).toBe('OOM');
  });

  it.each([
    'HTTP/1.1 400 Bad Request\r\n',
    '\x15\x03\x03\x00\x02',
    ':x\r\n',
    '+a\rb',
    '$1\r\nab\r\n',
    '%1\r\n',
    '$-2\r\n',
    '*9999999999\r\n',
    '$12345678901234567890\r\n',
    '$\r\n',
    '*1\r\n'.repeat(200),
  ])('refuses %j', (text) => {
    const scanner = new ReplyScanner(() => {});
    expect(() => scanner.push(Buffer.from(text))).toThrow(ReplySyntaxError);
  });

  it('believes no length before the bytes are there', () => {
    const scanner = new ReplyScanner(() => expect.unreachable('nothing is whole'));
    const before = process.memoryUsage().arrayBuffers;
    scanner.push(Buffer.from('*2000000000\r\n$2000000000\r\n'));
    scanner.push(Buffer.from('x'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
  });

  it('puts long replies together from small chunks', () => {
    const long = Buffer.alloc(20_000_000, 'long\r\n');
    const value = [Array.from({ length: 200_000 }, (_, i) => i), long, 'OK', long];
    const stream = encode(value);
    const found: ScannedReply[] = [];
    const scanner = new ReplyScanner((reply) => found.push(reply));
    // Would take hours if what has come were looked at again with every chunk.
    for (let at = 0; at < stream.length; at += 1_000) scanner.push(stream.subarray(at, at + 1_000));
    expect(found).toHaveLength(1);
    const [numbers, first, status, second] = found[0] as ScannedReply[];
    expect(numbers).toEqual(value[0]);
    expect(status).toBe('OK');
    for (const bytes of [first, second]) expect(long.equals(bytes as Buffer)).toBe(true);
  });

  it('tells numbers apart, however many digits they have', () => {
    const numbers = [0, 7, -7, 999_999_999, 1_234_567_890, -1_234_567_890, 2 ** 53 - 1];
    const found: ScannedReply[] = [];
    const scanner = new ReplyScanner((reply) => found.push(reply));
    scanner.push(Buffer.from(numbers.map((number) => `:${number}\r\n`).join('')));
    expect(found).toEqual(numbers);
  });

  it('does not wait for ever for a line to end', () => {
    const scanner = new ReplyScanner(() => {});
    const push = () => scanner.push(Buffer.alloc(40_000, 0x2b));
    push();
    expect(push).toThrow('a line has no end');
  });
});
