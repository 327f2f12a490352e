import { describe, expect, it, vi } from 'vitest';
import { unlessAborted, within } from './time-limit.js';

const never = new Promise<never>(() => undefined);
const late = () => new Error('late');

describe('within', () => {
  it('settles with the work, or fails when the work takes too long', async () => {
    expect(await within(Promise.resolve(7), 60_000, late)).toBe(7);
    await expect(within(Promise.reject(new Error('work')), 60_000, late)).rejects.toThrow('work');
    await expect(within(never, 1, late)).rejects.toThrow('late');
  });

  it('waits for as long as it is told, even if no timer can', async () => {
    vi.useFakeTimers();
    try {
      const outcome = vi.fn();
      within(never, 1e15, late).catch(outcome);
      await vi.advanceTimersByTimeAsync(1e9);
      expect(outcome).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('unlessAborted', () => {
  const { signal } = new AbortController();

  it('settles with the work where nothing is aborted', async () => {
    expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('work')), signal)).rejects.toThrow('work');
  });

  it('fails as interrupted when the signal comes during the work or came before it', async () => {
    const interrupted = expect.objectContaining({ code: 'AIBENCH_INTERRUPTED' });
    const abort = new AbortController();
    const waiting = unlessAborted(never, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toEqual(interrupted);
    await expect(unlessAborted(never, abort.signal)).rejects.toEqual(interrupted);
    await expect(unlessAborted(Promise.reject(new Error('lost')), abort.signal)).rejects.toEqual(interrupted);
  });
});
