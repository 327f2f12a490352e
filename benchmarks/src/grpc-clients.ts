import { connect } from 'node:http2';
import { type GrpcImplementation, openGrpcClient } from '@aibench/grpc';

/** Sends one message and waits for its answer. */
export type Call = (message: Uint8Array) => Promise<Uint8Array>;

/** The clients that are compared, by name. */
export const grpcClients: Readonly<
  Record<string, (host: string, port: number, path: string) => Promise<Call>>
> = {
  'own client': (host, port, path) => ours(host, port, path, 'own'),
  '@grpc/grpc-js': (host, port, path) => ours(host, port, path, 'grpc-js'),
  'node:http2': framedByHand,
};

async function ours(
  host: string,
  port: number,
  path: string,
  implementation: GrpcImplementation,
): Promise<Call> {
  const client = await openGrpcClient({ host, port }, { flag: 'host', timeoutMs: 20_000, implementation });
  const method = client.method(path);
  return (message) => method.call(message);
}

/** What gRPC has to do at the least over node:http2: a prefix before the message, and the status looked at. */
async function framedByHand(host: string, port: number, path: string): Promise<Call> {
  const session = connect(`http://${host}:${port}`);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  const headers = {
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    'grpc-timeout': '20000m',
  };
  return (message) =>
    new Promise((resolve, reject) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.byteLength, 1);
      const request = session.request(headers);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', reject);
      request.on('trailers', (trailers) => {
        if (trailers['grpc-status'] === '0') resolve(Buffer.concat(chunks).subarray(5));
        else reject(new Error(`status ${trailers['grpc-status']}`));
      });
      request.write(prefix);
      request.end(message);
    });
}
