import { AibenchError, unreachableReasons, untrustedCertificateCodes } from '@aibench/core';
import { Http2Error } from './http2-protocol.js';

/** What a connection's errors refer to. */
export interface ConnectionContext {
  /** `host:port`. */
  readonly address: string;
  /** The flag that names the server. */
  readonly flag: string;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
}

/** The peer's first bytes are not HTTP/2's; they say what else it may be. */
export class NotHttp2Error extends Error {
  override readonly name = 'NotHttp2Error';
  readonly firstBytes: Buffer;

  constructor(firstBytes: Buffer) {
    super('the peer does not speak HTTP/2');
    this.firstBytes = firstBytes;
  }
}

const unreachable: Readonly<Record<string, string>> = {
  ...unreachableReasons,
  ETIMEDOUT: 'the connection timed out',
};

/** Why connecting has failed, in one line. Always AIBENCH_CONNECTION, but for an AibenchError, which stays what it is. */
export function connectError(context: ConnectionContext, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { address, flag, tls } = context;
  const scheme = tls
    ? `a server without TLS is written grpc:// in ${flag}`
    : `see ${flag}; a server that expects TLS is written grpcs://`;
  const failed = (message: string, hint: string) =>
    new AibenchError('AIBENCH_CONNECTION', message, { hint, cause });
  if (cause instanceof NotHttp2Error) {
    const found = protocolOf(cause.firstBytes);
    if (found === 'TLS')
      return failed(`${address} expects TLS`, `a server with TLS is written grpcs:// in ${flag}`);
    const told = found === undefined ? 'does not speak gRPC' : `speaks ${found}, not gRPC`;
    return failed(`${address} ${told}`, `is it the port for gRPC? see ${flag}`);
  }
  const { code = '', message = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  if (untrustedCertificateCodes.has(code)) {
    return failed(
      `${address} shows a certificate that is not trusted: ${message}`,
      '--tls-ca names the authority that signed it, --tls-insecure takes any certificate',
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return failed(`${address} does not speak TLS as expected`, scheme);
  }
  if (code in unreachable) {
    return failed(
      `cannot connect to the gRPC server at ${address}: ${unreachable[code]}`,
      `is it running? see ${flag}`,
    );
  }
  const closed = cause === undefined || code === 'ECONNRESET' || code === 'EPIPE';
  const reason = closed ? 'it closed the connection' : message;
  return failed(`cannot connect to the gRPC server at ${address}: ${reason}`, scheme);
}

/**
 * Why a connection that worked has ended: AIBENCH_ANSWER where the peer broke
 * the protocol, AIBENCH_CONNECTION where the connection was lost.
 */
export function lostError({ address }: ConnectionContext, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  if (cause instanceof Http2Error) {
    return new AibenchError('AIBENCH_ANSWER', `${address} breaks HTTP/2: ${cause.message} (${cause.code})`, {
      status: 'INTERNAL',
      cause,
    });
  }
  return new AibenchError('AIBENCH_CONNECTION', `the connection to ${address} was lost`, { cause });
}

/** What a peer's first bytes look like. */
function protocolOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  if (text.startsWith('HTTP/1')) return 'HTTP/1';
  if (/^[-+]\w/.test(text)) return 'the Redis protocol';
  // A TLS alert or handshake record (RFC 8446, section 5.1).
  if ((bytes[0] === 21 || bytes[0] === 22) && bytes[1] === 3) return 'TLS';
  return undefined;
}
