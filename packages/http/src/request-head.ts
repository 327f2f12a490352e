import type { HttpRequestHead } from './http-client.js';

/** Methods whose requests have a body, be it an empty one (RFC 9110, section 8.6). */
const withBody = new Set<string>(['POST', 'PUT']);

/**
 * What precedes a request's body, encoded once for all requests of a route. Only
 * the length may change; mostly it does not, and the bytes are the same as before.
 */
export class RequestHead {
  /** Whether the answer has no body. */
  readonly isHead: boolean;
  readonly #withoutLength: string;
  readonly #sendsLength: boolean;
  #bytes: Buffer;
  #length = 0;

  /** @param host `host:port`, as the field is written */
  constructor(host: string, { method, path, headers = {} }: HttpRequestHead) {
    this.isHead = method === 'HEAD';
    this.#sendsLength = withBody.has(method);
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    // A server of HTTP/1.0 keeps the connection only for those who ask.
    this.#withoutLength = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${fields.join('')}`;
    this.#bytes = this.#encode(0);
  }

  /** The head for a body of so many bytes; valid until the next call. */
  withLength(bodyBytes: number): Buffer {
    if (bodyBytes !== this.#length) {
      this.#bytes = this.#encode(bodyBytes);
      this.#length = bodyBytes;
    }
    return this.#bytes;
  }

  #encode(bodyBytes: number): Buffer {
    const length = bodyBytes > 0 || this.#sendsLength ? `content-length: ${bodyBytes}\r\n` : '';
    return Buffer.from(`${this.#withoutLength}${length}\r\n`, 'latin1');
  }
}
