import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { encodeGrpcMessage, GrpcError, grpcStatus } from './grpc-error.js';
import type { GrpcService } from './grpc-port.js';
import { parseGrpcTimeout } from './grpc-timeout.js';

/** Bytes in front of a message: a flag for compression, its length. */
const prefixBytes = 5;

/** One call, from its headers to its status. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #service: GrpcService;
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  /** Of the message and its prefix; known with the first 5 bytes. */
  #expectedBytes = Number.POSITIVE_INFINITY;
  #isAnswered = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, service: GrpcService) {
    this.#stream = stream;
    this.#service = service;
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#isAnswered = true;
      clearTimeout(this.#deadline);
    });
    if (headers[':method'] !== 'POST' || !headers['content-type']?.startsWith('application/grpc')) {
      this.#isAnswered = true;
      stream.respond({ ':status': 415, server: service.server }, { endStream: true });
      return;
    }
    const path = String(headers[':path']);
    const handler = service.handlers.get(path);
    if (handler === undefined) {
      this.#fail(new GrpcError('unimplemented', `there is no method ${path} here`));
      return;
    }
    const encoding = headers['grpc-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      this.#fail(new GrpcError('unimplemented', `grpc-encoding ${String(encoding)} is not supported`));
      return;
    }
    const timeout = headers['grpc-timeout'];
    const timeoutMs = typeof timeout === 'string' ? parseGrpcTimeout(timeout) : undefined;
    if (timeoutMs !== undefined) {
      this.#deadline = setTimeout(
        () => this.#fail(new GrpcError('deadlineExceeded', 'Deadline Exceeded')),
        Math.min(timeoutMs, 2 ** 31 - 1),
      );
    }
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => void this.#answer(handler));
  }

  #receive(chunk: Buffer): void {
    if (this.#isAnswered) return;
    this.#chunks.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes < prefixBytes) return;
    if (this.#expectedBytes === Number.POSITIVE_INFINITY) {
      if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
      const lengthBytes = this.#chunks[0]!.readUInt32BE(1);
      const { maxMessageBytes } = this.#service;
      if (lengthBytes > maxMessageBytes) {
        // In the words of gRPC's C core.
        const message = `Received message larger than max (${lengthBytes} vs. ${maxMessageBytes})`;
        this.#fail(new GrpcError('resourceExhausted', message));
        return;
      }
      this.#expectedBytes = prefixBytes + lengthBytes;
    }
    if (this.#receivedBytes > this.#expectedBytes) {
      this.#fail(new GrpcError('unimplemented', 'a unary call has one message'));
    }
  }

  async #answer(handler: (request: Uint8Array) => Uint8Array | Promise<Uint8Array>): Promise<void> {
    if (this.#isAnswered) return;
    try {
      const answer = handler(this.#message());
      this.#succeed(answer instanceof Promise ? await answer : answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  #message(): Buffer {
    const message = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    if (message.length !== this.#expectedBytes) {
      throw new GrpcError('internal', 'the call ended before its message did');
    }
    if (message[0] !== 0) throw new GrpcError('internal', 'a compressed message, though none was announced');
    return message.subarray(prefixBytes);
  }

  #succeed(message: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const stream = this.#stream;
    const framed = Buffer.allocUnsafe(prefixBytes + message.length);
    framed[0] = 0;
    framed.writeUInt32BE(message.length, 1);
    framed.set(message, prefixBytes);
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', server: this.#service.server },
      { waitForTrailers: true },
    );
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(framed);
  }

  #fail(error: unknown): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const known = error instanceof GrpcError ? error : undefined;
    this.#stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        server: this.#service.server,
        'grpc-status': grpcStatus[known?.status ?? 'internal'],
        'grpc-message': encodeGrpcMessage((error as Error).message),
      },
      { endStream: true },
    );
    // The rest of the request is of no use to anyone.
    this.#chunks = [];
    this.#stream.resume();
  }
}
