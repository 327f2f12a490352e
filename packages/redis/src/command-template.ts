import type { MessageBytes } from '@aibench/core';

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

/** From this size on a command's blobs are sent as they lie in memory; below, copying them costs less than more pieces do. */
const largeBlobsBytes = 65_536;

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
  readonly #hasLargeBlobs: boolean;

  /**
   * @param parts the command's name and its arguments
   * @throws RangeError when a key function does not put the row id into the key exactly once, in decimal
   */
  constructor(parts: readonly [string, ...TemplatePart[]]) {
    this.name = parts[0];
    this.blobSizes = parts.flatMap((part) => (isBlob(part) ? [part.blob] : []));
    this.#key = parts.find(isKey)?.key;
    this.#hasLargeBlobs = this.blobSizes.reduce((sum, bytes) => sum + bytes, 0) >= largeBlobsBytes;
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

  /**
   * The command for row `id` as it is best sent: in a buffer of its own, or, where its blobs have 64 KiB and more, in
   * pieces, with the blobs among them as they are.
   *
   * @param blobs one for each of {@link blobSizes}, not to be changed until they are sent
   * @throws RangeError when a blob is missing or of another size
   */
  wire(id: number, blobs: readonly Uint8Array[] = []): MessageBytes {
    if (!this.#hasLargeBlobs) return this.encode(id, blobs);
    this.#check(blobs);
    const digits = digitCount(id);
    const { segments, segmentOffsets, idOffsets } = this.#layouts[digits - 1]!;
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < segments.length; i++) {
      const segment = Buffer.from(segments[i]!);
      const start = segmentOffsets[i]!;
      for (const at of idOffsets) {
        if (at >= start && at < start + segment.length) writeDigits(segment, at - start, id, digits);
      }
      pieces.push(segment);
      if (i < blobs.length) pieces.push(blobs[i]!);
    }
    return pieces;
  }

  /** Writes the command at `offset` of `target`, which must have room; returns where it ends. */
  encodeInto(target: Uint8Array, offset: number, id: number, blobs: readonly Uint8Array[] = []): number {
    const digits = digitCount(id);
    const { sizeBytes, segments, segmentOffsets, idOffsets } = this.#layouts[digits - 1]!;
    this.#check(blobs);
    target.set(segments[0]!, offset);
    for (let i = 0; i < blobs.length; i++) {
      const blob = blobs[i]!;
      const next = offset + segmentOffsets[i + 1]!;
      target.set(blob, next - blob.byteLength);
      target.set(segments[i + 1]!, next);
    }
    for (let i = 0; i < idOffsets.length; i++) writeDigits(target, offset + idOffsets[i]!, id, digits);
    return offset + sizeBytes;
  }

  #check(blobs: readonly Uint8Array[]): void {
    const { blobSizes } = this;
    if (blobs.length !== blobSizes.length) {
      throw new RangeError(`${this.name} takes ${blobSizes.length} blobs, not ${blobs.length}`);
    }
    for (let i = 0; i < blobSizes.length; i++) {
      const { byteLength } = blobs[i]!;
      if (byteLength === blobSizes[i]) continue;
      throw new RangeError(`blob ${i} of ${this.name} is ${byteLength} bytes, not ${blobSizes[i]}`);
    }
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
  const segments: Buffer[] = [];
  const segmentOffsets = [0];
  const idOffsets: number[] = [];
  let segment: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)];
  let offset = segment[0]!.length;
  const add = (bytes: Buffer) => {
    segment.push(bytes);
    offset += bytes.length;
  };
  for (const part of parts) {
    if (isBlob(part)) {
      add(Buffer.from(`$${part.blob}\r\n`));
      segments.push(Buffer.concat(segment));
      offset += part.blob;
      segmentOffsets.push(offset);
      segment = [];
    } else {
      const hole = isKey(part) ? keyWithHole(part.key, digits) : undefined;
      const arg = Buffer.from(hole === undefined ? (part as string | Uint8Array) : hole.key);
      add(Buffer.from(`$${arg.length}\r\n`));
      if (hole !== undefined) idOffsets.push(offset + hole.holeOffset);
      add(arg);
    }
    add(Buffer.from('\r\n'));
  }
  segments.push(Buffer.concat(segment));
  return { sizeBytes: offset, segments, segmentOffsets, idOffsets };
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
