import { decodeHuffman } from './hpack-huffman.js';
import { type HeaderField, hpackStaticTable } from './hpack-static-table.js';
import { Http2Error } from './http2-protocol.js';

/** What a field counts for besides its letters (RFC 7541, section 4.1; RFC 9113, section 6.5.2). */
export const fieldOverheadBytes = 32;

/** The size of a dynamic table that nobody has asked to change (RFC 9113, section 6.5.2). */
const defaultTableBytes = 4_096;

/** Integers above this are no index, length or size that makes sense. */
const largestInteger = 0x0fffffff;

/**
 * Decodes header blocks of one connection (RFC 7541). Every block of the
 * connection has to pass through, also those that nobody waits for: each may
 * change the dynamic table. A block takes memory and time in proportion to its
 * own length, however much its fields come to: those that repeat are not copied.
 */
export class HpackDecoder {
  readonly #limitBytes: number;
  /** The dynamic table, its newest field last; what lies before `#first` has been evicted. */
  #fields: HeaderField[] = [];
  #first = 0;
  #sizeBytes = 0;
  #capacityBytes: number;
  /** Where the integer or string that was just read ends. */
  #at = 0;

  /** @param tableBytes the size of the table that was announced in SETTINGS_HEADER_TABLE_SIZE. Default 4,096 */
  constructor(tableBytes = defaultTableBytes) {
    this.#limitBytes = tableBytes;
    this.#capacityBytes = tableBytes;
  }

  /**
   * Decodes one whole block.
   *
   * @param onField gets every field, in order
   * @throws Http2Error COMPRESSION_ERROR
   */
  decode(bytes: Buffer, start: number, end: number, onField: (field: HeaderField) => void): void {
    let isFirst = true;
    for (let at = start; at < end; at = this.#at) {
      const byte = bytes[at]!;
      if (byte >= 0x80) {
        // Indexed (section 6.1); most are one byte.
        if (byte < 0xff) this.#at = at + 1;
        const index = byte < 0xff ? byte & 0x7f : this.#integer(bytes, at, end, 7);
        onField(this.#field(index));
        isFirst = false;
      } else if (byte >= 0x40) {
        // A literal that is added to the table (section 6.2.1).
        const field = this.#literal(bytes, at, end, 6);
        this.#add(field);
        onField(field);
        isFirst = false;
      } else if (byte >= 0x20) {
        // A new size of the table (section 6.3).
        if (!isFirst) throw failed('the size of the table changes within a block');
        this.#resize(this.#integer(bytes, at, end, 5));
      } else {
        // A literal that isn't indexed, or never may be (sections 6.2.2 and 6.2.3).
        onField(this.#literal(bytes, at, end, 4));
        isFirst = false;
      }
    }
  }

  /** An integer whose first byte has a prefix of some bits (section 5.1). */
  #integer(bytes: Buffer, start: number, end: number, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let at = start;
    if (at >= end) throw failed('a header block is cut off');
    let value = bytes[at++]! & mask;
    if (value === mask) {
      for (let shift = 0; ; shift += 7) {
        if (at >= end) throw failed('a header block is cut off');
        const byte = bytes[at++]!;
        if (shift > 28) throw failed('an integer is too long');
        value += (byte & 0x7f) * 2 ** shift;
        if (value > largestInteger) throw failed('an integer is too large');
        if (byte < 0x80) break;
      }
    }
    this.#at = at;
    return value;
  }

  /** A string, plain or Huffman-coded (section 5.2). */
  #string(bytes: Buffer, start: number, end: number): string {
    const isHuffman = start < end && bytes[start]! >= 0x80;
    const length = this.#integer(bytes, start, end, 7);
    const from = this.#at;
    const to = from + length;
    if (to > end) throw failed('a header block is cut off');
    this.#at = to;
    return isHuffman ? decodeHuffman(bytes, from, to) : bytes.toString('latin1', from, to);
  }

  #literal(bytes: Buffer, start: number, end: number, prefixBits: number): HeaderField {
    const index = this.#integer(bytes, start, end, prefixBits);
    const name = index === 0 ? this.#string(bytes, this.#at, end) : this.#field(index).name;
    return { name, value: this.#string(bytes, this.#at, end) };
  }

  #field(index: number): HeaderField {
    const fixed = hpackStaticTable.length;
    const field =
      index <= fixed ? hpackStaticTable[index - 1] : this.#fields[this.#fields.length - (index - fixed)];
    if (field === undefined || index - fixed > this.#fields.length - this.#first) {
      throw failed(`there is no field ${index}`);
    }
    return field;
  }

  #add(field: HeaderField): void {
    const bytes = sizeOf(field);
    this.#evict(this.#capacityBytes - bytes);
    // A field larger than the table empties it, which is no error (section 4.4).
    if (bytes > this.#capacityBytes) return;
    this.#fields.push(field);
    this.#sizeBytes += bytes;
  }

  #resize(bytes: number): void {
    if (bytes > this.#limitBytes) throw failed(`a table of ${bytes} bytes is larger than was agreed`);
    this.#capacityBytes = bytes;
    this.#evict(bytes);
  }

  /** Lets the oldest fields go until the others take no more than some bytes. */
  #evict(bytes: number): void {
    while (this.#sizeBytes > bytes && this.#first < this.#fields.length) {
      this.#sizeBytes -= sizeOf(this.#fields[this.#first]!);
      this.#first += 1;
    }
    if (this.#first > 256) {
      this.#fields = this.#fields.slice(this.#first);
      this.#first = 0;
    }
  }
}

function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + fieldOverheadBytes;
}

function failed(message: string): Http2Error {
  return new Http2Error('COMPRESSION_ERROR', message);
}
