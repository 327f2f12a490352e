import { AibenchError, type ErrorCode } from '@aibench/core';

/** The status codes of gRPC (grpc.io, "Status codes and their use in gRPC"). */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a status: `NOT_FOUND`. */
export type GrpcStatusName = keyof typeof GrpcStatus;

/** The names of the statuses, by number. */
export const grpcStatusNames = Object.keys(GrpcStatus) as readonly GrpcStatusName[];

/** What a failed call is told as: what is known of the server besides its status. */
export interface StatusContext {
  /** `host:port`. */
  readonly address: string;
  /** The flag that names the server, for hints. */
  readonly flag: string;
}

const codes: Partial<Record<GrpcStatusName, ErrorCode>> = {
  DEADLINE_EXCEEDED: 'AIBENCH_TIMEOUT',
  UNAVAILABLE: 'AIBENCH_CONNECTION',
};

/** Longer messages of a server are cut: some send the whole of a stack. */
const longestMessage = 1_000;

/**
 * The error for a status that a server has answered with: AIBENCH_TIMEOUT for
 * DEADLINE_EXCEEDED, AIBENCH_CONNECTION for UNAVAILABLE, else AIBENCH_SERVER. A
 * number that gRPC doesn't know counts as UNKNOWN, as the protocol says.
 */
export function statusError(
  { address, flag }: StatusContext,
  status: number,
  message: string,
  cause?: unknown,
): AibenchError {
  const name = grpcStatusNames[status] ?? 'UNKNOWN';
  const told = message.length > longestMessage ? `${message.slice(0, longestMessage)}...` : message;
  const hint = name === 'UNIMPLEMENTED' ? `is it the right kind of server? see ${flag}` : undefined;
  return new AibenchError(
    codes[name] ?? 'AIBENCH_SERVER',
    `${address} answered ${name}${told === '' ? '' : `: ${told}`}`,
    { status: name, hint, cause },
  );
}

/** What answers that carry no gRPC status mean, by their HTTP status (gRPC's "HTTP to gRPC Status Code Mapping"). */
export function statusOfHttp(httpStatus: number): GrpcStatusName {
  switch (httpStatus) {
    case 400:
      return 'INTERNAL';
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'PERMISSION_DENIED';
    case 404:
      return 'UNIMPLEMENTED';
    case 429:
    case 502:
    case 503:
    case 504:
      return 'UNAVAILABLE';
    default:
      return 'UNKNOWN';
  }
}

/** What RST_STREAM's code means, by number ("PROTOCOL-HTTP2", Errors); NO_ERROR is one, since the answer was not whole. */
export function statusOfReset(errorCode: number): GrpcStatusName {
  switch (errorCode) {
    case 7:
      return 'UNAVAILABLE';
    case 8:
      return 'CANCELLED';
    case 11:
      return 'RESOURCE_EXHAUSTED';
    case 12:
      return 'PERMISSION_DENIED';
    default:
      return 'INTERNAL';
  }
}

/** The text of `grpc-message`: UTF-8, percent-encoded; what is not validly encoded stays as it is. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === '%' ? text.slice(at + 1, at + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(text.charCodeAt(at) & 0xff);
  }
  return Buffer.from(bytes).toString('utf8');
}
