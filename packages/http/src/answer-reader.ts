import { AnswerBody } from './answer-body.js';
import { type AnswerHead, readAnswerHead } from './answer-head.js';
import { ChunkedDecoder } from './chunked-decoder.js';
import type { HttpAnswer } from './http-client.js';
import { HttpFault } from './http-fault.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** How every head begins. */
const begin = Buffer.from('HTTP/1.');

/** The longest head that is taken, those of interim answers before it included. */
export const mostHeadBytes = 65_536;
/** Heads up to this size are kept, to know them again. */
const keptHeadBytes = 2_048;
/** Up to this size a loop copies bytes faster than a call does. */
const copiedByLoop = 32;
const noBytes: Buffer = Buffer.alloc(0);

/**
 * Puts together the answers of one connection, however their bytes are cut up.
 * Mostly an answer's head is that of the answer before, byte for byte, and comes
 * in one read: then it is not parsed, and where the body comes in the same read,
 * that is only copied.
 */
export class AnswerReader {
  readonly #body: AnswerBody;
  readonly #chunks: ChunkedDecoder;
  /** The head that is known again, its empty line included, and how it reads. */
  #knownBytes = noBytes;
  #known: AnswerHead | undefined;
  /** The head of the answer that is being read, once it is whole; afterwards, of the answer that was read last. */
  #head: AnswerHead | undefined;
  #isInBody = false;
  #isForHead = false;
  /** The start of a head whose end has not come, and how much of it was searched for that. */
  #rest = noBytes;
  #searched = 0;
  #headBytes = 0;
  /** Of a body with a length. */
  #left = 0;

  /** @param maxBytes the longest body that is taken */
  constructor(maxBytes: number) {
    this.#body = new AnswerBody(maxBytes);
    this.#chunks = new ChunkedDecoder(this.#body);
  }

  /** The head of the last answer, whole or not; undefined before the first. */
  get head(): AnswerHead | undefined {
    return this.#head;
  }

  /** Makes ready for an answer, before each. @param isForHead whether HEAD asks for it, so that it has no body */
  begin(isForHead: boolean): void {
    this.#isForHead = isForHead;
    this.#headBytes = 0;
  }

  /**
   * Takes the next bytes. They are not kept past the call.
   *
   * @returns the answer, once it is whole
   * @throws HttpFault where they are no HTTP/1, or where the answer is longer than what is taken
   */
  push(bytes: Buffer, length: number): HttpAnswer | undefined {
    if (this.#isInBody || this.#rest.length > 0 || !this.#isKnown(bytes, length)) {
      return this.#pushSlowly(bytes.subarray(0, length));
    }
    const known = this.#known!;
    const headBytes = this.#knownBytes.length;
    if (length === headBytes + Number(known.framing)) {
      this.#head = known;
      return { status: known.status, headers: known.headers, body: copyOf(bytes, headBytes, length) };
    }
    this.#beginBody(known);
    return this.#takeBody(bytes.subarray(0, length), headBytes);
  }

  /** Learns that nothing more comes. @returns the answer, where that is its end */
  end(): HttpAnswer | undefined {
    if (!this.#isInBody || this.#head?.framing !== 'untilClose') return undefined;
    return this.#finish();
  }

  /** Whether they begin with the known head. */
  #isKnown(bytes: Buffer, length: number): boolean {
    const known = this.#knownBytes;
    if (known.length === 0 || known.length > length || this.#isForHead) return false;
    for (let i = 0; i < known.length; i++) if (bytes[i] !== known[i]) return false;
    return true;
  }

  #pushSlowly(bytes: Buffer): HttpAnswer | undefined {
    let at = 0;
    while (!this.#isInBody) {
      const end = this.#takeHead(bytes, at);
      if (end === undefined) return undefined;
      at = end;
    }
    return this.#takeBody(bytes, at);
  }

  /** @returns where the head ends in the bytes; undefined where its end has not come yet */
  #takeHead(bytes: Buffer, start: number): number | undefined {
    let at = start;
    if (this.#rest.length === 0) {
      // Some servers end an answer with a line too many.
      while (bytes[at] === carriageReturn || bytes[at] === lineFeed) at += 1;
      this.#headBytes += at - start;
    }
    const before = this.#rest.length;
    const head = before === 0 ? bytes.subarray(at) : Buffer.concat([this.#rest, bytes.subarray(at)]);
    const end = this.#headEnd(head);
    const used = end ?? head.length;
    if (this.#headBytes + used > mostHeadBytes) throw new HttpFault('longHead');
    if (end === undefined) {
      // What is no HTTP need not have an empty line to be told by.
      for (let i = 0; i < Math.min(begin.length, head.length); i++) {
        if (head[i] !== begin[i]) throw new HttpFault('syntax', 'it does not begin with a status line');
      }
      this.#rest = before === 0 ? Buffer.from(head) : head;
      return undefined;
    }
    this.#rest = noBytes;
    this.#searched = 0;
    this.#headBytes += end;
    this.#readHead(head.subarray(0, end));
    return at + end - before;
  }

  /** Where the bytes begin that follow an empty line; undefined where there is none yet. */
  #headEnd(head: Buffer): number | undefined {
    for (let at = this.#searched; ; ) {
      const found = head.indexOf(lineFeed, at);
      if (found === -1) return undefined;
      if (head[found + 1] === lineFeed) return found + 2;
      if (head[found + 1] === carriageReturn && head[found + 2] === lineFeed) return found + 3;
      // What follows the line feed may not be there yet.
      this.#searched = found;
      at = found + 1;
    }
  }

  #readHead(bytes: Buffer): void {
    const head = readAnswerHead(bytes.toString('latin1'), this.#isForHead);
    if (head.status === 101) throw new HttpFault('syntax', 'it changes the protocol');
    if (head.status < 200) return;
    this.#beginBody(head);
    if (this.#isForHead || bytes.length > keptHeadBytes) return;
    this.#known = head;
    this.#knownBytes = Buffer.from(bytes);
  }

  #beginBody(head: AnswerHead): void {
    const { framing } = head;
    this.#head = head;
    this.#isInBody = true;
    if (framing === 'chunked') this.#chunks.reset();
    else if (framing !== 'untilClose') {
      this.#body.expect(framing);
      this.#left = framing;
    }
  }

  #takeBody(bytes: Buffer, start: number): HttpAnswer | undefined {
    const framing = this.#head!.framing;
    let end = bytes.length;
    let isWhole = false;
    if (framing === 'chunked') {
      end = this.#chunks.push(bytes, start, bytes.length);
      isWhole = this.#chunks.isDone;
    } else {
      if (framing !== 'untilClose') {
        end = Math.min(bytes.length, start + this.#left);
        this.#left -= end - start;
        isWhole = this.#left === 0;
      }
      this.#body.push(bytes, start, end);
    }
    if (!isWhole) return undefined;
    while (bytes[end] === carriageReturn || bytes[end] === lineFeed) end += 1;
    if (end < bytes.length) throw new HttpFault('excess');
    return this.#finish();
  }

  #finish(): HttpAnswer {
    const { status, headers } = this.#head!;
    this.#isInBody = false;
    return { status, headers, body: this.#body.take() };
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  const copy = Buffer.allocUnsafe(length);
  if (length <= copiedByLoop) for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
  else bytes.copy(copy, 0, start, end);
  return copy;
}
