import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

/** A message of a .proto, as the generated code has it. */
interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** What a call gave. */
export interface GrpcReply {
  readonly message: Buffer;
  readonly metadata: Record<string, unknown>;
}

/** Calls methods through gRPC's own client for Node. */
export class GrpcCaller {
  readonly #client: Client;

  /** @param ca a certificate to trust; default: no TLS */
  constructor(address: string, ca?: Buffer) {
    this.#client = new Client(
      address,
      ca === undefined ? credentials.createInsecure() : credentials.createSsl(ca),
      { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 },
    );
    onTestFinished(() => this.#client.close());
  }

  /**
   * Calls with bytes.
   *
   * @throws grpc-js's error, with `code` and `details`
   */
  callBytes(path: string, message: Uint8Array, timeoutMs = 20_000): Promise<GrpcReply> {
    return new Promise((resolve, reject) => {
      let metadata: Record<string, unknown> = {};
      const call = this.#client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => bytes,
        message,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, answer?: Buffer) => {
          if (error !== null) reject(error);
          else resolve({ message: answer!, metadata });
        },
      );
      call.on('metadata', (headers: Metadata) => {
        metadata = headers.getMap();
      });
    });
  }

  /** Calls with a message. */
  async call<Req, Res>(
    path: string,
    request: MessageCodec<Req>,
    response: MessageCodec<Res>,
    message: Req,
  ): Promise<Res> {
    const reply = await this.callBytes(path, request.encode(message).finish());
    return response.decode(reply.message);
  }
}
