import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './hpack-decoder.js';
import { frameHeaderBytes } from './http2-protocol.js';
import { formatGrpcTimeout, RequestHead } from './request-head.js';

describe('RequestHead', () => {
  it('is HEADERS, and DATA up to the message, for the stream and length that are filled in', () => {
    const path = `/package.Service/${'Method'.repeat(40)}`;
    const headers = { authorization: 'Bearer x', 'x-run': '7' };
    const head = new RequestHead({ scheme: 'https', authority: 'h:1', path, timeoutMs: 1_500, headers });
    const bytes = Buffer.concat([Buffer.alloc(3), head.bytes]);
    head.fill(bytes, 3, 0x01020305, 0x0a0b);
    const fields: string[] = [];
    const blockAt = 3 + frameHeaderBytes;
    const end = 3 + head.dataAt;
    new HpackDecoder().decode(bytes, blockAt, end, ({ name, value }) => fields.push(`${name}: ${value}`));
    expect(fields).toEqual([
      ':method: POST',
      ':scheme: https',
      `:path: ${path}`,
      ':authority: h:1',
      'te: trailers',
      'content-type: application/grpc',
      'grpc-timeout: 1500m',
      'user-agent: grpc-node-aibench/0.1.0',
      'authorization: Bearer x',
      'x-run: 7',
    ]);
    expect(bytes.readUIntBE(3, 3)).toBe(end - blockAt);
    expect([...bytes.subarray(6, blockAt)]).toEqual([1, 4, 1, 2, 3, 5]);
    expect([...bytes.subarray(end)]).toEqual([0, 0x0a, 0x10, 0, 1, 1, 2, 3, 5, 0, 0, 0, 0x0a, 0x0b]);
  });

  it.each([
    [1, '1m'],
    [0.2, '1m'],
    [99_999_999, '99999999m'],
    [100_000_000.5, '100001S'],
    [1e15, '99999999S'],
  ])('writes a limit of %d ms as %s', (timeoutMs, expected) => {
    expect(formatGrpcTimeout(timeoutMs)).toBe(expected);
  });
});
