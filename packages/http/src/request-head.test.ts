import { describe, expect, it } from 'vitest';
import { RequestHead } from './request-head.js';

const headers = { 'content-type': 'text/plain', 'x-latin': 'k\xe4se' };

describe('RequestHead', () => {
  it('is all that precedes the body, with its length last', () => {
    const head = new RequestHead('[::1]:8000', { method: 'POST', path: '/a?b=c', headers });
    const start =
      'POST /a?b=c HTTP/1.1\r\nhost: [::1]:8000\r\nconnection: keep-alive\r\n' +
      'content-type: text/plain\r\nx-latin: k\xe4se\r\n';
    for (const length of [0, 1_300, 1_300, 7, 602_112, 0, 7]) {
      const bytes = head.withLength(length);
      expect(bytes.toString('latin1')).toBe(`${start}content-length: ${length}\r\n\r\n`);
    }
  });

  it('tells a length of methods without a body only where there is one', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS'] as const) {
      const head = new RequestHead('h:1', { method, path: '/' });
      const start = `${method} / HTTP/1.1\r\nhost: h:1\r\nconnection: keep-alive\r\n`;
      expect(String(head.withLength(0))).toBe(`${start}\r\n`);
      expect(String(head.withLength(5))).toBe(`${start}content-length: 5\r\n\r\n`);
      expect(String(head.withLength(0))).toBe(`${start}\r\n`);
      expect(head.isHead).toBe(method === 'HEAD');
    }
  });
});
