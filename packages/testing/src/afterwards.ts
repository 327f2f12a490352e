/** How to undo what a test has started. */
export interface Cleanup {
  /** Undoes it; called once, after the test or after the file's tests. */
  stop(): void | Promise<void>;
  /** Undoes it at once, when the process ends without {@link stop} having been called. */
  stopNow(): void;
}

// Benchmarks use this package too, and Vitest can only be loaded inside one of its runs.
const vitest = process.env['VITEST'] === undefined ? undefined : await import('vitest');

const pending = new Set<Cleanup>();
process.on('exit', () => {
  for (const cleanup of pending) cleanup.stopNow();
});

/**
 * Sees to it that something started is stopped, whatever becomes of the test:
 * after the running test, or after the file's tests where it was started in a
 * `beforeAll` or while the tests are being collected; at the latest when the
 * process exits.
 *
 * @returns stops it now; may be called more than once
 */
export function afterwards(cleanup: Cleanup): () => Promise<void> {
  pending.add(cleanup);
  const stop = async () => {
    if (pending.delete(cleanup)) await cleanup.stop();
  };
  if (vitest === undefined) return stop;
  try {
    vitest.onTestFinished(stop);
  } catch {
    // Not inside a test.
    vitest.afterAll(stop);
  }
  return stop;
}
