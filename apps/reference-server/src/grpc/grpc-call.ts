import { MessageReader, ReceiveWindow } from '@aibench/grpc/http2';
import { GrpcError } from './grpc-error.js';
import type { GrpcHandler } from './grpc-service.js';

/** Room that a call gives its client for data on the way. */
export const streamWindowBytes = 4 * 1024 * 1024;

/** One call, from its headers to its answer. */
export class GrpcCall {
  readonly streamId: number;
  readonly handler: GrpcHandler;
  /** How long the client waits, ms; undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** What the client has added to the window with which its stream began. */
  grantedBytes = 0;
  deadline: NodeJS.Timeout | undefined;
  readonly #body: MessageReader;
  readonly #maxMessageBytes: number;
  readonly #window = new ReceiveWindow(streamWindowBytes);

  constructor(
    streamId: number,
    handler: GrpcHandler,
    timeoutMs: number | undefined,
    maxMessageBytes: number,
  ) {
    this.streamId = streamId;
    this.handler = handler;
    this.timeoutMs = timeoutMs;
    this.#maxMessageBytes = maxMessageBytes;
    this.#body = new MessageReader(maxMessageBytes);
  }

  /**
   * Takes a part of the request.
   *
   * @returns what the window is to be given back now, mostly 0
   * @throws GrpcError for what is no unary request, Http2Error for more than the window
   */
  receive(bytes: Buffer, start: number, end: number, windowBytes: number): number {
    const due = this.#window.take(windowBytes);
    const fault = this.#body.push(bytes, start, end);
    switch (fault) {
      case undefined:
        return due;
      case 'tooLong':
        // In the words of gRPC's C core.
        throw new GrpcError(
          'resourceExhausted',
          `Received message larger than max (${this.#body.lengthBytes} vs. ${this.#maxMessageBytes})`,
        );
      case 'compressed':
        throw new GrpcError('internal', 'a compressed message, though none was announced');
      case 'notOne':
        throw new GrpcError('unimplemented', 'a unary call has one message');
    }
  }

  /** The request, once all of it has come. @throws GrpcError where it is cut off */
  get message(): Buffer {
    const { message } = this.#body;
    if (message === undefined) throw new GrpcError('internal', 'the call ended before its message did');
    return message;
  }
}
