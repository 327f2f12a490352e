/** The prefix of a message: a flag for compression, and the length (gRPC's "PROTOCOL-HTTP2", Length-Prefixed-Message). */
export const messagePrefixBytes = 5;

/** Up to this size a message's memory is taken at once; beyond, it grows with what comes. */
const trustedBytes = 4_194_304;

/** Why an answer's body is none. */
export type BodyFault = 'compressed' | 'tooLong' | 'notOne';

/** Puts together the one message of an answer, however its bytes are cut up. */
export class MessageReader {
  readonly #maxBytes: number;
  #prefixUsed = 0;
  #isCompressed = false;
  /** The length that the message has according to its prefix. */
  lengthBytes = 0;
  #message: Buffer | undefined;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The message; undefined unless all of it has come. */
  get message(): Buffer | undefined {
    return this.#message !== undefined && this.#used === this.lengthBytes ? this.#message : undefined;
  }

  /** Whether nothing at all has come. */
  get isEmpty(): boolean {
    return this.#prefixUsed === 0;
  }

  /**
   * Takes the next bytes; they are copied.
   *
   * @returns what is wrong with them: a compressed message, one over the limit, a second one; mostly undefined
   */
  push(bytes: Buffer, start: number, end: number): BodyFault | undefined {
    let at = start;
    while (this.#prefixUsed < messagePrefixBytes && at < end) {
      const byte = bytes[at++]!;
      if (this.#prefixUsed === 0) this.#isCompressed = byte !== 0;
      else this.lengthBytes = this.lengthBytes * 256 + byte;
      this.#prefixUsed += 1;
    }
    if (this.#prefixUsed < messagePrefixBytes) return undefined;
    if (this.#message === undefined) {
      if (this.#isCompressed) return 'compressed';
      if (this.lengthBytes > this.#maxBytes) return 'tooLong';
      this.#message = Buffer.allocUnsafe(Math.min(this.lengthBytes, trustedBytes));
    }
    if (at === end) return undefined;
    const used = this.#used + end - at;
    if (used > this.lengthBytes) return 'notOne';
    if (used > this.#message.length) this.#grow(used);
    bytes.copy(this.#message, this.#used, at, end);
    this.#used = used;
    return undefined;
  }

  #grow(needed: number): void {
    const smaller = this.#message!;
    const larger = Buffer.allocUnsafeSlow(Math.min(this.lengthBytes, Math.max(needed, smaller.length * 2)));
    smaller.copy(larger, 0, 0, this.#used);
    this.#message = larger;
  }
}
