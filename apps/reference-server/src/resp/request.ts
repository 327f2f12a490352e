/**
 * The arguments of one command, the command's name first. They are views on the
 * received bytes, made only when they are asked for: most arguments of a DAG
 * are keywords that need no object of their own.
 */
export class Request {
  readonly #buffers: Buffer[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Number of arguments, the command's name included. */
  get length(): number {
    return this.#buffers.length;
  }

  /** Adds the argument that lies in `buffer` from `start` to before `end`. */
  add(buffer: Buffer, start: number, end: number): void {
    this.#buffers.push(buffer);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** An argument as binary text, one character a byte. */
  text(index: number): string {
    return this.#buffers[index]!.toString('latin1', this.#starts[index], this.#ends[index]);
  }

  /** An argument as text for people. */
  utf8(index: number): string {
    return this.#buffers[index]!.toString('utf8', this.#starts[index], this.#ends[index]);
  }

  /** An argument's bytes, as a view that keeps all that was received with it. */
  bytes(index: number): Buffer {
    return this.#buffers[index]!.subarray(this.#starts[index], this.#ends[index]);
  }

  /** An argument's length in bytes. */
  sizeBytes(index: number): number {
    return this.#ends[index]! - this.#starts[index]!;
  }

  /** Whether an argument is this keyword, upper and lower case alike; false beyond the last argument. */
  is(index: number, upperCaseKeyword: string): boolean {
    const buffer = this.#buffers[index];
    if (buffer === undefined) return false;
    const start = this.#starts[index]!;
    const { length } = upperCaseKeyword;
    if (this.#ends[index]! - start !== length) return false;
    for (let i = 0; i < length; i++) {
      const code = buffer[start + i]!;
      const wanted = upperCaseKeyword.charCodeAt(i);
      // 0x20 is what tells a lower case ASCII letter from its upper case.
      if (code !== wanted && (code & ~0x20) !== wanted) return false;
    }
    return true;
  }

  /** An argument as a whole number as Redis writes it, in ±(2^53 - 1); undefined where it is none. */
  integer(index: number): number | undefined {
    const buffer = this.#buffers[index];
    if (buffer === undefined) return undefined;
    const start = this.#starts[index]!;
    const end = this.#ends[index]!;
    const isNegative = buffer[start] === 0x2d;
    const digits = isNegative ? start + 1 : start;
    // A leading zero is refused, as Redis does, except for zero itself.
    if (
      end === digits ||
      end - digits > 16 ||
      (buffer[digits] === 0x30 && (end > digits + 1 || isNegative))
    ) {
      return undefined;
    }
    let value = 0;
    for (let i = digits; i < end; i++) {
      const digit = buffer[i]! - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    return value > Number.MAX_SAFE_INTEGER ? undefined : isNegative ? -value : value;
  }
}
