import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeaderAssembler } from './header-assembler.js';
import { Flag, FrameType } from './http2-protocol.js';

const field = (name: string, value: string) =>
  Buffer.concat([
    Buffer.of(0, name.length),
    Buffer.from(name, 'latin1'),
    Buffer.of(value.length),
    Buffer.from(value, 'latin1'),
  ]);
const block = Buffer.concat([
  Buffer.of(0x88),
  field('content-type', 'application/grpc+proto'),
  field('grpc-status', '5'),
  field('grpc-message', 'not there'),
]);

it('reads a block the same however it is cut into frames, with padding and a priority or without', () => {
  const cuts = fc.array(fc.nat(block.length), { maxLength: 5 });
  const padding = fc.option(fc.nat(20));
  fc.assert(
    fc.property(cuts, padding, fc.boolean(), fc.boolean(), (places, padded, hasPriority, endsStream) => {
      const assembler = new HeaderAssembler();
      const at = [...places, block.length].sort((a, b) => a - b);
      const pieces = at.map((to, i) => block.subarray(at[i - 1] ?? 0, to));
      for (const [i, piece] of pieces.entries()) {
        const isFirst = i === 0;
        const contents = Buffer.concat([
          isFirst && padded !== null ? Buffer.of(padded) : Buffer.alloc(0),
          isFirst && hasPriority ? Buffer.alloc(5, 0xff) : Buffer.alloc(0),
          piece,
          isFirst && padded !== null ? Buffer.alloc(padded, 0xff) : Buffer.alloc(0),
        ]);
        const isLast = i === pieces.length - 1;
        const flags =
          (isLast ? Flag.endHeaders : 0) |
          (isFirst && padded !== null ? Flag.padded : 0) |
          (isFirst && hasPriority ? Flag.priority : 0) |
          (isFirst && endsStream ? Flag.endStream : 0);
        const type = isFirst ? FrameType.headers : FrameType.continuation;
        expect(assembler.take(type, flags, 7, contents, 0, contents.length)).toBe(isLast);
        expect(assembler.isOpen).toBe(!isLast);
      }
      expect(assembler.endsStream).toBe(endsStream);
      expect(assembler.headers).toMatchObject({
        httpStatus: 200,
        contentType: 'application/grpc+proto',
        grpcStatus: 5,
        grpcMessage: 'not there',
      });
    }),
  );
});

it('forgets one block before the next', () => {
  const assembler = new HeaderAssembler();
  assembler.take(FrameType.headers, Flag.endHeaders, 1, block, 0, block.length);
  assembler.take(FrameType.headers, Flag.endHeaders, 3, Buffer.of(0x8d), 0, 1);
  expect(assembler.headers).toMatchObject({ httpStatus: 404, contentType: '', grpcMessage: '' });
  expect(assembler.headers.grpcStatus).toBeUndefined();
});

it('takes CONTINUATION only for the block that is under way', () => {
  const assembler = new HeaderAssembler();
  assembler.take(FrameType.headers, 0, 1, block, 0, 5);
  expect(() => assembler.take(FrameType.continuation, 4, 3, block, 5, block.length)).toThrow('CONTINUATION');
});
