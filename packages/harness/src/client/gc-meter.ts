import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** Pauses that garbage collection made. */
export interface GcPauses {
  readonly count: number;
  readonly totalMs: number;
  readonly longestMs: number;
}

/** Kinds of collection, as V8 tells them apart. */
export const gcKinds = ['minor', 'major', 'incremental', 'weak-callbacks', 'other'] as const;

/** One of {@link gcKinds}. */
export type GcKind = (typeof gcKinds)[number];

/** All pauses, and those of each kind that occurred. */
export interface GcObservation extends GcPauses {
  readonly byKind: Readonly<Partial<Record<GcKind, GcPauses>>>;
}

const kindOf: Readonly<Record<number, GcKind>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak-callbacks',
};

/** Node's entries of garbage collections carry a detail that its types leave out. */
type GcEntry = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

const none: GcPauses = { count: 0, totalMs: 0, longestMs: 0 };

/**
 * Counts the garbage collections of the thread that it is made in. Node tells of
 * a collection in a later turn of the event loop, so one that happened in the
 * turn in which {@link read} is called is not in it.
 */
export class GcMeter {
  readonly #observer = new PerformanceObserver((list) => this.#add(list.getEntries()));
  #byKind = new Map<GcKind, GcPauses>();

  /** Forgets what was counted, and counts. */
  start(): void {
    this.#byKind = new Map();
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** What was counted since {@link start}. */
  read(): GcObservation {
    this.#add(this.#observer.takeRecords());
    const all = [...this.#byKind.values()].reduce(together, none);
    return { ...all, byKind: Object.fromEntries(this.#byKind) };
  }

  /** Counts no more; {@link read} still tells what was counted. */
  stop(): void {
    this.#add(this.#observer.takeRecords());
    this.#observer.disconnect();
  }

  #add(entries: readonly GcEntry[]): void {
    for (const { duration, detail } of entries) {
      const kind = kindOf[detail?.kind ?? -1] ?? 'other';
      const pause = { count: 1, totalMs: duration, longestMs: duration };
      this.#byKind.set(kind, together(this.#byKind.get(kind) ?? none, pause));
    }
  }
}

function together(a: GcPauses, b: GcPauses): GcPauses {
  return {
    count: a.count + b.count,
    totalMs: a.totalMs + b.totalMs,
    longestMs: Math.max(a.longestMs, b.longestMs),
  };
}
