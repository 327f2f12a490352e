import { encodeCommand } from './resp-encode.js';

/**
 * One argument of a {@link CommandTemplate}: fixed text or bytes, the key of a
 * row, or a blob of fixed size that is given with each command.
 */
export type TemplatePart =
  | string
  | Uint8Array
  /** The key of row `id`; the id must stand in it once, in decimal. */
  | { readonly key: (id: number) => string }
  /** A blob of this many bytes. */
  | { readonly blob: number };

/** The command's bytes for ids of one digit count, and where the holes are. */
interface Layout {
  readonly sizeBytes: number;
  /** What stands before, between and after the blobs: one more than there are blobs. */
  readonly segments: readonly Buffer[];
  readonly segmentOffsets: readonly number[];
  readonly idOffsets: readonly number[];
}

/** Digits of 2^53 - 1, the largest row id. */
const maxDigits = 16;

/**
 * A RESP command whose fixed parts are encoded once. Each command is then a
 * copy of the bytes in which the row id's digits and the blobs are filled in.
 * Since a bulk string is preceded by its length, there is one layout for each
 * count of digits.
 */
export class CommandTemplate {
  /** The command's name and fixed first arguments, for messages: `AI.TENSORSET`. */
  readonly name: string;
  /** Sizes of the blobs that a command takes, in order. */
  readonly blobSizes: readonly number[];
  readonly #layouts: readonly Layout[];
  readonly #key: ((id: number) => string) | undefined;

  /**
   * @param parts the command's name and its arguments
   * @throws RangeError when a key function does not put the row id into the key exactly once, in decimal
   */
  constructor(parts: readonly [string, ...TemplatePart[]]) {
    this.name = parts[0];
    this.blobSizes = parts.flatMap((part) => (isBlob(part) ? [part.blob] : []));
    this.#key = parts.find(isKey)?.key;
    this.#layouts = Array.from({ length: maxDigits }, (_, i) => buildLayout(parts, i + 1));
  }

  /** The first key of the command for row `id`; undefined where it has none. */
  key(id: number): string | undefined {
    return this.#key?.(id);
  }

  /** Size of the command for row `id`. */
  sizeBytes(id: number): number {
    return this.#layouts[digitCount(id) - 1]!.sizeBytes;
  }

  /**
   * The command for row `id`, in a buffer of its own.
   *
   * @param blobs one for each of {@link blobSizes}, copied
   * @throws RangeError when a blob is missing or of another size
   */
  encode(id: number, blobs: readonly Uint8Array[] = []): Buffer {
    const target = Buffer.allocUnsafe(this.sizeBytes(id));
    this.encodeInto(target, 0, id, blobs);
    return target;
  }

  /** Writes the command at `offset` of `target`, which must have room; returns where it ends. */
  encodeInto(target: Uint8Array, offset: number, id: number, blobs: readonly Uint8Array[] = []): number {
    const digits = digitCount(id);
    const { sizeBytes, segments, segmentOffsets, idOffsets } = this.#layouts[digits - 1]!;
    const { blobSizes } = this;
    if (blobs.length !== blobSizes.length) {
      throw new RangeError(`${this.name} takes ${blobSizes.length} blobs, not ${blobs.length}`);
    }
    target.set(segments[0]!, offset);
    for (let i = 0; i < blobSizes.length; i++) {
      const blob = blobs[i]!;
      if (blob.byteLength !== blobSizes[i]) {
        throw new RangeError(`blob ${i} of ${this.name} is ${blob.byteLength} bytes, not ${blobSizes[i]}`);
      }
      const next = offset + segmentOffsets[i + 1]!;
      target.set(blob, next - blob.byteLength);
      target.set(segments[i + 1]!, next);
    }
    for (let i = 0; i < idOffsets.length; i++) writeDigits(target, offset + idOffsets[i]!, id, digits);
    return offset + sizeBytes;
  }
}

/** Makes a {@link CommandTemplate}: `commandTemplate(['SET', { key: (id) => `a:{${id}}` }, { blob: 1024 }])`. */
export function commandTemplate(parts: readonly [string, ...TemplatePart[]]): CommandTemplate {
  return new CommandTemplate(parts);
}

function isKey(part: TemplatePart): part is { readonly key: (id: number) => string } {
  return typeof part === 'object' && 'key' in part;
}

function isBlob(part: TemplatePart): part is { readonly blob: number } {
  return typeof part === 'object' && 'blob' in part;
}

function buildLayout(parts: readonly TemplatePart[], digits: number): Layout {
  const args = parts.map((part) => {
    if (isKey(part)) return keyWithHole(part.key, digits).key;
    return isBlob(part) ? new Uint8Array(part.blob) : part;
  });
  const bytes = encodeCommand(args);
  const segments: Buffer[] = [];
  const segmentOffsets = [0];
  const idOffsets: number[] = [];
  let offset = `*${parts.length}\r\n`.length;
  for (const [i, part] of parts.entries()) {
    const arg = args[i]!;
    const sizeBytes = typeof arg === 'string' ? Buffer.byteLength(arg) : arg.byteLength;
    offset += `$${sizeBytes}\r\n`.length;
    if (isKey(part)) idOffsets.push(offset + keyWithHole(part.key, digits).holeOffset);
    if (isBlob(part)) {
      segments.push(bytes.subarray(segmentOffsets.at(-1), offset));
      segmentOffsets.push(offset + sizeBytes);
    }
    offset += sizeBytes + 2;
  }
  segments.push(bytes.subarray(segmentOffsets.at(-1)));
  return { sizeBytes: bytes.byteLength, segments, segmentOffsets, idOffsets };
}

/** Finds where the id stands in a key by comparing the keys of two ids that differ in every digit. */
function keyWithHole(key: (id: number) => string, digits: number): { key: string; holeOffset: number } {
  const one = '1234567812345678'.slice(0, digits);
  const other = '8123456781234567'.slice(0, digits);
  const pieces = key(Number(one)).split(one);
  if (pieces.length !== 2 || key(Number(other)) !== pieces.join(other)) {
    throw new RangeError(`the row id must stand in a key exactly once, in decimal: ${key(Number(one))}`);
  }
  return { key: pieces.join(one), holeOffset: Buffer.byteLength(pieces[0]!) };
}

function digitCount(id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new RangeError(`${id} is no row id`);
  let digits = 1;
  for (let limit = 10; id >= limit && digits < maxDigits; limit *= 10) digits += 1;
  return digits;
}

function writeDigits(target: Uint8Array, offset: number, id: number, digits: number): void {
  let rest = id;
  let at = offset + digits - 1;
  // Above 2^31 the integer operations below would not do.
  for (; rest > 0x7fff_ffff; at--) {
    const tenth = Math.floor(rest / 10);
    target[at] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  for (; at >= offset; at--) {
    const tenth = (rest / 10) | 0;
    target[at] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
}
