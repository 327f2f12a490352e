import { AibenchError, unreachableReasons, untrustedCertificateCodes } from '@aibench/core';
import { ReplySyntaxError } from './reply-scanner.js';

/** What a connection error's hint refers to. */
export interface ConnectionErrorContext {
  /** `host:port`. */
  readonly address: string;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
  /** The flag that names the server: `--redis-host`. */
  readonly flag: string;
  /** True until the server has answered for the first time. */
  readonly connecting: boolean;
}

const lost = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

/** A failure of a connection, in the suite's terms; an AibenchError stays what it is. */
export function connectionError(context: ConnectionErrorContext, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { address, flag, connecting } = context;
  const { code = '', message = '', name = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  if (name === 'ReplyError') return answeredError(address, message, cause);
  if (cause instanceof ReplySyntaxError || message.includes('Unknown RESP type')) {
    return new AibenchError('AIBENCH_ANSWER', `${address} does not speak the Redis protocol`, {
      hint: context.tls ? `see ${flag}` : `see ${flag}; a server that expects TLS is written rediss://`,
      cause,
    });
  }
  if (untrustedCertificateCodes.has(code)) {
    return new AibenchError(
      'AIBENCH_CONNECTION',
      `${address} shows a certificate that is not trusted: ${message}`,
      {
        hint: '--tls-ca names the authority that signed it, --tls-insecure takes any certificate',
        cause,
      },
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new AibenchError('AIBENCH_CONNECTION', `${address} does not speak TLS as expected`, {
      hint: `a server without TLS is written redis:// in ${flag}`,
      cause,
    });
  }
  if (code in unreachableReasons) {
    return new AibenchError(
      'AIBENCH_CONNECTION',
      `cannot connect to Redis at ${address}: ${unreachableReasons[code]}`,
      {
        hint: `is it running? see ${flag}`,
        cause,
      },
    );
  }
  if (message.startsWith('Socket timeout')) {
    return new AibenchError('AIBENCH_TIMEOUT', `${address} did not answer in time`, { cause });
  }
  if (!connecting) {
    return new AibenchError('AIBENCH_CONNECTION', `the connection to Redis at ${address} was lost`, {
      cause,
    });
  }
  const reason = lost.has(code) || message.includes('closed') ? 'it closed the connection' : message;
  return new AibenchError('AIBENCH_CONNECTION', `cannot connect to Redis at ${address}: ${reason}`, {
    hint: context.tls ? `see ${flag}` : `see ${flag}; a server that expects TLS is written rediss://`,
    cause,
  });
}

/** An error that a server answered with, in the suite's terms. */
export function answeredError(address: string, text: string, cause?: unknown): AibenchError {
  if (/^(WRONGPASS|NOAUTH|ERR invalid password|ERR (Client sent )?AUTH|.*for 'auth' command)/i.test(text)) {
    return new AibenchError('AIBENCH_SERVER', `${address} refuses the login: ${text}`, {
      hint: 'user and password are part of the address: redis://user:password@host:port',
      cause,
    });
  }
  const kind = text.split(' ', 1)[0]!;
  const hint =
    kind === 'MOVED' || kind === 'ASK' ? 'it is a node of a Redis Cluster: pass --cluster-mode' : undefined;
  return new AibenchError('AIBENCH_SERVER', `${address} answered: ${text}`, { hint, cause });
}
