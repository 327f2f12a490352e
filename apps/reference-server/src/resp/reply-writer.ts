/** Protocol versions: 2 by default, 3 after `HELLO 3`. */
export type RespVersion = 2 | 3;

/** A blob of this size or more is sent from where it lies; below it a copy costs less than another buffer. */
const ownBufferBytes = 2_048;

const initialBytes = 1_024;

/** Room that a number with its marks needs at most. */
const numberBytes = 32;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/**
 * Builds replies in RESP2 or RESP3 and hands out what has been built since the
 * last time, so that the replies of one round become one write.
 */
export class ReplyWriter {
  version: RespVersion = 2;
  #buffers: Buffer[] = [];
  #buffer: Buffer = Buffer.allocUnsafe(initialBytes);
  #length = 0;
  #sizeBytes = 0;

  /** Bytes built and not yet taken. */
  get sizeBytes(): number {
    return this.#sizeBytes + this.#length;
  }

  /** The bytes built so far; the writer is empty afterwards. */
  take(): Buffer[] {
    const buffers = this.#buffers;
    if (this.#length > 0) {
      // Small replies are copied out, so that the writer's own buffer can be used again.
      buffers.push(Buffer.from(this.#buffer.subarray(0, this.#length)));
      this.#length = 0;
    }
    if (this.#buffer.length > 64 * initialBytes) this.#buffer = Buffer.allocUnsafe(initialBytes);
    this.#buffers = [];
    this.#sizeBytes = 0;
    return buffers;
  }

  /** `+OK` */
  ok(): void {
    this.#line('+', 'OK');
  }

  /** A simple string: one line of ASCII. */
  simple(text: string): void {
    this.#line('+', text);
  }

  /** An error; line ends in the message become blanks. */
  error(message: string): void {
    this.#line('-', message.replaceAll(/[\r\n]+/g, ' '));
  }

  /** A whole number. */
  integer(value: number | bigint): void {
    this.#header(0x3a, value);
  }

  /** Binary-safe bytes. Large ones are not copied and must not change until they are sent. */
  bulk(bytes: Uint8Array): void {
    this.#header(0x24, bytes.length);
    this.#body(bytes);
    this.#lineEnd();
  }

  /** Text, as UTF-8. */
  bulkText(text: string): void {
    this.bulk(Buffer.from(text));
  }

  /** Binary text, one character a byte: keys, tags. */
  bulkLatin1(text: string): void {
    const { length } = text;
    this.#header(0x24, length);
    this.#reserve(length + 2);
    this.#buffer.write(text, this.#length, 'latin1');
    this.#length += length;
    this.#lineEnd();
  }

  /** Text for people: verbatim in RESP3, bulk in RESP2. */
  verbatim(text: string): void {
    if (this.version === 2) {
      this.bulkText(text);
      return;
    }
    const bytes = Buffer.from(`txt:${text}`);
    this.#header(0x3d, bytes.length);
    this.#body(bytes);
    this.#lineEnd();
  }

  /** Nothing: `_` in RESP3, a null bulk string in RESP2. */
  null(): void {
    if (this.version === 3) this.#line('_', '');
    else this.#line('$', '-1');
  }

  /** A number with a fraction: `,` in RESP3, a bulk string in RESP2; the shortest form that reads back the same. */
  double(value: number): void {
    const text = doubleText(value);
    if (this.version === 3) this.#line(',', text);
    else this.bulkLatin1(text);
  }

  /** Announces an array; its elements follow. */
  array(length: number): void {
    this.#header(0x2a, length);
  }

  /** Announces pairs of keys and values; in RESP2 an array of twice the length. */
  map(pairs: number): void {
    if (this.version === 3) this.#header(0x25, pairs);
    else this.#header(0x2a, 2 * pairs);
  }

  /** Announces a set; in RESP2 an array. */
  set(length: number): void {
    this.#header(this.version === 3 ? 0x7e : 0x2a, length);
  }

  #header(type: number, value: number | bigint): void {
    this.#reserve(numberBytes);
    const buffer = this.#buffer;
    buffer[this.#length++] = type;
    if (typeof value === 'number' && value >= 0 && value < 10) {
      buffer[this.#length++] = 0x30 + value;
    } else {
      const text = String(value);
      for (let i = 0; i < text.length; i++) buffer[this.#length++] = text.charCodeAt(i);
    }
    this.#lineEnd();
  }

  #line(type: string, text: string): void {
    this.#reserve(3 * text.length + numberBytes);
    this.#buffer[this.#length++] = type.charCodeAt(0);
    this.#length += this.#buffer.write(text, this.#length);
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.#reserve(2);
    this.#buffer[this.#length++] = carriageReturn;
    this.#buffer[this.#length++] = lineFeed;
  }

  #body(bytes: Uint8Array): void {
    if (bytes.length < ownBufferBytes) {
      this.#append(bytes);
      return;
    }
    this.#close();
    this.#buffers.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#sizeBytes += bytes.length;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length + 2);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Ends the current part, which then belongs to whoever takes it. */
  #close(): void {
    if (this.#length === 0) return;
    this.#buffers.push(this.#buffer.subarray(0, this.#length));
    this.#sizeBytes += this.#length;
    this.#buffer = Buffer.allocUnsafe(initialBytes);
    this.#length = 0;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + count));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}
