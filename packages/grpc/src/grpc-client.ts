import type { MessageBytes } from '@aibench/core';
/** How one call is made. */
export interface CallOptions {
  /** How long the answer may take, ms; sent as `grpc-timeout` and kept by the client too. Default: the client's. */
  readonly timeoutMs?: number;
  /** Cancels the call; the server is told. Default: none. */
  readonly signal?: AbortSignal;
}

/** A method of a service, ready to be called. */
export interface UnaryMethod {
  /**
   * Calls the method.
   *
   * @param message the encoded request; not to be changed until the call has settled
   * @returns the encoded answer, which the caller owns
   * @throws AIBENCH_SERVER with the status' name where the server answers with one (`NOT_FOUND`), AIBENCH_TIMEOUT for
   *   DEADLINE_EXCEEDED, AIBENCH_CONNECTION for UNAVAILABLE and for a lost connection, AIBENCH_ANSWER for what is no gRPC,
   *   AIBENCH_INTERRUPTED where the signal was aborted
   */
  call(message: MessageBytes, options?: CallOptions): Promise<Uint8Array>;
}

/** A client of one gRPC server: one connection, which any number of calls share. */
export interface GrpcClient {
  /** `host:port` of the server. */
  readonly address: string;
  /** @param path `/package.Service/Method` */
  method(path: string): UnaryMethod;
  /** Bytes that were given to the socket and not yet sent; undefined where the client cannot tell. */
  backlogBytes(): number | undefined;
  /** Ends the connection; calls that are out fail. */
  close(): Promise<void>;
}
