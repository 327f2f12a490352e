import type { Readable } from 'node:stream';
import type { FlagValues } from '../cli/flags.js';
import type { WindowResult } from '../result/run-result.js';
import type { Runner, ServerDescription } from '../runner.js';
import type { loadFlags } from './load-flags.js';
import type { PrintedAnswer } from './thread-messages.js';

/** One run, as the command line or a plan asks for it. */
export interface BenchmarkOptions {
  readonly runner: Runner;
  /** URL of the module that exports it; load threads import it. */
  readonly runnerUrl: string;
  /** The runner's own flags. */
  readonly runnerFlags: Readonly<Record<string, unknown>>;
  readonly load: FlagValues<typeof loadFlags>;
  /** Every flag by its name, for the record. */
  readonly recordedFlags: Readonly<Record<string, unknown>>;
  readonly suiteVersion: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Aborted to end the run early; what was measured so far is the result. */
  readonly signal: AbortSignal;
  /** How long a run that was told to end waits for answers that are still out, ms. Default 5,000. */
  readonly drainLimitMs?: number;
  /** Who answers, told before the load starts. */
  onServer?(server: ServerDescription): void;
  /** Each reporting period, as it ends. */
  onWindow?(window: WindowResult, totalAnswered: number): void;
  onAnswers?(answers: readonly PrintedAnswer[]): void;
  /** Something that the user should know and that does not end the run. */
  onWarning?(line: string): void;
}
