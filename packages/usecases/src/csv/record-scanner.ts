const newlineByte = 0x0a;
const quoteByte = 0x22;
const returnByte = 0x0d;

/**
 * Finds where the records of an RFC 4180 text end, without reading their
 * cells: a line feed ends a record unless it stands between quotes. Works on
 * bytes, since finding a byte is many times cheaper than parsing, and one
 * thread has to do this for all the others.
 */
export class RecordScanner {
  readonly #bytes: Buffer;
  #newline = -1;
  #quote = -1;
  #line: number;
  /** Where the record found last starts and ends (its line end included). */
  start = 0;
  end = 0;
  /** Physical line, counted from 1, on which the record found last starts. */
  startLine: number;

  /** @param line physical line of the first byte, counted from 1 */
  constructor(bytes: Uint8Array, line: number) {
    // A Buffer's indexOf is several times faster than a Uint8Array's.
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#line = line;
    this.startLine = line;
  }

  /** Physical line on which the next record starts. */
  get nextLine(): number {
    return this.#line;
  }

  /**
   * Moves to the next record, past empty lines.
   *
   * @returns false when no more records end within the bytes; {@link start} is then
   *   where the unfinished rest starts
   */
  next(): boolean {
    for (;;) {
      this.start = this.end;
      this.startLine = this.#line;
      const end = this.#findEnd();
      if (end === -1) return false;
      this.end = end;
      if (!this.#isEmptyLine()) return true;
    }
  }

  #findEnd(): number {
    const bytes = this.#bytes;
    let from = this.end;
    let lines = 1;
    // The next newline and the next quote are kept from call to call: looking for a quote anew for each
    // record would scan to the end of a text without quotes every time.
    if (this.#newline < from) this.#newline = indexOf(bytes, newlineByte, from);
    for (;;) {
      if (this.#newline === bytes.length) return -1;
      if (this.#quote < from) this.#quote = indexOf(bytes, quoteByte, from);
      if (this.#quote > this.#newline) break;
      const closing = indexOf(bytes, quoteByte, this.#quote + 1);
      if (closing === bytes.length) return -1;
      while (this.#newline < closing) {
        lines++;
        this.#newline = indexOf(bytes, newlineByte, this.#newline + 1);
      }
      // A doubled quote closes and opens again at once, which comes to the same.
      from = closing + 1;
    }
    this.#line += lines;
    return this.#newline + 1;
  }

  #isEmptyLine(): boolean {
    const length = this.end - this.start;
    return length === 1 || (length === 2 && this.#bytes[this.start] === returnByte);
  }
}

function indexOf(bytes: Buffer, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found === -1 ? bytes.length : found;
}
