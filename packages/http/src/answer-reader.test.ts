import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerReader } from './answer-reader.js';
import type { HttpAnswer } from './http-client.js';

const maxBytes = 100_000;

/** Gives a reader the bytes in pieces cut at the given places, and then the connection's end. */
function read(
  reader: AnswerReader,
  bytes: Buffer,
  cuts: readonly number[],
  isForHead = false,
): HttpAnswer | undefined {
  // As a socket does: every piece lies at the start of one buffer, before what earlier ones have left.
  const shared = Buffer.alloc(65_536, '\r\n');
  let answer: HttpAnswer | undefined;
  reader.begin(isForHead);
  const places = [0, ...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].sort((a, b) => a - b);
  for (let i = 1; i < places.length; i++) {
    const piece = bytes.subarray(places[i - 1], places[i]);
    if (piece.length === 0) continue;
    shared.set(piece);
    expect(answer).toBeUndefined();
    answer = reader.push(shared, piece.length);
  }
  return answer ?? reader.end();
}

const name = fc.stringMatching(/^[a-z][a-z-]{0,12}$/).map((text) => `x-${text}`);
const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
const fields = fc.array(fc.tuple(name, value), { maxLength: 6 });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const lineEnd = fc.constantFrom('\r\n', '\n');
const interim = fc.array(
  fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Hints\r\na: b\r\n\r\n'),
  {
    maxLength: 2,
  },
);
const cuts = fc.array(fc.nat(), { maxLength: 8 });
const status = fc.integer({ min: 200, max: 599 }).filter((code) => code !== 204 && code !== 304);

/** A body in chunks of these sizes, with extensions and trailers. */
function chunked(bytes: Buffer, sizes: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const chunk = bytes.subarray(at, at + size);
    at += chunk.length;
    if (chunk.length === 0) continue;
    const extension = size % 3 === 0 ? ';name="a value"' : '';
    parts.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nx-trailer: 1\r\n\r\n')]);
}

const answers = fc
  .record({
    status,
    fields,
    body,
    lineEnd,
    interim,
    framing: fc.constantFrom('length', 'chunked', 'untilClose'),
    sizes: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 5 }),
  })
  .map((one) => {
    const framed = {
      length: [`content-length: ${one.body.length}`, one.body] as const,
      chunked: ['Transfer-Encoding: chunked', chunked(one.body, one.sizes)] as const,
      untilClose: ['connection: close', one.body] as const,
    };
    const [field, bytes] = framed[one.framing as keyof typeof framed];
    const head = [`HTTP/1.1 ${one.status} Some Reason`, ...one.fields.map(([n, v]) => `${n}: ${v}`), field];
    const text = `${one.interim.join('')}${head.map((line) => `${line}${one.lineEnd}`).join('')}${one.lineEnd}`;
    return { ...one, bytes: Buffer.concat([Buffer.from(text), bytes]) };
  });

describe('AnswerReader', () => {
  it('reads answers of any form, wherever they are cut', () => {
    fc.assert(
      fc.property(answers, cuts, (sent, places) => {
        const reader = new AnswerReader(maxBytes);
        // The second time the head may be known already.
        for (const at of sent.framing === 'untilClose' ? [places] : [places, [], places]) {
          const answer = read(reader, sent.bytes, at);
          expect(answer?.status).toBe(sent.status);
          expect(answer?.body.equals(sent.body)).toBe(true);
          for (const [field, text] of sent.fields) {
            expect([answer?.headers[field]].flat()).toContain(text);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('reads an answer that is cut at every place', () => {
    const chunks = '3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n';
    const wholes = [
      'HTTP/1.1 103 Hints\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nA: b\r\n c\r\n\r\n${chunks}`,
      'HTTP/1.1 200 OK\nserver: any\n\nabcde',
    ].map((text) => Buffer.from(text));
    for (const bytes of wholes) {
      for (let i = 1; i < bytes.length; i++) {
        for (let j = i; j < bytes.length; j += 7) {
          const answer = read(new AnswerReader(maxBytes), bytes, [i, j]);
          expect(`${answer?.status} ${answer?.body}`).toBe('200 abcde');
        }
      }
      const eachByte = Array.from(bytes, (_, i) => i);
      expect(String(read(new AnswerReader(maxBytes), bytes, eachByte)?.body)).toBe('abcde');
    }
  });

  it('tells a head from the one before, in whatever they differ', () => {
    const reader = new AnswerReader(maxBytes);
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nx-id: 1\r\ncontent-length: 2\r\n\r\nab');
    read(reader, bytes, []);
    for (let i = 0; i < bytes.length - 2; i++) {
      const other = Buffer.from(bytes);
      other[i]! ^= 1;
      let answer: HttpAnswer | undefined;
      let expected: HttpAnswer | undefined;
      let fault: unknown;
      const own = new AnswerReader(maxBytes);
      try {
        expected = read(own, other, []);
      } catch (error) {
        fault = error;
      }
      const warm = new AnswerReader(maxBytes);
      read(warm, bytes, []);
      if (fault === undefined) {
        answer = read(warm, other, []);
        expect(answer).toEqual(expected);
      } else expect(() => read(warm, other, [])).toThrow(expect.objectContaining({ name: 'HttpFault' }));
    }
    expect(String(read(reader, bytes, [])?.body)).toBe('ab');
  });

  it('counts the interim answers of one answer, not those of all', () => {
    const reader = new AnswerReader(maxBytes);
    const interim = 'HTTP/1.1 103 Hints\r\na: b\r\n\r\n';
    const bytes = Buffer.from(`${interim}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab`);
    // The final head comes in a read of its own, and is known from the second time on.
    for (let i = 0; i < 3_000; i++) expect(String(read(reader, bytes, [interim.length])?.body)).toBe('ab');
  });

  it('gives away every body, and none of its own memory', () => {
    const reader = new AnswerReader(maxBytes);
    const bodies = ['first', 'other', 'third'].map((text) => {
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n${text}`);
      return read(reader, bytes, [])!.body;
    });
    expect(bodies.map(String)).toEqual(['first', 'other', 'third']);
  });

  it('does not know a head again for HEAD, or because of HEAD', () => {
    const reader = new AnswerReader(maxBytes);
    const head = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    const get = Buffer.concat([head, Buffer.from('ab')]);
    for (let i = 0; i < 3; i++) {
      expect(read(reader, head, [], true)?.body).toHaveLength(0);
      expect(String(read(reader, get, [])?.body)).toBe('ab');
    }
  });

  it('throws a fault, and nothing else, for anything else', () => {
    const plausible = fc.constantFrom(
      ...[
        'HTTP/1.1 200 OK\r\n',
        'HTTP/1.1 103 \r\n',
        'HTTP/1.0 404 \r\n',
        '\r\n',
        '\n',
        ' ',
        ':',
        'a: b\r\n',
        '\0',
      ],
      ...[
        'content-length: 5\r\n',
        'transfer-encoding: chunked\r\n',
        'connection: close\r\n',
        '5\r\nabcde\r\n',
      ],
      ...[
        '0\r\n',
        '0\r\n\r\n',
        'fffffffffffff\r\n',
        '1;x=y\r\n',
        'abcde',
        'content-length: 99999999999999\r\n',
      ],
    );
    const anything = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const stream = fc.array(fc.oneof({ weight: 4, arbitrary: plausible }, anything), { maxLength: 12 });
    fc.assert(
      fc.property(stream, cuts, (parts, places) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        if (bytes.length === 0) return;
        const reader = new AnswerReader(maxBytes);
        try {
          const shared = Buffer.alloc(65_536);
          for (const piece of [bytes.subarray(0, (places[0] ?? 0) % bytes.length), bytes]) {
            shared.set(piece);
            if (reader.push(shared, piece.length) !== undefined) break;
          }
          reader.end();
        } catch (error) {
          expect(error).toHaveProperty('name', 'HttpFault');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
