import type { Random } from '@aibench/core';
import type { DelayDistribution } from './delay-distribution.js';
import type { PreciseTimer } from './precise-timer.js';
import { releaseTime, type StallOptions } from './stall-schedule.js';

/** When answers are given. */
export interface ServiceOptions {
  /** How long each takes, computing included; undefined leaves it at the computing. */
  readonly delay: DelayDistribution | undefined;
  readonly stall: StallOptions;
  /** How many are served at once, the others waiting in order; 0 is no limit. */
  readonly concurrency: number;
  /** Draws the delays; the same seed gives the same ones, in the order of service. */
  readonly random: Random;
  readonly timer: PreciseTimer;
}

/** What a piece of work gave. */
export interface Served<T> {
  readonly value: T;
  /** From the start of its service to its release in ms; 0 where the work was passed straight through. */
  readonly heldMs: number;
}

/**
 * A service desk: work is served in order of arrival, at most so many pieces at
 * once, each for its service time, and handed out unless the desk is stalled.
 */
export class ServiceQueue {
  /** Whether work passes straight through: no delay, no stall, no limit. */
  readonly isImmediate: boolean;
  readonly #options: ServiceOptions;
  readonly #waiting: (() => void)[] = [];
  #nextWaiting = 0;
  #inService = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { delay, stall, concurrency } = options;
    this.isImmediate = delay === undefined && stall.stallMs === 0 && concurrency === 0;
  }

  /** Pieces of work that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length - this.#nextWaiting;
  }

  /**
   * Does the work in its turn and hands out its result when its service time is over.
   *
   * @throws what the work throws, after the same time
   */
  async serve<T>(work: () => Promise<T>): Promise<Served<T>> {
    if (this.isImmediate) return { value: await work(), heldMs: 0 };
    await this.#turn();
    const { delay, random, timer } = this.#options;
    const startMs = timer.now();
    const dueMs = startMs + (delay?.draw(random) ?? 0);
    try {
      const value = await work();
      await this.#release(dueMs);
      return { value, heldMs: timer.now() - startMs };
    } catch (error) {
      await this.#release(dueMs);
      throw error;
    } finally {
      this.#inService -= 1;
      this.#callNext();
    }
  }

  async #turn(): Promise<void> {
    const { concurrency } = this.#options;
    if (concurrency > 0 && this.#inService >= concurrency) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return; // counted by #callNext, so that nobody who comes later takes the place
    }
    this.#inService += 1;
  }

  #callNext(): void {
    const next = this.#waiting[this.#nextWaiting];
    if (next === undefined) return;
    this.#nextWaiting += 1;
    this.#inService += 1;
    if (this.#nextWaiting * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#nextWaiting);
      this.#nextWaiting = 0;
    }
    next();
  }

  async #release(dueMs: number): Promise<void> {
    const { timer, stall } = this.#options;
    for (;;) {
      const nowMs = timer.now();
      const releaseMs = releaseTime(Math.max(dueMs, nowMs), stall);
      if (releaseMs <= nowMs) return;
      await new Promise<void>((resolve) => timer.at(releaseMs, resolve));
    }
  }
}
