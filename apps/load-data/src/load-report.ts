import { createProgress, type Progress, writeStdout } from '@aibench/harness/cli';

/** Where a load stands. */
export interface LoadReportOptions {
  /** Commands carried out so far. */
  readonly commands: () => number;
  /** Commands that there will be, where that is known. */
  readonly totalCommands: number | undefined;
  /** Time between lines in ms; 0 for none. */
  readonly periodMs: number;
  /** Whether lines are written to stdout; otherwise a bar is drawn where stderr is a terminal. */
  readonly lines: boolean;
  readonly stderr: NodeJS.WriteStream;
}

const header = 'time (ns),total commands,instantaneous commands/s,overall commands/s\n';
const barPeriodMs = 200;

/**
 * Tells how a load goes: on stdout a line per period, in the Go suite's format
 * (Unix time in ns, commands, rate since the last line, rate since the start);
 * for a person at a terminal a bar on stderr.
 */
export class LoadReport {
  readonly #options: LoadReportOptions;
  readonly #bar: Progress;
  readonly #startMs = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  #lastMs = this.#startMs;
  #lastCommands = 0;
  #failure: unknown;

  constructor(options: LoadReportOptions) {
    this.#options = options;
    const { lines, stderr, totalCommands } = options;
    this.#bar = createProgress({
      label: 'loading',
      unit: 'commands',
      total: totalCommands,
      stream: stderr,
      quiet: lines && process.stdout.isTTY,
    });
    this.#timers.push(setInterval(() => this.#bar.update(options.commands()), barPeriodMs));
    if (!lines || options.periodMs === 0) return;
    this.#write(header);
    this.#timers.push(setInterval(() => this.#writeLine(), options.periodMs));
  }

  /** Why stdout cannot be written any more; undefined while it can. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Time since the start in ms. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  /** Ends the bar and the lines. */
  finish(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#bar.update(this.#options.commands());
    this.#bar.finish();
  }

  #writeLine(): void {
    const commands = this.#options.commands();
    const nowMs = performance.now();
    const instantaneous = rate(commands - this.#lastCommands, nowMs - this.#lastMs);
    const overall = rate(commands, nowMs - this.#startMs);
    this.#lastMs = nowMs;
    this.#lastCommands = commands;
    this.#write(`${BigInt(Date.now()) * 1_000_000n},${commands},${instantaneous},${overall}\n`);
  }

  #write(text: string): void {
    writeStdout(text).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }
}

/** A rate per second with two decimals; 0.00 where no time has passed. */
function rate(count: number, elapsedMs: number): string {
  return (elapsedMs > 0 ? (count / elapsedMs) * 1_000 : 0).toFixed(2);
}
