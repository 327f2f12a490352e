import { Presets, SingleBar } from 'cli-progress';

/** A long job's progress. */
export interface Progress {
  /** @param done units done so far, never falling */
  update(done: number): void;
  /** Ends the line. */
  finish(): void;
}

/** What is counted and where it is shown. */
export interface ProgressOptions {
  /** What is going on: `generating`. */
  readonly label: string;
  /** What is counted: `rows`. */
  readonly unit: string;
  /** How many there will be. Default: unknown, then only count and rate are shown. */
  readonly total?: number | undefined;
  /** Where to draw. Default: stderr. */
  readonly stream?: NodeJS.WriteStream;
  /** Draws nothing. Default false. */
  readonly quiet?: boolean;
}

/** A bar with rate and time left on a terminal; nothing where the output goes to a file or a pipe. */
export function createProgress(options: ProgressOptions): Progress {
  const { label, unit, total, stream = process.stderr, quiet = false } = options;
  if (quiet || !stream.isTTY) return { update: () => undefined, finish: () => undefined };
  const known = total !== undefined && total > 0;
  const format = known
    ? `${label} {bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | ETA {eta_formatted}`
    : `${label} {value} ${unit} | {rate}/s | {duration_formatted}`;
  const bar = new SingleBar(
    { format, stream, hideCursor: true, clearOnComplete: false, fps: 5 },
    Presets.shades_classic,
  );
  const startMs = performance.now();
  const rate = (done: number) => Math.round(done / Math.max((performance.now() - startMs) / 1000, 1e-3));
  bar.start(known ? total : Number.MAX_SAFE_INTEGER, 0, { rate: 0 });
  return {
    update: (done) => bar.update(done, { rate: rate(done) }),
    finish: () => bar.stop(),
  };
}
