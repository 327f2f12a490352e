import { formatDurationMs } from '@aibench/core';
import type { LatencySummary } from '../result/latency-summary.js';
import type { ClientObservation } from './client-watch.js';

/**
 * From where on a client counts as the limit of a run. Each is a share of 0 to 1
 * unless its name says otherwise.
 */
export const clientLimits = {
  /**
   * Most of the time that an event loop may be busy. By queueing theory (M/M/1) an
   * answer waits 1 / (1 - busy) times as long as it takes to handle: tenfold at 0.9.
   */
  busy: 0.9,
  /** Most of a core that one thread may use, by the same reckoning; a thread has no more than one. */
  cpu: 0.9,
  /** Most of the time that a thread may wait for a core: from here on other programs set part of the latencies. */
  waitedForCore: 0.05,
  /** How late the pacer may wake at p99, us: the engine's own goal for sends in time. */
  wakeLateUs: 1_000,
  /** The same for the timer that watches the event loop, us: 1 ms, and 1 ms that timers err by themselves. */
  timerLateUs: 2_000,
  /** How late either may be at p99 where answers take long: as a share of the service time's p50. */
  lateOfService: 0.1,
  /** Most of the time in garbage collection: more than 1 % cannot but show in p99. */
  gc: 0.02,
  /** Most sends that may come late in an open loop: as many as p99 leaves out. */
  lateSends: 0.01,
  /** Most of p50 or p99 that the client itself may need: beyond, the figure says more of it than of the server. */
  ofLatency: 0.5,
} as const;

/** Of fewer ticks than this, the 99th percentile is just the worst one, which any other program may have caused. */
export const fewestTimerTicks = 100;

/** Runs shorter than this are not judged, ms: CPU time comes in ticks of 10 ms, and garbage in bursts. */
export const shortestJudgedMs = 200;

/** For how long a thread that lost its core waits at least for the next look of the scheduler: Linux at 250 Hz. */
const schedulerSliceUs = 4_000;

/** Two quantiles of a distribution, us. */
export type LatencyPair = Pick<LatencySummary, 'p50Us' | 'p99Us'>;

/** What the verdict is made from. */
export interface ClientVerdictInput {
  /** What each load thread saw of itself, by its number. */
  readonly threads: readonly ClientObservation[];
  /** Service time of the run; undefined where nothing was measured. */
  readonly serviceTime: LatencyPair | undefined;
  /** Open loop: requests that fell due, and of them those sent more than 1 ms late by the client, and those never sent. */
  readonly sends?: { readonly due: number; readonly late: number; readonly lost: number };
  /** Service time of the same load against the null server, where `--calibrate` measured it. */
  readonly calibration?: LatencyPair;
}

/** Whether the client was the limit. */
export interface ClientVerdict {
  readonly clientBound: boolean;
  /** Why, a line each, with the figure and what helps; empty where it was not. */
  readonly reasons: readonly string[];
  /**
   * The quantile, 0 to 1, above which latencies are partly the client's own: it had no core, or collected garbage, when
   * requests were to be sent or answers came in. 1 where nothing of that kind can be seen in the latencies.
   */
  readonly trustedUpTo: number;
  /** What could not be judged and what to mind, a line each. */
  readonly notes: readonly string[];
}

/**
 * Decides whether a run measured the client in place of the server. Time that a
 * thread spent polling for the next due time counts as free, both as event-loop
 * and as CPU time: what falls due or comes in is handled at once during it.
 */
export function judgeClient(input: ClientVerdictInput): ClientVerdict {
  const judged = input.threads.map((thread, number) => judgeThread(thread, number, input.serviceTime));
  const reasons = [
    ...judged.flatMap((thread) => thread.reasons),
    ...judgeSends(input.sends),
    ...judgeCalibration(input),
  ];
  const trustedUpTo = judgeQuantiles(input);
  const notes = [
    ...notesOn(input.threads),
    ...quantileNote(input.threads, trustedUpTo),
    ...lostNote(input.sends),
  ];
  return { clientBound: reasons.length > 0, reasons, trustedUpTo, notes };
}

function judgeThread(
  thread: ClientObservation,
  number: number,
  serviceTime: LatencyPair | undefined,
): { readonly reasons: readonly string[] } {
  if (thread.durationMs < shortestJudgedMs) return { reasons: [] };
  const name = `load thread ${number}`;
  const reasons = [
    busyReason(thread, name),
    cpuReason(thread, name),
    waitReason(thread, name),
    wakeReason(thread, name, serviceTime),
    timerReason(thread, name, serviceTime),
    gcReason(thread, name),
  ];
  return { reasons: reasons.filter((reason) => reason !== undefined) };
}

function busyReason(thread: ClientObservation, name: string): string | undefined {
  const busy = thread.eventLoopUtilization - thread.polledMs / thread.durationMs;
  if (!(busy > clientLimits.busy)) return undefined;
  return `${name} was busy ${percent(busy)} of the time: raise --threads`;
}

function cpuReason({ cpu, polledMs, durationMs }: ClientObservation, name: string): string | undefined {
  if (cpu === undefined) return undefined;
  const share = (cpu.userMs + cpu.systemMs - polledMs) / durationMs;
  if (!(share > clientLimits.cpu)) return undefined;
  return `${name} used ${percent(share)} of a core: raise --threads`;
}

function waitReason({ cpu, durationMs }: ClientObservation, name: string): string | undefined {
  const share = (cpu?.waitedMs ?? 0) / durationMs;
  if (!(share > clientLimits.waitedForCore)) return undefined;
  return (
    `${name} waited ${percent(share)} of the time for a free core: ` +
    'end other programs, run the server elsewhere or lower --threads'
  );
}

function wakeReason(
  { wakeLateness }: ClientObservation,
  name: string,
  serviceTime: LatencyPair | undefined,
): string | undefined {
  const limitUs = Math.max(clientLimits.wakeLateUs, lateOfServiceUs(serviceTime));
  if (wakeLateness.count === 0 || !(wakeLateness.p99Us > limitUs)) return undefined;
  return (
    `${name} woke ${duration(wakeLateness.p99Us)} late at p99, above ${duration(limitUs)}: ` +
    'raise --threads or lower --rate'
  );
}

function timerReason(
  { timerLateness }: ClientObservation,
  name: string,
  serviceTime: LatencyPair | undefined,
): string | undefined {
  const limitUs = Math.max(clientLimits.timerLateUs, lateOfServiceUs(serviceTime));
  if (timerLateness.count < fewestTimerTicks || !(timerLateness.p99Us > limitUs)) return undefined;
  return (
    `${name}'s event loop came ${duration(timerLateness.p99Us)} late at p99, above ${duration(limitUs)}: ` +
    'raise --threads or lower --workers'
  );
}

function lateOfServiceUs(serviceTime: LatencyPair | undefined): number {
  return (serviceTime?.p50Us ?? 0) * clientLimits.lateOfService;
}

function gcReason({ gc, durationMs }: ClientObservation, name: string): string | undefined {
  const share = gc.totalMs / durationMs;
  if (!(share > clientLimits.gc)) return undefined;
  return (
    `${name} collected garbage ${percent(share)} of the time: ` +
    'raise --threads, or give it memory with NODE_OPTIONS=--max-semi-space-size=64'
  );
}

/**
 * Requests come without regard to what holds a thread up, so the share of the time that it is held up is the share of
 * the requests that are; each needs it twice, to be sent and to be received.
 */
function judgeQuantiles({ threads, serviceTime }: ClientVerdictInput): number {
  const judged = threads.filter(({ durationMs }) => durationMs >= shortestJudgedMs);
  const seenUs = (serviceTime?.p99Us ?? 0) * clientLimits.lateOfService;
  if (judged.every((thread) => longestHoldUpUs(thread) <= seenUs)) return 1;
  return Math.max(0, 1 - 2 * (meanShare(judged, waitedMs) + meanShare(judged, collectedMs)));
}

/** The longest time for which a thread was seen, or must be thought, to do nothing when there was something to do. */
function longestHoldUpUs({ cpu, gc, wakeLateness, timerLateness }: ClientObservation): number {
  // Up to its resolution, a timer's lateness means nothing.
  const timerUs = timerLateness.maxUs > clientLimits.timerLateUs ? timerLateness.maxUs : 0;
  const coreUs = (cpu?.waitedMs ?? 0) > 0 ? schedulerSliceUs : 0;
  return Math.max(gc.longestMs * 1_000, wakeLateness.maxUs, timerUs, coreUs);
}

const waitedMs = ({ cpu }: ClientObservation) => cpu?.waitedMs ?? 0;
const collectedMs = ({ gc }: ClientObservation) => gc.totalMs;

/** Threads bear equal parts of the load. */
function meanShare(
  threads: readonly ClientObservation[],
  heldUpMs: (thread: ClientObservation) => number,
): number {
  const shares = threads.map((thread) => heldUpMs(thread) / thread.durationMs);
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function quantileNote(threads: readonly ClientObservation[], trustedUpTo: number): readonly string[] {
  // Beyond p99.9 nothing is printed.
  if (trustedUpTo >= 0.999) return [];
  const which =
    trustedUpTo < 0.5 ? 'all latencies' : `latencies above p${Number((trustedUpTo * 100).toPrecision(3))}`;
  return [
    `${which} are partly the client's own: its threads waited ` +
      `${percent(meanShare(threads, waitedMs))} of the time for a free core and collected garbage ` +
      `${percent(meanShare(threads, collectedMs))}`,
  ];
}

function lostNote(sends: ClientVerdictInput['sends']): readonly string[] {
  if (sends === undefined || sends.lost === 0) return [];
  return [
    `${sends.lost} of the ${sends.due} requests that fell due were never sent; their waits are in no latency, ` +
      'so response times are lower bounds: raise --workers, or lower the rate',
  ];
}

function judgeSends(sends: ClientVerdictInput['sends']): readonly string[] {
  if (sends === undefined || sends.due === 0) return [];
  const share = sends.late / sends.due;
  if (!(share > clientLimits.lateSends)) return [];
  return [
    `${percent(share)} of the requests were not sent within 1ms of their due time: raise --threads or lower --rate`,
  ];
}

function judgeCalibration({ calibration, serviceTime }: ClientVerdictInput): readonly string[] {
  if (calibration === undefined || serviceTime === undefined) return [];
  return (['p50Us', 'p99Us'] as const).flatMap((quantile) => {
    const share = calibration[quantile] / serviceTime[quantile];
    if (!(share > clientLimits.ofLatency)) return [];
    const name = quantile.slice(0, -2);
    return [
      `the client alone takes ${duration(calibration[quantile])} of ${name} ${duration(serviceTime[quantile])} ` +
        `(${percent(share)}): raise --threads or lower --workers`,
    ];
  });
}

function notesOn(threads: readonly ClientObservation[]): readonly string[] {
  const notes: string[] = [];
  if (threads.length === 0) notes.push('no load thread told how it fared');
  if (threads.some(({ durationMs }) => durationMs < shortestJudgedMs)) {
    notes.push(`load of less than ${shortestJudgedMs}ms is too short to judge a thread by`);
  }
  if (threads.some(({ cpu }) => cpu === undefined))
    notes.push('this system does not tell the CPU time of a thread');
  return notes;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** To three digits, which is what is worth showing. */
function duration(us: number): string {
  return formatDurationMs(Number((us / 1_000).toPrecision(3)));
}
