import type { HttpAddress } from './http-address.js';
import type { HttpClient } from './http-client.js';
import { type HttpConnectionOptions, withDefaults } from './http-connection.js';
import { OwnHttpClient } from './own-http-client.js';
import { UndiciHttpClient } from './undici-http-client.js';

/** What carries the requests. */
export type HttpImplementation = (typeof httpImplementations)[number];

/** The choices of `--http-client`, the default first. */
export const httpImplementations = ['own', 'undici'] as const;

/** How a client behaves. */
export interface HttpClientOptions extends HttpConnectionOptions {
  /** Our own HTTP/1.1, or undici as a cross-check. Default `own`. */
  readonly implementation?: HttpImplementation;
}

/**
 * Makes a client for requests on the hot path. It connects with the first request.
 *
 * @throws AIBENCH_INPUT where the file of authorities cannot be read
 */
export async function openHttpClient(address: HttpAddress, options: HttpClientOptions): Promise<HttpClient> {
  if (options.implementation === 'undici') return new UndiciHttpClient(address, options);
  return new OwnHttpClient(address, withDefaults(options));
}
