import { AibenchError, unreachableReasons, untrustedCertificateCodes } from '@aibench/core';

/** What an error of a connection refers to. */
export interface HttpErrorContext {
  /** `host:port`. */
  readonly address: string;
  /** The flag that names the server. */
  readonly flag: string;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
  /** Whether the server has answered over this connection before, in HTTP. */
  readonly hasAnswered: boolean;
}

const unreachable: Readonly<Record<string, string>> = {
  ...unreachableReasons,
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
};
const late = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Why a request over HTTP has got no answer, in the suite's terms; an AibenchError stays what it is. */
export function httpError(context: HttpErrorContext, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { address, flag, tls, hasAnswered } = context;
  const { code = '', message = '', name = '' } = rootOf(cause);
  const failed = (text: string, hint?: string) =>
    new AibenchError('AIBENCH_CONNECTION', text, { hint, cause });
  if (code in unreachable) {
    return failed(
      `cannot connect to the HTTP server at ${address}: ${unreachable[code]}`,
      `is it running? see ${flag}`,
    );
  }
  if (untrustedCertificateCodes.has(code)) {
    return failed(
      `${address} shows a certificate that is not trusted: ${message}`,
      '--tls-ca names the authority that signed it, --tls-insecure takes any certificate',
    );
  }
  const isTlsFailure = code === 'EPROTO' || code.startsWith('ERR_SSL') || /secure TLS/.test(message);
  if (isTlsFailure) {
    return failed(
      `${address} does not speak TLS as expected`,
      `a server without TLS is written http:// in ${flag}`,
    );
  }
  const otherScheme = tls ? '' : '; a server that expects TLS is written https://';
  if (name === 'HTTPParserError') {
    return failed(
      `${address} does not speak HTTP/1`,
      `is it the port for HTTP, and not that for gRPC? see ${flag}${otherScheme}`,
    );
  }
  if (late.has(code)) {
    return new AibenchError('AIBENCH_TIMEOUT', `${address} did not answer in time`, {
      hint: 'see --request-timeout',
      cause,
    });
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new AibenchError('AIBENCH_ANSWER', `${address} sends a longer answer than is taken`, { cause });
  }
  if (hasAnswered) return failed(`the connection to ${address} was lost`);
  return failed(
    `${address} closed the connection instead of answering in HTTP/1`,
    `is it the port for HTTP? see ${flag}${otherScheme}`,
  );
}

/** The error of the operating system, or of undici, that is at the bottom of another. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  return (error ?? {}) as NodeJS.ErrnoException;
}
