import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader, messagePrefixBytes } from './message-reader.js';

function prefixed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const prefix = Buffer.alloc(messagePrefixBytes);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function push(reader: MessageReader, bytes: Buffer) {
  return reader.push(Buffer.concat([Buffer.of(1), bytes, Buffer.of(2)]), 1, 1 + bytes.length);
}

describe('MessageReader', () => {
  it('reads the same message wherever its bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(60), fc.nat(60), (message, a, b) => {
        const bytes = prefixed(message);
        const reader = new MessageReader(50);
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        for (const part of [bytes.subarray(0, first), bytes.subarray(first, second)]) push(reader, part);
        expect(reader.message === undefined).toBe(second < bytes.length);
        push(reader, bytes.subarray(second));
        expect(reader.message).toEqual(Buffer.from(message));
      }),
    );
  });

  it('takes no memory for what a length only promises', () => {
    const reader = new MessageReader(0xffffffff);
    const before = process.memoryUsage().arrayBuffers;
    push(reader, prefixed(Buffer.from('abc'), { length: 0xfffffff0 }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
    expect(reader.message).toBeUndefined();
  });

  it('grows to a long message', () => {
    const message = Buffer.alloc(10_000_000, 'abcdefg');
    const bytes = prefixed(message);
    const reader = new MessageReader(message.length);
    for (let at = 0; at < bytes.length; at += 65_536) push(reader, bytes.subarray(at, at + 65_536));
    expect(reader.message?.equals(message)).toBe(true);
  });

  it('tells what is wrong', () => {
    expect(push(new MessageReader(9), prefixed(Buffer.from('a'), { flag: 1 }))).toBe('compressed');
    expect(push(new MessageReader(9), prefixed(Buffer.alloc(10)))).toBe('tooLong');
    expect(push(new MessageReader(9), Buffer.concat([prefixed(Buffer.alloc(1)), Buffer.alloc(1)]))).toBe(
      'notOne',
    );
    expect(new MessageReader(9).isEmpty).toBe(true);
  });
});
