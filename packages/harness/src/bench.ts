import { AibenchError, type ErrorCode, exitCode } from '@aibench/core';
import type { FlagSet, FlagValues } from './cli/flags.js';
import type { ClientVerdict } from './client/client-verdict.js';
import type { BenchmarkOptions } from './engine/benchmark-options.js';
import type { loadFlags } from './engine/load-flags.js';
import type { Outcome, RunResult } from './result/run-result.js';

type LoadValues = FlagValues<typeof loadFlags>;

/** A runner's binary at work: what a single run, a search and a sweep are made with. */
export interface Bench {
  readonly load: LoadValues;
  readonly runnerFlags: Readonly<Record<string, unknown>>;
  /** The runner's own flags. */
  readonly runnerSet: FlagSet;
  /** Names of the flags that the user gave. */
  readonly given: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  /** Writes a line for the user to see while the work goes on; none with `--quiet`. */
  progress(line: string): void;
  /** Writes a line on stderr, the binary's name in front. */
  say(line: string): void;
  /** One run, calibrated where the user wants that. */
  run(
    load: LoadValues,
    runnerFlags: Readonly<Record<string, unknown>>,
    events?: Pick<BenchmarkOptions, 'onWindow'>,
  ): Promise<RunResult>;
}

/** What decides on the status that a binary ends with, beside errors. */
export interface Ending {
  readonly outcome: Pick<Outcome, 'kind' | 'reason' | 'code'>;
  readonly client: Pick<ClientVerdict, 'clientBound' | 'reasons'>;
}

/**
 * The status of work that gave a result.
 *
 * @param failIfClientBound as the user set it
 * @throws the reason, as an error, where it did not complete; AIBENCH_CLIENT_BOUND where that counts as failed
 */
export function statusOf({ outcome, client }: Ending, failIfClientBound: boolean): number {
  if (outcome.kind !== 'completed') {
    throw new AibenchError((outcome.code ?? 'AIBENCH_SERVER') as ErrorCode, outcome.reason ?? outcome.kind);
  }
  if (failIfClientBound && client.clientBound) {
    throw new AibenchError('AIBENCH_CLIENT_BOUND', `the client was the limit: ${client.reasons[0]}`);
  }
  return exitCode.ok;
}
