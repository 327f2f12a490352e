/** Numbers of the statuses that this server answers with, as gRPC defines them. */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** A status by its name here. */
export type GrpcStatusName = Exclude<keyof typeof grpcStatus, 'ok'>;

/** A call that is answered with a status instead of a message. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly status: GrpcStatusName;

  constructor(status: GrpcStatusName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * A status message as `grpc-message` carries it: printable ASCII, the rest percent-encoded as UTF-8. So are blanks at
 * either end, which HTTP/2 does not allow in a header.
 */
export function encodeGrpcMessage(message: string): string {
  return message.replaceAll(/[^ -$&-~]+|^ +| +$/g, (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
