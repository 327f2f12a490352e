import { HttpFault } from './http-fault.js';

/** Up to this size a body's memory is taken at once; beyond, it grows with what comes. */
const trustedBytes = 4_194_304;
const noBytes: Buffer = Buffer.alloc(0);

/** Puts together the body of an answer, however its bytes are cut up. */
export class AnswerBody {
  readonly #maxBytes: number;
  #bytes = noBytes;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Makes ready for a body, or a part of one, that is said to have so many bytes.
   *
   * @throws HttpFault where it is longer than what is taken
   */
  expect(bytes: number): void {
    const length = this.#used + bytes;
    if (length > this.#maxBytes) throw new HttpFault('longBody');
    if (this.#used === 0) this.#bytes = Buffer.allocUnsafe(Math.min(bytes, trustedBytes));
  }

  /** Takes the next bytes; they are copied. @throws HttpFault where it gets longer than what is taken */
  push(bytes: Buffer, start: number, end: number): void {
    const used = this.#used + end - start;
    if (used > this.#maxBytes) throw new HttpFault('longBody');
    if (used > this.#bytes.length) this.#grow(used);
    bytes.copy(this.#bytes, this.#used, start, end);
    this.#used = used;
  }

  /** The body, which is the caller's from now on. */
  take(): Buffer {
    const body = this.#used === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#used);
    this.#bytes = noBytes;
    this.#used = 0;
    return body;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}
