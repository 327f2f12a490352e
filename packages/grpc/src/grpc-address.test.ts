import { AibenchError } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGrpcAddress, parseGrpcAddress } from './grpc-address.js';

const options = { flag: '--host', defaultPort: 8500 };

describe('parseGrpcAddress', () => {
  it.each([
    ['localhost:8001', { host: 'localhost', port: 8001 }],
    ['127.0.0.1', { host: '127.0.0.1', port: 8500 }],
    [' grpc://h ', { host: 'h', port: 8500 }],
    ['grpc://h:1/', { host: 'h', port: 1 }],
    ['GRPCS://h:2', { host: 'h', port: 2, tls: {} }],
    [':7000', { host: 'localhost', port: 7000 }],
    ['::1', { host: '::1', port: 8500 }],
    ['[::1]:7000', { host: '::1', port: 7000 }],
    ['grpcs://[fe80::2]', { host: 'fe80::2', port: 8500, tls: {} }],
  ])('reads %s', (text, expected) => {
    expect(parseGrpcAddress(text, options)).toEqual(expected);
  });

  it('gives the TLS settings to grpcs:// only', () => {
    const tls = { caPath: 'ca.pem' };
    expect(parseGrpcAddress('grpcs://h', { ...options, tls }).tls).toBe(tls);
    expect(parseGrpcAddress('h', { ...options, tls }).tls).toBeUndefined();
  });

  it.each(['', 'grpc://', 'http://h:80', 'h:0', 'h:65536', 'h:port', 'h/path', 'u@h', '[::1', 'a b'])(
    'refuses "%s", naming the flag',
    (text) => {
      const parse = () => parseGrpcAddress(text, options);
      expect(parse).toThrow(AibenchError);
      expect(parse).toThrow(
        expect.objectContaining({ code: 'AIBENCH_USAGE', hint: expect.stringContaining('--host') }),
      );
    },
  );

  it('keeps a login out of its message', () => {
    const parse = () => parseGrpcAddress('grpc://user:secret@h:8500', options);
    expect(parse).toThrow('"grpc://***@h:8500" is no address');
  });

  it('reads back what is formatted', () => {
    const place = fc.record({
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    fc.assert(
      fc.property(place, (address) => {
        expect(parseGrpcAddress(formatGrpcAddress(address), options)).toEqual(address);
      }),
    );
  });
});
