import type { TimerClock } from '../faults/precise-timer.js';

/** A clock that moves only when told to. */
export class VirtualClock implements TimerClock {
  #nowMs = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  #soon: (() => void)[] = [];
  /** How often somebody asked to be called back soon: each is a round of polling. */
  polls = 0;

  now(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, wake: () => void): () => void {
    const sleeper = { atMs: this.#nowMs + delayMs, wake };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    };
  }

  soon(wake: () => void): void {
    this.polls += 1;
    this.#soon.push(wake);
  }

  /** Lets the time go by in steps; promises settle in between. */
  async advance(durationMs: number, stepMs = 0.25): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + stepMs);
      const due = this.#sleepers.filter(({ atMs }) => atMs <= this.#nowMs);
      this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.#nowMs);
      for (const { wake } of due) wake();
      const soon = this.#soon;
      this.#soon = [];
      for (const wake of soon) wake();
      await settle();
    }
  }
}

/** Lets all promises settle that wait for nothing else. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
