import { splitInlineArguments } from './inline-arguments.js';
import { ProtocolError } from './reply-error.js';
import { Request } from './request.js';

/** The bounds within which requests are taken; the values are Redis's own. */
export const requestLimits = {
  /** A line: an inline command, or the header of an argument. */
  lineBytes: 64 * 1024,
  arguments: 1024 * 1024,
  /** One argument. */
  argumentBytes: 512 * 1024 * 1024,
  /** All arguments of a command. */
  requestBytes: 1024 * 1024 * 1024,
  /** Before a client has given its password. */
  unauthenticatedArguments: 10,
  unauthenticatedArgumentBytes: 16 * 1024,
} as const;

/** An argument that has not arrived whole gets no more than this before its bytes are there. */
const firstAssemblyBytes = 1024 * 1024;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const asterisk = 0x2a;
const dollar = 0x24;
const crlfBytes = 2;

/**
 * Reads commands from a stream of bytes, however it is cut. Arguments that lie
 * whole in a received chunk are views on it. Memory is bounded by what has
 * really arrived, not by the lengths that a client announces, and each byte is
 * copied a bounded number of times.
 */
export class RequestParser {
  /** Whether the client may send requests of full size. */
  isAuthenticated = true;
  readonly #pending: Buffer[] = [];
  #chunk: Buffer | undefined;
  #position = 0;
  #request: Request | undefined;
  /** Arguments of the current request that are still to come. */
  #missing = 0;
  #requestBytes = 0;
  /** Length of the argument that is being read; -1 before its header. */
  #argumentBytes = -1;
  /** An argument that came in several chunks, with its line end. */
  #assembly: Buffer | undefined;
  #assembled = 0;
  #bufferedBytes = 0;

  /** Bytes that were fed and have not become part of a returned request. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Gives the parser what has arrived; it must not be changed afterwards. */
  feed(chunk: Buffer): void {
    this.#bufferedBytes += chunk.length;
    this.#pending.push(chunk);
  }

  /**
   * The next whole command, or undefined until more has arrived.
   *
   * @throws ProtocolError; the stream cannot be read any further then
   */
  next(): Request | undefined {
    for (;;) {
      const request = this.#read();
      if (request !== undefined) {
        if (request.length > 0) return request;
        continue;
      }
      if (!this.#advance()) return undefined;
    }
  }

  #advance(): boolean {
    const next = this.#pending.shift();
    const chunk = this.#chunk;
    const rest = chunk === undefined ? 0 : chunk.length - this.#position;
    if (next === undefined) {
      if (rest === 0) this.#chunk = undefined;
      return false;
    }
    this.#chunk = rest === 0 ? next : Buffer.concat([chunk!.subarray(this.#position), next]);
    this.#position = 0;
    return true;
  }

  /** A request (of no arguments for an empty line), or undefined where the chunk ends first. */
  #read(): Request | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined || this.#position >= chunk.length) return undefined;
    if (this.#request === undefined) {
      if (chunk[this.#position] !== asterisk) return this.#readInline(chunk);
      const count = this.#readHeader(chunk, 'multibulk');
      if (count === undefined) return undefined;
      this.#checkArgumentCount(count);
      this.#request = new Request();
      this.#requestBytes = 0;
      this.#missing = Math.max(count, 0);
    }
    while (this.#missing > 0) {
      if (!this.#readArgument(chunk)) return undefined;
      this.#missing -= 1;
    }
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  #readArgument(chunk: Buffer): boolean {
    if (this.#argumentBytes < 0) {
      const first = chunk[this.#position];
      if (first === undefined) return false;
      if (first !== dollar) {
        throw new ProtocolError(`expected '$', got '${String.fromCharCode(first)}'`);
      }
      const length = this.#readHeader(chunk, 'bulk');
      if (length === undefined) return false;
      this.#checkArgumentLength(length);
      this.#argumentBytes = length;
    }
    const length = this.#argumentBytes;
    const start = this.#position;
    if (this.#assembly === undefined && chunk.length - start >= length + crlfBytes) {
      this.#request!.add(chunk, start, start + length);
      this.#consume(length + crlfBytes);
    } else if (this.#assemble(chunk, length + crlfBytes)) {
      this.#request!.add(this.#assembly!, 0, length);
      this.#assembly = undefined;
    } else {
      return false;
    }
    this.#argumentBytes = -1;
    return true;
  }

  /** Gathers an argument from several chunks; the buffer doubles as the bytes arrive. */
  #assemble(chunk: Buffer, wanted: number): boolean {
    if (this.#assembly === undefined) {
      this.#assembly = Buffer.allocUnsafeSlow(Math.min(wanted, firstAssemblyBytes));
      this.#assembled = 0;
    }
    const take = Math.min(wanted - this.#assembled, chunk.length - this.#position);
    if (this.#assembled + take > this.#assembly.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(wanted, Math.max(this.#assembled + take, 2 * this.#assembly.length)),
      );
      this.#assembly.copy(grown, 0, 0, this.#assembled);
      this.#assembly = grown;
    }
    chunk.copy(this.#assembly, this.#assembled, this.#position, this.#position + take);
    this.#assembled += take;
    this.#consume(take);
    return this.#assembled === wanted;
  }

  /** The number in a `*` or `$` line; undefined where the line has not ended. */
  #readHeader(chunk: Buffer, kind: 'multibulk' | 'bulk'): number | undefined {
    let at = this.#position + 1;
    const isNegative = chunk[at] === 0x2d;
    if (isNegative) at += 1;
    const digits = at;
    let value = 0;
    for (; at < chunk.length && chunk[at] !== carriageReturn; at++) {
      const digit = chunk[at]! - 0x30;
      if (digit < 0 || digit > 9 || at - digits > 15) throw new ProtocolError(`invalid ${kind} length`);
      value = value * 10 + digit;
    }
    if (at + 1 >= chunk.length) return undefined;
    if (at === digits) throw new ProtocolError(`invalid ${kind} length`);
    this.#consume(at + crlfBytes - this.#position);
    return isNegative ? -value : value;
  }

  #readInline(chunk: Buffer): Request | undefined {
    const start = this.#position;
    const end = chunk.indexOf(lineFeed, start);
    if ((end === -1 ? chunk.length : end) - start > requestLimits.lineBytes) {
      throw new ProtocolError('too big inline request');
    }
    if (end === -1) return undefined;
    const hasReturn = end > start && chunk[end - 1] === carriageReturn;
    const line = chunk.toString('latin1', start, hasReturn ? end - 1 : end);
    this.#consume(end + 1 - start);
    const request = new Request();
    for (const value of splitInlineArguments(line)) {
      const bytes = Buffer.from(value, 'latin1');
      request.add(bytes, 0, bytes.length);
    }
    return request;
  }

  #checkArgumentCount(count: number): void {
    if (count > requestLimits.arguments) throw new ProtocolError('invalid multibulk length');
    if (!this.isAuthenticated && count > requestLimits.unauthenticatedArguments) {
      throw new ProtocolError('unauthenticated multibulk length');
    }
  }

  #checkArgumentLength(length: number): void {
    if (length < 0 || length > requestLimits.argumentBytes) throw new ProtocolError('invalid bulk length');
    if (!this.isAuthenticated && length > requestLimits.unauthenticatedArgumentBytes) {
      throw new ProtocolError('unauthenticated bulk length');
    }
    this.#requestBytes += length;
    if (this.#requestBytes > requestLimits.requestBytes) throw new ProtocolError('too big request');
  }

  #consume(count: number): void {
    this.#position += count;
    this.#bufferedBytes -= count;
  }
}
