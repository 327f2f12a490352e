/**
 * Every failure that this suite foresees, by a code that stays stable across
 * versions: scripts may match on it, messages may change.
 */
export type ErrorCode =
  /** The command line or a setting is wrong; nothing was started. */
  | 'AIBENCH_USAGE'
  /** Input is missing, unreadable, empty, cut off or not of the stated form. */
  | 'AIBENCH_INPUT'
  /** Output could not be written: disk full, no permission, reader gone. */
  | 'AIBENCH_OUTPUT'
  /** A server could not be reached, or the connection to it was lost. */
  | 'AIBENCH_CONNECTION'
  /** A server answered with an error of its own. */
  | 'AIBENCH_SERVER'
  /** A server answered, but not with what the protocol or the model calls for. */
  | 'AIBENCH_ANSWER'
  /** A server did not answer within the limit. */
  | 'AIBENCH_TIMEOUT'
  /** An answer differs from the expected one (`--verify`). */
  | 'AIBENCH_MISMATCH'
  /** A key that the run needs is not in the store. */
  | 'AIBENCH_MISSING_KEY'
  /** A load thread ended by itself. */
  | 'AIBENCH_THREAD'
  /** The books of a run don't balance: a fault of the measurement. */
  | 'AIBENCH_CONSERVATION'
  /** The client was the limit of a run, and `--fail-if-client-bound` was given. */
  | 'AIBENCH_CLIENT_BOUND'
  /** The run was interrupted by a signal. */
  | 'AIBENCH_INTERRUPTED'
  /** Something failed in a way that nobody foresaw: a bug here or in a runner. */
  | 'AIBENCH_UNKNOWN';

/** What an {@link AibenchError} carries beside its message. */
export interface ErrorDetails {
  /** What the user can do, one clause, naming the flag: `pass --seed`. Default: none. */
  readonly hint?: string | undefined;
  /**
   * What tells failures of one code apart when they are counted: the status that a protocol gives it, `NOT_FOUND` or
   * `503`. Default: none.
   */
  readonly status?: string | undefined;
  /** The error underneath. Default: none. */
  readonly cause?: unknown;
}

/**
 * A failure that can be shown to a user as it is. The message says what went
 * wrong and where (file, row, host); the hint says which flag helps.
 */
export class AibenchError extends Error {
  override readonly name = 'AibenchError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** The status that a server's protocol gives this failure; see {@link ErrorDetails.status}. */
  readonly status: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.status = details.status;
  }
}

/** Exit statuses of every binary of the suite. */
export const exitCode = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The exit status that an error ends a binary with: 2 for usage, 130 for an interrupt, otherwise 1. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AibenchError)) return exitCode.failed;
  if (error.code === 'AIBENCH_USAGE') return exitCode.usage;
  if (error.code === 'AIBENCH_INTERRUPTED') return exitCode.interrupted;
  return exitCode.failed;
}

/** One line that tells what went wrong and, where known, what helps: `message (hint)`. Never empty. */
export function errorLine(error: unknown): string {
  const hint = error instanceof AibenchError && error.hint !== undefined ? ` (${error.hint})` : '';
  return `${messageOf(error)
    .trim()
    .replaceAll(/\s*[\r\n]\s*/g, ' ')}${hint}`;
}

/** Node's own errors may have no message: a connection refused on all of a host's addresses is one. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
