import type { HttpAddress } from './http-address.js';
import type { HttpClient } from './http-client.js';
import { HttpConnection, type HttpConnectionOptions } from './http-connection.js';

/** What carries the requests. */
export type HttpImplementation = (typeof httpImplementations)[number];

/** The choices of `--http-client`, the default first. */
export const httpImplementations = ['undici'] as const;

/** How a client behaves. */
export interface HttpClientOptions extends HttpConnectionOptions {
  /** Default `undici`. */
  readonly implementation?: HttpImplementation;
}

/**
 * Makes a client for requests on the hot path.
 *
 * @throws AIBENCH_CONNECTION where nothing can be reached there, AIBENCH_INPUT where the file of authorities cannot be read
 */
export async function openHttpClient(address: HttpAddress, options: HttpClientOptions): Promise<HttpClient> {
  const connection = new HttpConnection(address, options);
  return {
    address: connection.address,
    route: ({ method, path, headers = {} }) => ({
      send(body) {
        if (body === undefined || body instanceof Uint8Array)
          return connection.send({ method, path, headers, ...(body === undefined ? {} : { body }) });
        const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
        return connection.send({
          method,
          path,
          headers: { ...headers, 'content-length': `${length}` },
          body,
        });
      },
    }),
    backlogBytes: () => undefined,
    close: () => connection.close(),
  };
}
