import type { HttpAnswer } from './http-client.js';
import { HttpFault } from './http-fault.js';

/** How the end of a body is told: by its length in bytes, by its last chunk, or by that of the connection. */
export type BodyFraming = number | 'chunked' | 'untilClose';

/** What precedes an answer's body, read. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: HttpAnswer['headers'];
  readonly framing: BodyFraming;
  /** Whether the connection may carry another request. */
  readonly keepsAlive: boolean;
  /** How long the server says to keep the connection without a request, ms; Infinity where it does not say. */
  readonly idleLimitMs: number;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Reads the head of an answer (RFC 9112, sections 4 to 6), which may have bare
 * line feeds and folded lines in it, as the RFC lets a client take them.
 *
 * @param text in Latin-1, with the empty line at its end
 * @param isForHead whether HEAD has asked for it, so that it has no body
 * @throws HttpFault
 */
export function readAnswerHead(text: string, isForHead: boolean): AnswerHead {
  const lines = text.split('\n').slice(0, -2);
  const [, minor, digits] = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: [^\r\0]*)?\r?$/.exec(lines[0] ?? '') ?? [];
  if (minor === undefined) throw new HttpFault('syntax', 'it does not begin with a status line');
  const status = Number(digits);
  const headers = readFields(lines);
  const coding = last(headers['transfer-encoding']);
  const connection = listed(headers['connection']);
  const isHttp10 = minor === '0';
  const framing = framingOf(status, headers, isForHead);
  return {
    status,
    headers,
    framing,
    keepsAlive:
      framing !== 'untilClose' &&
      // HTTP/1.0 knows no transfer codings; what has one all the same may have been cut wrongly (RFC 9112, section 6.1).
      (isHttp10 ? connection.includes('keep-alive') && coding === undefined : !connection.includes('close')),
    idleLimitMs: idleLimitOf(headers['keep-alive']),
  };
}

function readFields(lines: readonly string[]): Record<string, string | string[] | undefined> {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  for (let i = 1; i < lines.length; i++) {
    let line = withoutReturn(lines[i]!);
    // Folded: the next line goes on where it begins with a blank (RFC 9112, section 5.2).
    for (; /^[ \t]/.test(lines[i + 1] ?? ''); i++) {
      line = `${line.trimEnd()} ${withoutReturn(lines[i + 1]!).trimStart()}`;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!token.test(name)) throw new HttpFault('syntax', 'a header field has no name');
    addField(headers, name.toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

function withoutReturn(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.includes('\r') || text.includes('\0')) {
    throw new HttpFault('syntax', 'a header field has a character that it must not have');
  }
  return text;
}

function addField(headers: Record<string, string | string[] | undefined>, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (typeof before === 'string') headers[name] = [before, value];
  else before.push(value);
}

/** RFC 9112, section 6.3. */
function framingOf(status: number, headers: AnswerHead['headers'], isForHead: boolean): BodyFraming {
  const length = headers['content-length'];
  const codings = listed(headers['transfer-encoding']);
  if (codings.length > 0 && length !== undefined) {
    throw new HttpFault('syntax', 'it has both a length and a transfer coding');
  }
  if (length !== undefined && (typeof length !== 'string' || !/^\d{1,15}$/.test(length))) {
    throw new HttpFault('syntax', 'its content-length is none');
  }
  if (isForHead || status < 200 || status === 204 || status === 304) return 0;
  if (codings.length > 0) {
    if (codings.length > 1 || codings[0] !== 'chunked') {
      throw new HttpFault('syntax', 'it has a transfer coding that was not asked for');
    }
    return 'chunked';
  }
  return length === undefined ? 'untilClose' : Number(length);
}

/** The items of a field that is a list, in lower case. */
function listed(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return String(value)
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
}

function last(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.at(-1);
}

/** `Keep-Alive: timeout=5, max=100` */
function idleLimitOf(value: string | string[] | undefined): number {
  const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d+)/i.exec(last(value) ?? '')?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}
