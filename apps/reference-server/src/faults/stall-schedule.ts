/** When no inference is answered. */
export interface StallOptions {
  /** Length of a stall in ms; 0 is none. */
  readonly stallMs: number;
  /** From the beginning of one stall to the beginning of the next, in ms; greater than the length. */
  readonly everyMs: number;
  /** When the schedule begins, on the clock of the times given; the first stall is one period later. */
  readonly startMs: number;
}

/**
 * When an answer that is ready at `readyMs` may go out: at once, or at the end
 * of the stall that it falls into.
 */
export function releaseTime(readyMs: number, { stallMs, everyMs, startMs }: StallOptions): number {
  if (stallMs === 0) return readyMs;
  const periods = Math.floor((readyMs - startMs) / everyMs);
  if (periods < 1) return readyMs;
  const stallEndMs = startMs + periods * everyMs + stallMs;
  return Math.max(readyMs, stallEndMs);
}
