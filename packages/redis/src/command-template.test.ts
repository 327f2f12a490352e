import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandTemplate, type TemplatePart } from './command-template.js';
import { encodeCommand } from './resp-encode.js';

const id = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 15 }).map((digits) => 10 ** digits),
  fc.integer({ min: 1, max: 15 }).map((digits) => 10 ** digits - 1),
);

/** A part, with what it should be for a given id and blobs. */
const part = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 40 }),
  fc.record({ blob: fc.integer({ min: 0, max: 300 }) }),
  fc.tuple(fc.constantFrom('a:{', 'é{', ''), fc.constantFrom('}', '', '}:x')).map(([before, after]) => ({
    key: (rowId: number) => `${before}${rowId}${after}`,
  })),
);

function isBlob(value: TemplatePart): value is { readonly blob: number } {
  return typeof value === 'object' && 'blob' in value;
}

describe('CommandTemplate', () => {
  it('encodes what a plain encoder encodes', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), id, fc.nat(255), (parts, rowId, seed) => {
        const template = commandTemplate(['AI.DAGRUN', ...parts]);
        const blobs = parts.filter(isBlob).map(({ blob }, i) => new Uint8Array(blob).fill(seed + i));
        const rest = [...blobs];
        const args = parts.map((value) => {
          if (isBlob(value)) return rest.shift()!;
          return typeof value === 'object' && 'key' in value ? value.key(rowId) : value;
        });
        const expected = encodeCommand(['AI.DAGRUN', ...args]);
        expect(template.encode(rowId, blobs)).toEqual(expected);
        expect(template.sizeBytes(rowId)).toBe(expected.length);
      }),
    );
  });

  it('passes large blobs on as they lie in memory', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat(8), id, (some, place, rowId) => {
        const large = { blob: 65_536 };
        const parts = [...some.slice(0, place), large, ...some.slice(place)];
        const template = commandTemplate(['AI.TENSORSET', ...parts]);
        const blobs = parts.filter(isBlob).map(({ blob }, i) => new Uint8Array(blob).fill(i + 1));
        const wire = template.wire(rowId, blobs) as readonly Uint8Array[];
        expect(Buffer.concat(wire).equals(template.encode(rowId, blobs))).toBe(true);
        for (const blob of blobs) expect(wire.includes(blob)).toBe(true);
      }),
      { numRuns: 50 },
    );
    const template = commandTemplate(['SET', 'k', { blob: 65_535 }]);
    expect(template.wire(1, [new Uint8Array(65_535)])).toBeInstanceOf(Buffer);
    expect(() => commandTemplate(['SET', 'k', { blob: 65_536 }]).wire(1, [new Uint8Array(3)])).toThrow(
      'blob 0 of SET is 3 bytes, not 65536',
    );
  });

  it('frames a command as RESP says', () => {
    const template = commandTemplate(['SET', { key: (rowId) => `b:{${rowId}}` }, { blob: 2 }]);
    expect(template.encode(42, [Buffer.from('xy')]).toString()).toBe(
      '*3\r\n$3\r\nSET\r\n$6\r\nb:{42}\r\n$2\r\nxy\r\n',
    );
    expect(template.name).toBe('SET');
    expect(template.key(42)).toBe('b:{42}');
  });

  it('writes commands one behind the other', () => {
    const template = commandTemplate(['GET', { key: (rowId) => `k${rowId}` }]);
    const target = new Uint8Array(template.sizeBytes(9) + template.sizeBytes(10));
    const end = template.encodeInto(target, template.encodeInto(target, 0, 9), 10);
    expect(end).toBe(target.length);
    expect(Buffer.from(target)).toEqual(
      Buffer.concat([encodeCommand(['GET', 'k9']), encodeCommand(['GET', 'k10'])]),
    );
  });

  it.each([
    ['not at all', () => 'fixed'],
    ['twice', (rowId: number) => `${rowId}:${rowId}`],
    ['in hexadecimal', (rowId: number) => rowId.toString(16)],
    ['padded', (rowId: number) => String(rowId).padStart(20, '0').slice(1)],
  ])('refuses a key in which the id stands %s', (_, key) => {
    // A padded key is fine for one digit count and wrong for another; it must never be encoded wrongly.
    const template = () => commandTemplate(['GET', { key }]);
    try {
      const made = template();
      for (const rowId of [0, 7, 10, 123_456]) {
        expect(made.encode(rowId)).toEqual(encodeCommand(['GET', key(rowId)]));
      }
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  });

  it('refuses blobs of another number or size, and ids that are none', () => {
    const template = commandTemplate(['SET', { key: (rowId) => `k${rowId}` }, { blob: 4 }]);
    expect(() => template.encode(1)).toThrow('takes 1 blobs, not 0');
    expect(() => template.encode(1, [new Uint8Array(5)])).toThrow('blob 0 of SET is 5 bytes, not 4');
    for (const rowId of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => template.encode(rowId, [new Uint8Array(4)])).toThrow('is no row id');
    }
  });
});
