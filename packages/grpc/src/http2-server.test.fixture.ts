import { createServer, type Http2Session, type ServerHttp2Stream, type ServerOptions } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterwards } from '@aibench/testing';
import type { GrpcAddress } from './grpc-address.js';

/** A server by node:http2, for what a gRPC library would not do of itself. */
export interface Http2Server extends GrpcAddress {
  readonly sessions: readonly Http2Session[];
  stop(): Promise<void>;
}

/** What a call has sent, and how to answer it. */
export interface Http2Call {
  readonly stream: ServerHttp2Stream;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The request's message, without its prefix. */
  readonly message: Buffer;
}

/** Starts a server that gets every whole request; it is stopped after the test. */
export async function startHttp2Server(
  options: ServerOptions,
  onCall: (call: Http2Call) => void,
): Promise<Http2Server> {
  const server = createServer(options);
  const sessions: Http2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => onCall({ stream, headers, message: Buffer.concat(chunks).subarray(5) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stopNow = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  const stop = afterwards({ stop: stopNow, stopNow });
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, sessions, stop };
}

/** A message with its prefix. */
export function prefixed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Answers as gRPC does: headers, a message, trailers. */
export function answer(
  stream: ServerHttp2Stream,
  message: Uint8Array,
  trailers: Record<string, string> = { 'grpc-status': '0' },
): void {
  if (stream.destroyed) return;
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(prefixed(message));
}
