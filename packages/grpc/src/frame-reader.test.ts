import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.js';
import { Flag, FrameType, frameHeaderBytes, Http2Error, writeFrameHeader } from './http2-protocol.js';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly contents: Uint8Array;
}

function encode({ type, flags, streamId, contents }: Frame): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + contents.length);
  writeFrameHeader(bytes, 0, contents.length, type, flags, streamId);
  bytes.set(contents, frameHeaderBytes);
  return bytes;
}

/** Reads chunks, each in memory that is overwritten after it, and joins the parts of DATA frames. */
function read(chunks: readonly Buffer[], maxFrameBytes = 16_384): Frame[] {
  const frames: Frame[] = [];
  let data: Buffer[] = [];
  let windowBytes = 0;
  const reader = new FrameReader(
    {
      onData(streamId, bytes, start, end, taken, endsStream) {
        data.push(Buffer.from(bytes.subarray(start, end)));
        windowBytes += taken;
        if (!endsStream) return;
        const flags = Flag.endStream | (windowBytes > Buffer.concat(data).length ? Flag.padded : 0);
        frames.push({ type: 0, flags, streamId, contents: Buffer.concat(data) });
        data = [];
        windowBytes = 0;
      },
      onFrame(type, flags, streamId, bytes, start, end) {
        frames.push({ type, flags, streamId, contents: Buffer.from(bytes.subarray(start, end)) });
      },
    },
    maxFrameBytes,
  );
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    reader.push(lent, lent.length);
    lent.fill(0xff);
  }
  return frames;
}

const frame = fc.record({
  type: fc.integer({ min: 1, max: 255 }),
  flags: fc.nat(255),
  streamId: fc.nat(0x7fffffff),
  contents: fc.uint8Array({ maxLength: 40 }),
});
// All DATA ends its stream here, so that its parts can be told from the next frame's.
const data = fc.record({
  type: fc.constant(FrameType.data),
  flags: fc.constant(Flag.endStream),
  streamId: fc.nat(0x7fffffff),
  contents: fc.uint8Array({ maxLength: 40 }),
});

describe('FrameReader', () => {
  it('reads the same frames wherever the stream is cut', () => {
    const cuts = fc.array(fc.nat(1_000), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, data), { maxLength: 12 }), cuts, (frames, places) => {
        const bytes = Buffer.concat(frames.map(encode));
        const at = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = at.map((to, i) => bytes.subarray(at[i - 1] ?? 0, to));
        expect(read(chunks)).toEqual(frames.map((one) => ({ ...one, contents: Buffer.from(one.contents) })));
      }),
    );
  });

  it('reads the same frames octet by octet', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, data), { maxLength: 6 }), (frames) => {
        const bytes = Buffer.concat(frames.map(encode));
        expect(read([...bytes].map((octet) => Buffer.of(octet)))).toEqual(read([bytes]));
      }),
    );
  });

  it('takes padding off DATA, and counts it', () => {
    const contents = Buffer.from([3, 1, 2, 0, 0, 0]);
    const bytes = encode({ type: 0, flags: Flag.padded | Flag.endStream, streamId: 1, contents });
    const expected = [{ type: 0, flags: 9, streamId: 1, contents: Buffer.of(1, 2) }];
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
    }
  });

  it.each([
    ['padding longer than its frame', encode({ type: 0, flags: 8, streamId: 1, contents: Buffer.of(2, 0) })],
    ['padding without its length', encode({ type: 0, flags: 8, streamId: 1, contents: Buffer.of() })],
    ['a frame that is too long', Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1])],
    ['a frame that is far too long', Buffer.from([0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 1])],
  ])('refuses %s', (_, bytes) => {
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(() => read([bytes.subarray(0, cut), bytes.subarray(cut)])).toThrow(Http2Error);
    }
  });
});
