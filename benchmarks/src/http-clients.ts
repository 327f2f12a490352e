import { Agent, request as nodeRequest } from 'node:http';
import type { MessageBytes } from '@aibench/core';
import { type HttpImplementation, openHttpClient, parseHttpAddress } from '@aibench/http';
import { Client } from 'undici';

/** Sends one body and waits for the answer's. */
export type Post = (body: MessageBytes) => Promise<Uint8Array>;

/** Where requests go, and what they say of themselves. */
export interface Target {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The clients that are compared, by name; each has one connection, which is kept alive. */
export const httpClients: Readonly<Record<string, (target: Target) => Promise<Post>>> = {
  'own client': (target) => ours(target, 'own'),
  'undici dispatch': (target) => ours(target, 'undici'),
  'undici request': undici,
  'node:http': nodeHttp,
};

async function ours({ address, path, headers }: Target, implementation: HttpImplementation): Promise<Post> {
  const place = parseHttpAddress(address, { flag: 'address', defaultPort: 80 });
  const client = await openHttpClient(place, { flag: 'address', implementation });
  const route = client.route({ method: 'POST', path, headers });
  return async (body) => (await route.send(body)).body;
}

async function undici({ address, path, headers }: Target): Promise<Post> {
  const client = new Client(`http://${address}`);
  return async (body) => {
    const answer = await client.request({ method: 'POST', path, headers, body: joined(body) });
    return new Uint8Array(await answer.body.arrayBuffer());
  };
}

async function nodeHttp({ address, path, headers }: Target): Promise<Post> {
  const [host, port] = address.split(':');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return (body) =>
    new Promise((resolve, reject) => {
      const options = { host, port, path, method: 'POST', headers, agent };
      const request = nodeRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks)));
      });
      request.on('error', reject);
      request.end(joined(body));
    });
}

/** One piece, as most clients take it. */
function joined(body: MessageBytes): Uint8Array {
  return body instanceof Uint8Array ? body : Buffer.concat(body);
}
