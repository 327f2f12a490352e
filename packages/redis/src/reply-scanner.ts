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
const incomplete = Symbol('incomplete');
/** The longest line that is waited for; Redis' own limit for a line is 64 KiB. */
const maxLineBytes = 1 << 16;

/**
 * Cuts a stream of RESP2 replies into replies, wherever its chunks end. Made
 * for many short replies; a reply that spans chunks is scanned again from its
 * start when more has come.
 */
export class ReplyScanner {
  readonly #onReply: (reply: ScannedReply) => void;
  #rest: Buffer | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @param onReply called for each whole reply, in order */
  constructor(onReply: (reply: ScannedReply) => void) {
    this.#onReply = onReply;
  }

  /**
   * Takes the next bytes of the stream. They are not kept past the call.
   *
   * @throws ReplySyntaxError
   */
  push(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length) {
      const start = this.#at;
      if (isOk(bytes, start)) {
        this.#at = start + 5;
        this.#onReply('OK');
        continue;
      }
      const reply = this.#scan();
      if (reply === incomplete) {
        this.#rest = Buffer.from(bytes.subarray(start));
        return;
      }
      this.#onReply(reply);
    }
  }

  #scan(): ScannedReply | typeof incomplete {
    const type = this.#bytes[this.#at]!;
    const line = this.#line();
    if (line === undefined) return incomplete;
    switch (type) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return new ReplyError(line);
      case 0x3a: // :
        return integer(line);
      case 0x24: // $
        return this.#bulk(integer(line));
      case 0x2a: // *
        return this.#array(integer(line));
      default:
        throw unexpected(type);
    }
  }

  /** The text between the type and the line's end; undefined where the end has not come yet. */
  #line(): string | undefined {
    const type = this.#bytes[this.#at]!;
    if (!'+-:$*'.includes(String.fromCharCode(type))) throw unexpected(type);
    const end = this.#bytes.indexOf(cr, this.#at + 1);
    if (end === -1 || end + 1 === this.#bytes.length) {
      if (this.#bytes.length - this.#at > maxLineBytes) throw new ReplySyntaxError('a line has no end');
      return undefined;
    }
    if (this.#bytes[end + 1] !== lf) throw new ReplySyntaxError('a line ends without a line feed');
    const line = this.#bytes.toString('utf8', this.#at + 1, end);
    this.#at = end + 2;
    return line;
  }

  #bulk(length: number): Buffer | null | typeof incomplete {
    if (length === -1) return null;
    const end = this.#at + length;
    if (end + 2 > this.#bytes.length) return incomplete;
    if (this.#bytes[end] !== cr || this.#bytes[end + 1] !== lf) {
      throw new ReplySyntaxError('a bulk string is longer than it says');
    }
    const bytes = Buffer.from(this.#bytes.subarray(this.#at, end));
    this.#at = end + 2;
    return bytes;
  }

  #array(length: number): ScannedReply[] | null | typeof incomplete {
    if (length === -1) return null;
    const items: ScannedReply[] = [];
    for (let i = 0; i < length; i++) {
      if (this.#at >= this.#bytes.length) return incomplete;
      const item = this.#scan();
      if (item === incomplete) return incomplete;
      items.push(item);
    }
    return items;
  }
}

/** `+OK` and the line's end, by far the most frequent reply to a write. */
function isOk(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 0x2b &&
    bytes[at + 1] === 0x4f &&
    bytes[at + 2] === 0x4b &&
    bytes[at + 3] === cr &&
    bytes[at + 4] === lf
  );
}

function integer(line: string): number {
  if (!/^-?\d+$/.test(line)) throw new ReplySyntaxError(`"${line.slice(0, 40)}" is no integer`);
  return Number(line);
}

function unexpected(type: number): ReplySyntaxError {
  return new ReplySyntaxError(`a reply cannot begin with byte 0x${type.toString(16).padStart(2, '0')}`);
}
