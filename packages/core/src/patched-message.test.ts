import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MessagePart, PatchedMessage } from './patched-message.js';
import { type TensorSpec, tensorSizeBytes } from './tensor.js';

/** Fixed bytes, and tensors around the size from which they are sent as they are. */
const part: fc.Arbitrary<MessagePart> = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .oneof(fc.nat(40), fc.integer({ min: 65_530, max: 65_540 }))
    .map((length): TensorSpec => ({ name: 'x', dtype: 'uint8', shape: [length] })),
);

describe('PatchedMessage', () => {
  it('is its parts, with the tensors in their places', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const message = new PatchedMessage(parts);
        let count = 0;
        const filled = parts.map((each) =>
          each instanceof Uint8Array ? each : Buffer.alloc(tensorSizeBytes(each), ++count),
        );
        const data = filled.filter((_, i) => !(parts[i] instanceof Uint8Array));
        const encoded = message.encode(data);
        const pieces = encoded instanceof Uint8Array ? [encoded] : encoded;
        const whole = Buffer.concat(filled);
        expect(Buffer.concat(pieces).equals(whole)).toBe(true);
        expect(message.sizeBytes).toBe(whole.length);
        // Large tensors are sent as they lie in memory, and no others.
        const asTheyAre = pieces.filter((piece) => data.includes(piece));
        expect(asTheyAre.every(({ byteLength }) => byteLength >= 65_536)).toBe(true);
        expect(asTheyAre).toHaveLength(data.filter(({ byteLength }) => byteLength >= 65_536).length);
      }),
      { numRuns: 200 },
    );
  });

  it('gives every request bytes of its own', () => {
    const message = new PatchedMessage([Uint8Array.of(9), { name: 'x', dtype: 'uint8', shape: [1] }]);
    const first = message.encode([Uint8Array.of(1)]);
    message.encode([Uint8Array.of(2)]);
    expect(first).toEqual(Buffer.from([9, 1]));
  });
});
