import { AibenchError } from '@aibench/core';

/** The least time that opening a session or describing a server may take, however short `--request-timeout` is. */
const shortestSetUpLimitMs = 5_000;

/** How long setting up may take where an answer may take `requestTimeoutMs`: connecting is slower than asking. */
export function setUpLimitMs(requestTimeoutMs: number): number {
  return Math.max(requestTimeoutMs, shortestSetUpLimitMs);
}

/** The longest wait that setTimeout takes: above 2^31 - 1 ms it does not wait at all. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Waits for some work for a while. Work that is late goes on unheeded, and may
 * fail without consequence.
 *
 * @throws what `late` makes, when `limitMs` have passed first
 */
export async function within<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(limitMs, longestTimerMs));
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for some work unless the run is interrupted. The work goes on unheeded then.
 *
 * @throws AIBENCH_INTERRUPTED when the signal comes, or had come, first
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new AibenchError('AIBENCH_INTERRUPTED', 'interrupted', { cause: signal.reason }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
