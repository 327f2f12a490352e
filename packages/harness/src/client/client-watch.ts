import type { EventLoopUtilization } from 'node:perf_hooks';
import { LatencyHistogram } from '@aibench/core';
import { type LatencySummary, summarizeLatency } from '../result/latency-summary.js';
import { GcMeter, type GcObservation } from './gc-meter.js';
import { LatenessMeter } from './lateness-meter.js';
import { readThreadCpuTime } from './thread-cpu.js';

/** What one thread saw of itself between start and read: plain data, which crosses threads and goes into the result. */
export interface ClientObservation {
  readonly durationMs: number;
  /** Share of the time in which the event loop was not waiting for events, 0 to 1; polling counts as busy. */
  readonly eventLoopUtilization: number;
  /** Of that time, what was spent polling for the next due time with nothing else to do, ms. */
  readonly polledMs: number;
  /** CPU time of this thread; undefined where the system does not tell. To 10 ms before Node 23.9. */
  readonly cpu: ThreadCpuUse | undefined;
  /** How late the event loop came to a timer every 50 ms; below 1 ms it means nothing, see `LatenessMeter`. */
  readonly timerLateness: LatencySummary;
  /** How late it came to what was due by the load's own schedule, to the microsecond; empty where nothing was. */
  readonly wakeLateness: LatencySummary;
  readonly gc: GcObservation;
  /** Bytes given to sockets and not sent yet, all sessions of the thread together; undefined where none tells. */
  readonly backlog: BacklogObservation | undefined;
  /** Memory of the whole process, all threads. */
  readonly rss: RssObservation;
}

/** CPU time, in ms. */
export interface ThreadCpuUse {
  readonly userMs: number;
  readonly systemMs: number;
  /** Ready to run while other threads had the cores; undefined where the system does not tell. */
  readonly waitedMs: number | undefined;
}

/** Seen ten times a second. */
export interface BacklogObservation {
  readonly meanBytes: number;
  readonly mostBytes: number;
}

/** Resident memory; the most is seen once a second. */
export interface RssObservation {
  readonly startBytes: number;
  readonly endBytes: number;
  readonly mostBytes: number;
}

/** What a session may tell of itself; a session that has no socket of its own leaves it out. */
export interface BacklogReporter {
  /** Bytes given to its socket and not yet taken by the kernel: `socket.writableLength`. Must cost no more than reading it. */
  backlogBytes?(): number;
}

/** The backlog of all sessions that tell theirs; undefined where none does. */
export function totalBacklogBytes(sessions: Iterable<BacklogReporter>): number | undefined {
  let total: number | undefined;
  for (const session of sessions) {
    const bytes = session.backlogBytes?.();
    if (bytes !== undefined) total = (total ?? 0) + bytes;
  }
  return total;
}

/** Ticks of the lateness meter, 50 ms each, between two looks at the backlog: there may be a thousand sessions to ask. */
const ticksPerBacklog = 2;

/** And between two looks at the memory, which take a system call or three. */
const ticksPerRss = 20;

/**
 * What a thread watches of itself while it bears load, so that a run can say
 * whether its client was the limit. To be made, started and read in the thread
 * that it watches, the main thread or any other.
 *
 * It costs one short timer callback every 50 ms, measured at 15 us each: some
 * 0.03 % of a core.
 */
export class ClientWatch {
  readonly #readBacklog: () => number | undefined;
  readonly #gc = new GcMeter();
  readonly #timerLateness = new LatenessMeter(() => this.#tick());
  readonly #wakeLateness = new LatencyHistogram();
  #running = false;
  #last: ClientObservation | undefined;
  #ticks = 0;
  #startMs = 0;
  #loopAtStart: EventLoopUtilization = performance.eventLoopUtilization();
  #cpuAtStart = readThreadCpuTime();
  #polledUs = 0;
  #rssAtStart = 0;
  #mostRss = 0;
  #backlogSamples = 0;
  #backlogSum = 0;
  #mostBacklog = 0;

  /** @param readBacklog bytes that wait in this thread's sockets, see {@link totalBacklogBytes}; default: unknown */
  constructor(readBacklog: () => number | undefined = () => undefined) {
    this.#readBacklog = readBacklog;
  }

  /** Forgets what was seen, and watches. */
  start(): void {
    this.#last = undefined;
    this.#wakeLateness.reset();
    this.#polledUs = 0;
    this.#ticks = 0;
    this.#backlogSamples = 0;
    this.#backlogSum = 0;
    this.#mostBacklog = 0;
    this.#rssAtStart = process.memoryUsage.rss();
    this.#mostRss = this.#rssAtStart;
    this.#gc.start();
    this.#timerLateness.start();
    this.#cpuAtStart = readThreadCpuTime();
    this.#loopAtStart = performance.eventLoopUtilization();
    this.#startMs = performance.now();
    this.#running = true;
  }

  /** Something was due by the load's own schedule, and came this much later. For the hot path: about 50 ns. */
  noteWakeLateUs(lateUs: number): void {
    this.#wakeLateness.record(lateUs);
  }

  /** This much time went into polling for the next due time, while there was nothing else to do. */
  notePolledUs(polledUs: number): void {
    this.#polledUs += polledUs;
  }

  /** What was seen since {@link start}; all zero before it. After {@link stop}, what was seen until then. */
  read(): ClientObservation {
    if (this.#last !== undefined) return this.#last;
    const durationMs = this.#running ? performance.now() - this.#startMs : 0;
    const utilization = performance.eventLoopUtilization(this.#loopAtStart).utilization;
    const rssBytes = process.memoryUsage.rss();
    const samples = this.#backlogSamples;
    return {
      durationMs,
      eventLoopUtilization: this.#running ? utilization : 0,
      polledMs: this.#polledUs / 1_000,
      cpu: this.#cpuUse(),
      timerLateness: summarizeLatency(this.#timerLateness.read()),
      wakeLateness: summarizeLatency(this.#wakeLateness),
      gc: this.#gc.read(),
      backlog:
        samples === 0 ? undefined : { meanBytes: this.#backlogSum / samples, mostBytes: this.#mostBacklog },
      rss: {
        startBytes: this.#rssAtStart,
        endBytes: rssBytes,
        mostBytes: Math.max(this.#mostRss, rssBytes),
      },
    };
  }

  /** Watches no more. */
  stop(): ClientObservation {
    const observation = this.read();
    if (!this.#running) return observation;
    this.#last = observation;
    this.#running = false;
    this.#gc.stop();
    this.#timerLateness.stop();
    return observation;
  }

  #cpuUse(): ThreadCpuUse | undefined {
    const start = this.#cpuAtStart;
    const now = this.#running ? readThreadCpuTime() : start;
    if (start === undefined || now === undefined) return undefined;
    const { waitedMs } = now;
    return {
      userMs: now.userMs - start.userMs,
      systemMs: now.systemMs - start.systemMs,
      waitedMs:
        waitedMs === undefined || start.waitedMs === undefined ? undefined : waitedMs - start.waitedMs,
    };
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % ticksPerRss === 0) {
      this.#mostRss = Math.max(this.#mostRss, process.memoryUsage.rss());
    }
    if (this.#ticks % ticksPerBacklog !== 0) return;
    const backlog = this.#readBacklog();
    if (backlog === undefined) return;
    this.#backlogSamples += 1;
    this.#backlogSum += backlog;
    this.#mostBacklog = Math.max(this.#mostBacklog, backlog);
  }
}
