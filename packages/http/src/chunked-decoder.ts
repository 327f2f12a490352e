import type { AnswerBody } from './answer-body.js';
import { HttpFault } from './http-fault.js';

/** What is read next. */
type State =
  | 'size'
  /** What follows a size: nothing, or extensions. */
  | 'extension'
  | 'sizeLineFeed'
  | 'data'
  | 'dataReturn'
  | 'dataLineFeed'
  /** The first character of a line after the last chunk; an empty one is the end. */
  | 'trailer'
  | 'trailerRest'
  | 'trailerLineFeed'
  | 'endLineFeed'
  | 'done';

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const semicolon = 0x3b;

/** Extensions and trailers of one answer, all together; they are not kept. */
const mostOverheadBytes = 65_536;
/** Hexadecimal digits of a size that a number holds exactly. */
const mostDigits = 13;

/** Takes the chunked transfer coding off a body (RFC 9112, section 7.1), however its bytes are cut up. */
export class ChunkedDecoder {
  readonly #body: AnswerBody;
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #overhead = 0;

  /** @param body gets what the chunks hold */
  constructor(body: AnswerBody) {
    this.#body = body;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Makes ready for another body. */
  reset(): void {
    this.#state = 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#overhead = 0;
  }

  /**
   * Takes the next bytes.
   *
   * @returns where it has stopped: at the end, or behind the body's
   * @throws HttpFault
   */
  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== 'done') {
      if (this.#state === 'data') at = this.#takeData(bytes, at, end);
      else this.#takeByte(bytes[at++]!);
    }
    return at;
  }

  #takeData(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#size);
    this.#body.push(bytes, at, stop);
    this.#size -= stop - at;
    if (this.#size === 0) this.#state = 'dataReturn';
    return stop;
  }

  #takeByte(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#takeSize(byte);
        break;
      case 'extension':
        if (byte === carriageReturn) this.#state = 'sizeLineFeed';
        else this.#skip(byte);
        break;
      case 'sizeLineFeed':
        expectByte(byte, lineFeed);
        this.#beginChunk();
        break;
      case 'dataReturn':
        expectByte(byte, carriageReturn);
        this.#state = 'dataLineFeed';
        break;
      case 'dataLineFeed':
        expectByte(byte, lineFeed);
        this.#state = 'size';
        break;
      case 'trailer':
        if (byte === carriageReturn) this.#state = 'endLineFeed';
        else if (byte === lineFeed) this.#state = 'done';
        else {
          this.#state = 'trailerRest';
          this.#skip(byte);
        }
        break;
      case 'trailerRest':
        if (byte === carriageReturn) this.#state = 'trailerLineFeed';
        else if (byte === lineFeed) this.#state = 'trailer';
        else this.#skip(byte);
        break;
      case 'trailerLineFeed':
        expectByte(byte, lineFeed);
        this.#state = 'trailer';
        break;
      case 'endLineFeed':
        expectByte(byte, lineFeed);
        this.#state = 'done';
        break;
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#digits += 1;
      if (this.#digits > mostDigits) throw new HttpFault('longBody');
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new HttpFault('syntax', 'a chunk has no size');
    if (byte === carriageReturn) this.#state = 'sizeLineFeed';
    else if (byte === semicolon || byte === space || byte === tab) {
      this.#state = 'extension';
      this.#skip(byte);
    } else throw new HttpFault('syntax', "a chunk's size is none");
  }

  #beginChunk(): void {
    this.#digits = 0;
    if (this.#size === 0) this.#state = 'trailer';
    else {
      this.#body.expect(this.#size);
      this.#state = 'data';
    }
  }

  #skip(byte: number): void {
    if (byte === lineFeed || byte === 0) throw new HttpFault('syntax', 'a chunk has a wrong extension');
    this.#overhead += 1;
    if (this.#overhead > mostOverheadBytes) throw new HttpFault('longHead');
  }
}

function expectByte(byte: number, expected: number): void {
  if (byte !== expected) throw new HttpFault('syntax', 'a chunk does not end where it says');
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
