/** An error that a server answered with, as a value: `OOM command not allowed ...`. */
export class ReplyError {
  /** The whole text. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Its first word, which Redis uses as the kind: `OOM`, `MOVED`, `ERR`. */
  get kind(): string {
    return this.text.split(' ', 1)[0]!;
  }
}

/** A reply as {@link ReplyScanner} gives it: a simple string, an integer, a bulk string, null, an error, or an array. */
export type ScannedReply = string | number | Buffer | null | ReplyError | readonly ScannedReply[];

/** The stream holds something that RESP2 does not allow: the peer is no Redis. */
export class ReplySyntaxError extends Error {
  override readonly name = 'ReplySyntaxError';
}

const cr = 13;
const lf = 10;
const plus = 0x2b;
const minus = 0x2d;
const colon = 0x3a;
const dollar = 0x24;
const star = 0x2a;
const zero = 0x30;
/** The longest line that is waited for; Redis' own limit for a line is 64 KiB. */
const maxLineBytes = 1 << 16;
/** The longest bulk string and array that are believed: what a Buffer and an array can hold for sure. */
const maxLength = 2 ** 31 - 1;
/** Arrays within arrays; commands in use nest three or four deep. */
const maxDepth = 128;
/** Up to this size a loop copies bytes faster than a call does. */
const copiedByLoop = 32;

/** An array whose items have not all come yet. */
interface OpenArray {
  readonly items: ScannedReply[];
  readonly length: number;
}

/** What a step of the scanner has found where it is not a reply. */
const incomplete = Symbol('incomplete');
const opened = Symbol('opened');

/**
 * Cuts a stream of RESP2 replies into replies, wherever its chunks end. Made
 * for many short replies: most lie within a chunk and are read where they are.
 * The items of an array are kept as they come, and the bytes of a long bulk
 * string are gathered without looking at them again, so the cost of a reply
 * grows with its size and no faster, however it is cut up.
 */
export class ReplyScanner {
  readonly #onReply: (reply: ScannedReply) => void;
  /** The arrays around the next item, the outermost first. */
  readonly #open: OpenArray[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the bytes to be read end; `#bytes` may be longer. */
  #end = 0;
  /** Memory for the start of an item whose end has not come, and how much of it is used. */
  #rest: Buffer = Buffer.alloc(0);
  #restUsed = 0;
  /** Below this many bytes the item that is begun cannot be whole. */
  #needed = 0;

  /** @param onReply called for each whole reply, in order; what it throws comes out of {@link push} */
  constructor(onReply: (reply: ScannedReply) => void) {
    this.#onReply = onReply;
  }

  /**
   * Takes the next bytes of the stream. They are not kept past the call.
   *
   * @throws ReplySyntaxError
   */
  push(chunk: Buffer): void {
    if (this.#restUsed === 0) {
      this.#bytes = chunk;
      this.#end = chunk.length;
    } else {
      this.#keep(chunk, 0);
      if (this.#restUsed < this.#needed) return;
      this.#bytes = this.#rest;
      this.#end = this.#restUsed;
    }
    this.#at = 0;
    this.#needed = 0;
    while (this.#at < this.#end) {
      const start = this.#at;
      const found = this.#scan();
      if (found === incomplete) {
        this.#keepFrom(start);
        return;
      }
      if (found !== opened) this.#deliver(found);
    }
    this.#restUsed = 0;
    // A large item's memory is not worth keeping for small ones.
    if (this.#rest.length > maxLineBytes) this.#rest = Buffer.alloc(0);
  }

  /** Hands over a reply, or puts it into the array that it belongs to, which it may complete. */
  #deliver(reply: ScannedReply): void {
    let whole = reply;
    for (let array = this.#open.at(-1); array !== undefined; array = this.#open.at(-1)) {
      array.items.push(whole);
      if (array.items.length < array.length) return;
      whole = array.items;
      this.#open.pop();
    }
    this.#onReply(whole);
  }

  #keepFrom(start: number): void {
    const bytes = this.#bytes;
    if (bytes === this.#rest) {
      bytes.copyWithin(0, start, this.#end);
      this.#restUsed = this.#end - start;
    } else {
      this.#restUsed = 0;
      this.#keep(bytes, start);
    }
  }

  /** Adds to the rest. Its memory grows with what has come, not with what a length promises. */
  #keep(bytes: Buffer, start: number): void {
    const used = this.#restUsed + bytes.length - start;
    if (used > this.#rest.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(used, this.#rest.length * 2));
      this.#rest.copy(larger, 0, 0, this.#restUsed);
      this.#rest = larger;
    }
    bytes.copy(this.#rest, this.#restUsed, start);
    this.#restUsed = used;
  }

  #scan(): ScannedReply | typeof incomplete | typeof opened {
    const bytes = this.#bytes;
    const at = this.#at;
    switch (bytes[at]) {
      case plus:
        if (this.#isOk(at)) {
          this.#at = at + 5;
          return 'OK';
        }
        return this.#line() ?? incomplete;
      case minus: {
        const text = this.#line();
        return text === undefined ? incomplete : new ReplyError(text);
      }
      case colon:
        return this.#integer() ?? incomplete;
      case dollar:
        return this.#bulk(at);
      case star:
        return this.#array();
      default:
        throw unexpected(bytes[at]!);
    }
  }

  /** `+OK` and the line's end, by far the most frequent reply to a write. */
  #isOk(at: number): boolean {
    const bytes = this.#bytes;
    return (
      this.#end - at >= 5 &&
      bytes[at + 1] === 0x4f &&
      bytes[at + 2] === 0x4b &&
      bytes[at + 3] === cr &&
      bytes[at + 4] === lf
    );
  }

  /** Where the line ends that begins at `#at`; -1 where its end has not come yet. */
  #lineEnd(): number {
    const found = this.#bytes.indexOf(cr, this.#at + 1);
    // Past the end lies what an earlier item has left in the memory.
    const end = found === -1 || found >= this.#end ? this.#end : found;
    if (end + 1 >= this.#end) {
      if (this.#end - this.#at > maxLineBytes) throw new ReplySyntaxError('a line has no end');
      return -1;
    }
    if (this.#bytes[end + 1] !== lf) throw new ReplySyntaxError('a line ends without a line feed');
    return end;
  }

  /** The text between the type and the line's end; undefined where the end has not come yet. */
  #line(): string | undefined {
    const end = this.#lineEnd();
    if (end === -1) return undefined;
    const text = this.#bytes.toString('utf8', this.#at + 1, end);
    this.#at = end + 2;
    return text;
  }

  /** The number between the type and the line's end; undefined where the end has not come yet. */
  #integer(): number | undefined {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let value = 0;
    // Up to nine digits, which is what lengths and counts have, without making a string.
    for (const last = Math.min(at + 9, this.#end); at < last; at++) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at > this.#at + 1 && at + 1 < this.#end && bytes[at] === cr && bytes[at + 1] === lf) {
      this.#at = at + 2;
      return value;
    }
    const line = this.#line();
    if (line === undefined) return undefined;
    if (!/^-?\d+$/.test(line)) throw new ReplySyntaxError(`"${line.slice(0, 40)}" is no integer`);
    return Number(line);
  }

  /** A length of a bulk string or an array; -1 for none, undefined where the line's end has not come yet. */
  #length(): number | undefined {
    const length = this.#integer();
    if (length !== undefined && (length < -1 || length > maxLength)) {
      throw new ReplySyntaxError(`${length} is no length`);
    }
    return length;
  }

  /** @param start where its type stands */
  #bulk(start: number): Buffer | null | typeof incomplete {
    const length = this.#length();
    if (length === undefined) return incomplete;
    if (length === -1) return null;
    const bytes = this.#bytes;
    const at = this.#at;
    const end = at + length;
    if (end + 2 > this.#end) {
      this.#needed = end + 2 - start;
      return incomplete;
    }
    if (bytes[end] !== cr || bytes[end + 1] !== lf) {
      throw new ReplySyntaxError('a bulk string is longer than it says');
    }
    this.#at = end + 2;
    const copy = Buffer.allocUnsafe(length);
    if (length <= copiedByLoop) for (let i = 0; i < length; i++) copy[i] = bytes[at + i]!;
    else bytes.copy(copy, 0, at, end);
    return copy;
  }

  #array(): ScannedReply[] | null | typeof incomplete | typeof opened {
    const length = this.#length();
    if (length === undefined) return incomplete;
    if (length === -1) return null;
    if (length === 0) return [];
    if (this.#open.length === maxDepth) throw new ReplySyntaxError(`arrays nest more than ${maxDepth} deep`);
    this.#open.push({ items: [], length });
    return opened;
  }
}

function unexpected(type: number): ReplySyntaxError {
  return new ReplySyntaxError(`a reply cannot begin with byte 0x${type.toString(16).padStart(2, '0')}`);
}
