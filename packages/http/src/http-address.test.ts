import { describe, expect, it } from 'vitest';
import { parseHttpAddress } from './http-address.js';

const options = { flag: '--host', defaultPort: 8_000 };

describe('parseHttpAddress', () => {
  it.each([
    ['h', 'http://h:8000', 'h:8000'],
    ['h:1', 'http://h:1', 'h:1'],
    [' http://h ', 'http://h:8000', 'h:8000'],
    ['http://h:1/', 'http://h:1', 'h:1'],
    ['HTTPS://h', 'https://h:8000', 'h:8000'],
    ['[::1]:2', 'http://[::1]:2', '[::1]:2'],
    [':5', 'http://localhost:5', 'localhost:5'],
  ])('reads %j', (text, origin, address) => {
    expect(parseHttpAddress(text, options)).toMatchObject({ origin, address });
  });

  it('takes over how TLS is checked, where it is TLS', () => {
    const tls = { insecure: true };
    expect(parseHttpAddress('https://h', { ...options, tls }).tls).toEqual(tls);
    expect(parseHttpAddress('h', { ...options, tls }).tls).toBeUndefined();
  });

  it.each([
    '',
    'http://',
    'h:0',
    'h:70000',
    'h:x',
    'grpc://h',
    'http://h/path',
    'http://user:secret@h',
    'a b',
  ])('refuses %j', (text) => {
    const read = () => parseHttpAddress(text, options);
    expect(read).toThrow('is no address of an HTTP server');
    expect(read).toThrow(
      expect.objectContaining({ code: 'AIBENCH_USAGE', hint: expect.stringContaining('--host') }),
    );
    expect(read).not.toThrow('secret');
  });
});
