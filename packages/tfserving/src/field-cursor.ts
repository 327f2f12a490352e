/**
 * Steps through the fields of an encoded message without decoding the rest of
 * it. After {@link next} the caller takes the field's value by one of the other
 * methods. All of them throw RangeError where the bytes end too soon.
 */
export class FieldCursor {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  /** Number of the field that {@link next} has come to. */
  field = 0;
  /** Its wire type: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  wireType = 0;

  /** @param start where the message begins in the bytes; it ends at `end` */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.varint();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    return true;
  }

  /** A number; those above 2^53 lose their last digits, and a negative one comes out as above 2^63. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) break;
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new RangeError('a number is cut off or too long');
  }

  /** A view on the value of a length-delimited field. */
  bytes(): Uint8Array {
    const start = this.#begin();
    return this.#bytes.subarray(start, this.#at);
  }

  /**
   * Goes into a length-delimited field: until {@link leave}, {@link next} goes through the fields in it.
   *
   * @returns what `leave` takes
   */
  enter(): number {
    const start = this.#begin();
    const outerEnd = this.#end;
    this.#end = this.#at;
    this.#at = start;
    return outerEnd;
  }

  /** Goes behind the field that was entered. */
  leave(outerEnd: number): void {
    this.#at = this.#end;
    this.#end = outerEnd;
  }

  /** Another cursor at the same place. */
  copy(): FieldCursor {
    return new FieldCursor(this.#bytes, this.#at, this.#end);
  }

  /** A view on what is left of the message, or of the field that was entered. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /** {@link rest} as text. */
  text(): string {
    return Buffer.from(this.rest()).toString('utf8');
  }

  /** Whether {@link rest} is this text. */
  isText(text: string): boolean {
    const size = this.#end - this.#at;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return this.text() === text;
      if (i >= size || this.#bytes[this.#at + i] !== unit) return false;
    }
    return size === text.length;
  }

  /** Passes over the field's value. */
  skip(): void {
    if (this.wireType === 0) this.varint();
    else if (this.wireType === 1) this.#advance(8);
    else if (this.wireType === 2) this.#begin();
    else if (this.wireType === 5) this.#advance(4);
    else throw new RangeError(`wire type ${this.wireType} is not in use`);
  }

  /** Passes over a length-delimited value; returns where it begins. */
  #begin(): number {
    if (this.wireType !== 2) throw new RangeError(`field ${this.field} is not length-delimited`);
    const sizeBytes = this.varint();
    const start = this.#at;
    this.#advance(sizeBytes);
    return start;
  }

  #advance(sizeBytes: number): void {
    if (sizeBytes > this.#end - this.#at) throw new RangeError(`field ${this.field} is cut off`);
    this.#at += sizeBytes;
  }
}
