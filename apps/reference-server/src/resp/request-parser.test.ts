import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../testing/test-client.js';
import { RequestParser, requestLimits } from './request-parser.js';

/** Feeds a stream in pieces and returns the arguments of all commands. */
function parse(chunks: readonly Buffer[], parser = new RequestParser()): string[][] {
  const commands: string[][] = [];
  for (const chunk of chunks) {
    parser.feed(chunk);
    for (let request = parser.next(); request !== undefined; request = parser.next()) {
      const { length } = request;
      commands.push(Array.from({ length }, (_, i) => request!.bytes(i).toString('latin1')));
    }
  }
  return commands;
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => bytes.subarray(places[i]!, end));
}

const argument = fc.oneof(
  fc.string(),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const command = fc.array(argument, { minLength: 1, maxLength: 6 });

describe('RequestParser', () => {
  it('reads the same commands however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (given, cuts) => {
          const bytes = given.map((args) => args.map((arg) => Buffer.from(arg, 'latin1')));
          const stream = Buffer.concat(bytes.map((args) => encodeCommand(args)));
          const wanted = bytes.map((args) => args.map((arg) => arg.toString('latin1')));
          expect(parse(cut(stream, cuts))).toEqual(wanted);
        },
      ),
    );
  });

  it('reads a stream that comes one byte at a time', () => {
    const stream = Buffer.concat([encodeCommand(['SET', 'key', 'a\r\nb']), Buffer.from('PING\r\n')]);
    const bytes = [...stream].map((byte) => Buffer.from([byte]));
    expect(parse(bytes)).toEqual([['SET', 'key', 'a\r\nb'], ['PING']]);
  });

  it('counts what is buffered and not yet returned', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 4 }), fc.nat(), (given, at) => {
        const stream = Buffer.concat(given.map((args) => encodeCommand(args)));
        const parser = new RequestParser();
        parse(cut(stream, [at]), parser);
        expect(parser.bufferedBytes).toBe(0);
      }),
    );
  });

  it('reads an argument of many megabytes that comes in small chunks', () => {
    const blob = Buffer.alloc(5 * 1024 * 1024 + 17);
    for (let i = 0; i < blob.length; i++) blob[i] = i % 251;
    const stream = encodeCommand(['SET', 'key', blob]);
    const parser = new RequestParser();
    for (let at = 0; at < stream.length; at += 16_000) {
      parser.feed(stream.subarray(at, at + 16_000));
      const request = parser.next();
      if (request !== undefined) expect(blob.equals(request.bytes(2))).toBe(true);
      else expect(at + 16_000).toBeLessThan(stream.length);
    }
    expect(parser.bufferedBytes).toBe(0);
  });

  it('reads commands typed as lines, with quotes', () => {
    const lines = `set key "a \\"b\\" \\x41\\n"\r\n\r\n  get 'it\\'s'  plain\nPING\r\n`;
    expect(parse([Buffer.from(lines)])).toEqual([
      ['set', 'key', 'a "b" A\n'],
      ['get', "it's", 'plain'],
      ['PING'],
    ]);
  });

  it('skips empty commands', () => {
    expect(parse([Buffer.from('*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n')])).toEqual([['PING']]);
  });

  it.each([
    ['*x\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*99999999999999999999\r\n', 'invalid multibulk length'],
    [`*${requestLimits.arguments + 1}\r\n`, 'invalid multibulk length'],
    ['*1\r\n:5\r\n', "expected '$', got ':'"],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$abc\r\n', 'invalid bulk length'],
    [`*1\r\n$${requestLimits.argumentBytes + 1}\r\n`, 'invalid bulk length'],
    ['get "open\r\n', 'unbalanced quotes in request'],
    ['get "a"b\r\n', 'unbalanced quotes in request'],
    ['x'.repeat(requestLimits.lineBytes + 1), 'too big inline request'],
  ])('refuses %j', (text, message) => {
    const parser = new RequestParser();
    parser.feed(Buffer.from(text));
    expect(() => parser.next()).toThrow(message);
  });

  it('takes small requests only until a password was given', () => {
    const parser = new RequestParser();
    parser.isAuthenticated = false;
    parser.feed(Buffer.from('*11\r\n'));
    expect(() => parser.next()).toThrow('unauthenticated multibulk length');
    const second = new RequestParser();
    second.isAuthenticated = false;
    second.feed(Buffer.from('*2\r\n$16385\r\n'));
    expect(() => second.next()).toThrow('unauthenticated bulk length');
  });

  it('allocates for what has arrived, not for what is announced', () => {
    const parsers = Array.from({ length: 200 }, () => new RequestParser());
    const before = process.memoryUsage().arrayBuffers;
    for (const parser of parsers) {
      parser.feed(Buffer.from(`*1\r\n$${requestLimits.argumentBytes}\r\nx`));
      expect(parser.next()).toBeUndefined();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(requestLimits.argumentBytes);
  });
});
