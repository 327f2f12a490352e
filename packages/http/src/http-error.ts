import { AibenchError, unreachableReasons, untrustedCertificateCodes } from '@aibench/core';
import type { HttpAnswer } from './http-client.js';
import { HttpFault, type HttpFaultKind } from './http-fault.js';

/** What an error of a connection refers to. */
export interface HttpErrorContext {
  /** `host:port`. */
  readonly address: string;
  /** The flag that names the server. */
  readonly flag: string;
  /** The flag that says how long an answer may take; empty where none does. */
  readonly timeoutFlag: string;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
  /** Whether the server has answered over this connection before, in HTTP. */
  readonly hasAnswered: boolean;
}

const timedOut = 'the connection timed out';
const unreachable: Readonly<Record<string, string>> = { ...unreachableReasons, ETIMEDOUT: timedOut };

/** What undici's and its parser's errors say, by their codes. */
const undiciFaults: Readonly<Record<string, HttpFaultKind>> = {
  HPE_INVALID_EOF_STATE: 'closed',
  UND_ERR_BODY_TIMEOUT: 'late',
  UND_ERR_CLOSED: 'closedHere',
  UND_ERR_CONNECT_TIMEOUT: 'lateConnection',
  UND_ERR_DESTROYED: 'closedHere',
  UND_ERR_HEADERS_OVERFLOW: 'longHead',
  UND_ERR_HEADERS_TIMEOUT: 'late',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'longBody',
};

/** Why a request over HTTP has got no answer, in the suite's terms; an AibenchError stays what it is. */
export function httpError(context: HttpErrorContext, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { address, flag, timeoutFlag, tls, hasAnswered } = context;
  const { code = '', message = '' } = rootOf(cause);
  const failed = (text: string, hint?: string) =>
    new AibenchError('AIBENCH_CONNECTION', text, { hint, cause });
  const unreached = (reason: string | undefined) =>
    failed(`cannot connect to the HTTP server at ${address}: ${reason}`, `is it running? see ${flag}`);
  if (code in unreachable) return unreached(unreachable[code]);
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
  switch (faultOf(cause)) {
    case 'syntax':
      return failed(
        `${address} does not speak HTTP/1`,
        `is it the port for HTTP, and not that for gRPC? see ${flag}${otherScheme}`,
      );
    case 'lateConnection':
      return unreached(timedOut);
    case 'late':
      return new AibenchError('AIBENCH_TIMEOUT', `${address} did not answer in time`, {
        hint: timeoutFlag === '' ? undefined : `see ${timeoutFlag}`,
        cause,
      });
    case 'longHead':
    case 'longBody':
      return new AibenchError('AIBENCH_ANSWER', `${address} sends a longer answer than is taken`, { cause });
    case 'excess':
      return new AibenchError('AIBENCH_ANSWER', `${address} sends more than it was asked for`, { cause });
    case 'closedHere':
      return failed(`the connection to ${address} was closed by this side`);
    default:
      if (hasAnswered) return failed(`the connection to ${address} was lost`);
      return failed(
        `${address} closed the connection instead of answering in HTTP/1`,
        `is it the port for HTTP? see ${flag}${otherScheme}`,
      );
  }
}

/** Why an answer cannot be used whatever it says: it is compressed, though nobody has offered to take that. */
export function codingError(address: string, { headers }: HttpAnswer): AibenchError | undefined {
  const coding = headers['content-encoding'];
  if (coding === undefined || /^(?:identity)?$/i.test(String(coding))) return undefined;
  return new AibenchError(
    'AIBENCH_ANSWER',
    `${address} answers in the coding ${JSON.stringify(coding)}, which was not asked for`,
    { hint: 'compression has to be off where answers are timed' },
  );
}

function faultOf(cause: unknown): HttpFaultKind | undefined {
  if (cause instanceof HttpFault) return cause.kind;
  const { code = '', name } = rootOf(cause);
  return undiciFaults[code] ?? (name === 'HTTPParserError' ? 'syntax' : undefined);
}

/** The error of the operating system, or of undici, that is at the bottom of another. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  return (error ?? {}) as NodeJS.ErrnoException;
}
