import { AibenchError } from '@aibench/core';

/** How often requests failed in one way. */
export interface FailureCount {
  /** An AIBENCH_* code, or `AIBENCH_UNKNOWN` for an error that carries none. */
  readonly code: string;
  /** The status that the server's protocol gave them, `NOT_FOUND` or `503`; undefined where it has none. */
  readonly status?: string;
  readonly count: number;
  /** What the first of them said. */
  readonly firstMessage: string;
}

/** What became of the requests of one thread, or of all. sent = answered + failed + in flight. */
export interface Tally {
  readonly sent: number;
  readonly answered: number;
  /** Rows of the answered requests: as many as those, but for batches. */
  readonly answeredRows: number;
  readonly failures: readonly FailureCount[];
  /** Answers compared with the expected one. */
  readonly verified: number;
  /** Answers that differed from it; they count as answered. */
  readonly mismatched: number;
  /** Sessions opened again after a lost connection. */
  readonly reconnects: number;
  /** Requests that were sent over 1 ms after their due time. */
  readonly late: number;
  /** Those of them for which a worker had waited, so that the client itself was late. */
  readonly lateByClient: number;
}

/** Counts as requests go out and come back. */
export class TallyCounter {
  sent = 0;
  answered = 0;
  answeredRows = 0;
  verified = 0;
  mismatched = 0;
  reconnects = 0;
  late = 0;
  lateByClient = 0;
  readonly #failures = new Map<string, FailureCount>();

  failed(error: unknown): void {
    const { code, status } =
      error instanceof AibenchError ? error : { code: 'AIBENCH_UNKNOWN', status: undefined };
    const firstMessage = error instanceof Error ? error.message : String(error);
    addFailures(this.#failures, {
      code,
      ...(status === undefined ? {} : { status }),
      count: 1,
      firstMessage,
    });
  }

  read(): Tally {
    const { sent, answered, answeredRows, verified, mismatched, reconnects, late, lateByClient } = this;
    const failures = [...this.#failures.values()];
    return { sent, answered, answeredRows, failures, verified, mismatched, reconnects, late, lateByClient };
  }
}

/** Requests that failed, all ways together. */
export function failedCount({ failures }: Pick<Tally, 'failures'>): number {
  return failures.reduce((sum, { count }) => sum + count, 0);
}

/** The tally of several threads together. */
export function mergeTallies(tallies: readonly Tally[]): Tally {
  const sum = (
    key:
      | 'sent'
      | 'answered'
      | 'answeredRows'
      | 'verified'
      | 'mismatched'
      | 'reconnects'
      | 'late'
      | 'lateByClient',
  ) => tallies.reduce((total, tally) => total + tally[key], 0);
  const failures = new Map<string, FailureCount>();
  for (const failure of tallies.flatMap((tally) => tally.failures)) addFailures(failures, failure);
  return {
    sent: sum('sent'),
    answered: sum('answered'),
    answeredRows: sum('answeredRows'),
    failures: [...failures.values()],
    verified: sum('verified'),
    mismatched: sum('mismatched'),
    reconnects: sum('reconnects'),
    late: sum('late'),
    lateByClient: sum('lateByClient'),
  };
}

/** Counts failures in with those before them of the same code and status, whose first message is the one kept. */
function addFailures(failures: Map<string, FailureCount>, more: FailureCount): void {
  const way = `${more.code} ${more.status ?? ''}`;
  const earlier = failures.get(way);
  failures.set(way, earlier === undefined ? more : { ...earlier, count: earlier.count + more.count });
}
