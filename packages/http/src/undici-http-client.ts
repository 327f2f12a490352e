import type { MessageBytes } from '@aibench/core';
import { checkRequestHead } from './check-request-head.js';
import type { HttpAddress } from './http-address.js';
import type { HttpAnswer, HttpClient, HttpRequestHead, HttpRoute } from './http-client.js';
import { HttpConnection, type HttpConnectionOptions } from './http-connection.js';

/** A client over undici. */
export class UndiciHttpClient implements HttpClient {
  readonly #connection: HttpConnection;

  /** @throws AIBENCH_INPUT where the file of authorities cannot be read */
  constructor(address: HttpAddress, options: HttpConnectionOptions) {
    this.#connection = new HttpConnection(address, options);
  }

  get address(): string {
    return this.#connection.address;
  }

  route(head: HttpRequestHead): HttpRoute {
    checkRequestHead(head);
    return { send: (body) => this.#send(head, body) };
  }

  backlogBytes(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #send({ method, path, headers = {} }: HttpRequestHead, body?: MessageBytes): Promise<HttpAnswer> {
    if (body === undefined) return this.#connection.send({ method, path, headers });
    if (body instanceof Uint8Array) return this.#connection.send({ method, path, headers, body });
    const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return this.#connection.send({
      method,
      path,
      headers: { ...headers, 'content-length': `${length}` },
      body,
    });
  }
}
