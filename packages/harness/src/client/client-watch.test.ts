import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type ClientObservation, ClientWatch, totalBacklogBytes } from './client-watch.js';
import { GcMeter } from './gc-meter.js';
import { LatenessMeter } from './lateness-meter.js';
import { readThreadCpuTime } from './thread-cpu.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the thread from its event loop. */
function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** Makes garbage until the collector must have run several times. */
function makeGarbage(): number {
  let kept = 0;
  for (let round = 0; round < 400; round++) {
    const batch = Array.from({ length: 10_000 }, (_, index) => ({ index, round }));
    kept += batch.length;
  }
  return kept;
}

const haveThreadCpu = readThreadCpuTime() !== undefined;

/** What a worker thread observes of itself while it does as told. Vitest runs TypeScript; plain threads run what is built. */
function observeThread(work: 'burn' | 'sleep', ms: number): Promise<ClientObservation> {
  const watchUrl = new URL('../../dist/client/client-watch.js', import.meta.url).href;
  const source = `
    const { parentPort } = require('node:worker_threads');
    (async () => {
      const { ClientWatch } = await import(${JSON.stringify(watchUrl)});
      const watch = new ClientWatch();
      watch.start();
      const end = performance.now() + ${ms};
      while (performance.now() < end) {
        const stop = Math.min(end, performance.now() + 120);
        if (${work === 'burn'}) while (performance.now() < stop);
        await new Promise((resolve) => setTimeout(resolve, ${work === 'burn' ? 0 : 50}));
      }
      parentPort.postMessage(watch.stop());
    })();`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('ClientWatch', () => {
  it.skipIf(!haveThreadCpu)('tells the thread that works from the one that waits beside it', async () => {
    const [burning, sleeping] = await Promise.all([observeThread('burn', 600), observeThread('sleep', 600)]);
    const cpuMs = ({ cpu }: ClientObservation) => cpu!.userMs + cpu!.systemMs;
    expect(cpuMs(burning)).toBeGreaterThan(50);
    expect(cpuMs(burning)).toBeGreaterThan(2 * cpuMs(sleeping));
    expect(burning.eventLoopUtilization).toBeGreaterThan(sleeping.eventLoopUtilization);
    // A due time every 50 ms: some fell well before the end of a burn of 120 ms.
    expect(burning.timerLateness.maxUs).toBeGreaterThan(20_000);
    expect(burning.timerLateness.count).toBeGreaterThan(0);
    expect(burning.durationMs).toBeGreaterThanOrEqual(600);
  });

  it('sees collections, by kind, in the main thread', async () => {
    const watch = new ClientWatch();
    watch.start();
    expect(makeGarbage()).toBeGreaterThan(0);
    await pause(20);
    const { gc } = watch.stop();
    expect(gc.count).toBeGreaterThan(0);
    expect(gc.totalMs).toBeGreaterThanOrEqual(gc.longestMs);
    expect(gc.longestMs).toBeGreaterThan(0);
    const kinds = Object.values(gc.byKind);
    expect(kinds.reduce((sum, { count }) => sum + count, 0)).toBe(gc.count);
    expect(Math.max(...kinds.map(({ longestMs }) => longestMs))).toBe(gc.longestMs);
    expect(gc.byKind.minor?.count).toBeGreaterThan(0);
  });

  it('records what it is told', () => {
    const watch = new ClientWatch();
    watch.start();
    for (const lateUs of [10, 20, 30]) watch.noteWakeLateUs(lateUs);
    watch.notePolledUs(1_500);
    watch.notePolledUs(500);
    const { wakeLateness, polledMs } = watch.stop();
    expect(wakeLateness).toMatchObject({ count: 3, minUs: 10, p50Us: 20, maxUs: 30 });
    expect(polledMs).toBe(2);
  });

  it('samples the sockets and the memory', async () => {
    let asked = 0;
    const watch = new ClientWatch(() => (++asked === 1 ? 300 : 100));
    watch.start();
    while (asked < 3) await pause(20);
    const { backlog, rss } = watch.stop();
    expect(backlog!.mostBytes).toBe(300);
    expect(backlog!.meanBytes).toBeCloseTo((300 + 100 * (asked - 1)) / asked, 6);
    expect(rss.startBytes).toBeGreaterThan(0);
    expect(rss.mostBytes).toBeGreaterThanOrEqual(rss.endBytes);
  });

  it('is plain data, and the same after it has stopped', async () => {
    const watch = new ClientWatch();
    expect(watch.read()).toMatchObject({ durationMs: 0, eventLoopUtilization: 0, backlog: undefined });
    watch.start();
    await pause(30);
    const stopped = watch.stop();
    block(30);
    watch.noteWakeLateUs(1);
    await pause(30);
    expect(watch.read()).toEqual(stopped);
    expect(watch.stop()).toEqual(stopped);
    expect(structuredClone(stopped)).toEqual(stopped);
  });

  it('forgets when it starts anew', async () => {
    const watch = new ClientWatch();
    watch.start();
    watch.noteWakeLateUs(1_000);
    watch.notePolledUs(1_000);
    makeGarbage();
    await pause(20);
    const first = watch.stop();
    watch.start();
    const second = watch.stop();
    expect(first.gc.count).toBeGreaterThan(0);
    expect(second).toMatchObject({ polledMs: 0, gc: { count: 0 }, wakeLateness: { count: 0 } });
    expect(second.durationMs).toBeLessThan(first.durationMs);
  });
});

describe('LatenessMeter', () => {
  it('counts every due time of a stall, each with its own lateness', async () => {
    const meter = new LatenessMeter();
    meter.start();
    await pause(1);
    const beforeMs = performance.now();
    block(500);
    const stalledMs = performance.now() - beforeMs;
    await pause(1);
    const histogram = meter.read();
    meter.stop();
    // One due time in 50 ms, the last perhaps after the stall.
    expect(histogram.count).toBeGreaterThanOrEqual(Math.floor(stalledMs / 50) - 1);
    // They were late by anything from nothing to all of it, evenly.
    expect(histogram.quantileUs(1)).toBeGreaterThan(440_000);
    expect(histogram.quantileUs(0.5)).toBeGreaterThan(histogram.quantileUs(1) * 0.25);
    expect(histogram.quantileUs(0.5)).toBeLessThan(histogram.quantileUs(1) * 0.75);
  });

  it('sees a stall that is still going on', () => {
    const meter = new LatenessMeter();
    meter.start();
    block(200);
    expect(meter.read().quantileUs(1)).toBeGreaterThan(140_000);
    meter.stop();
  });

  it('ticks on, and no more once stopped', async () => {
    let ticks = 0;
    const meter = new LatenessMeter(() => {
      ticks += 1;
    });
    meter.start();
    while (ticks < 3) await pause(5);
    meter.stop();
    const { count } = meter.read();
    expect(count).toBeGreaterThanOrEqual(3);
    const seen = ticks;
    await pause(60);
    expect(ticks).toBe(seen);
    expect(meter.read().count).toBe(count);
  });
});

describe('GcMeter', () => {
  it('counts only between start and stop', async () => {
    const meter = new GcMeter();
    makeGarbage();
    await pause(20);
    expect(meter.read().count).toBe(0);
    meter.start();
    makeGarbage();
    await pause(20);
    meter.stop();
    const { count } = meter.read();
    expect(count).toBeGreaterThan(0);
    makeGarbage();
    await pause(20);
    expect(meter.read().count).toBe(count);
  });
});

describe('readThreadCpuTime', () => {
  it.skipIf(process.platform !== 'linux')('rises while the thread computes', () => {
    const before = readThreadCpuTime()!;
    block(300);
    const after = readThreadCpuTime()!;
    const usedMs = after.userMs + after.systemMs - before.userMs - before.systemMs;
    expect(usedMs).toBeGreaterThan(0);
    expect(usedMs).toBeLessThan(60_000);
  });
});

describe('totalBacklogBytes', () => {
  it('adds what is told, and tells unknown from none', () => {
    expect(totalBacklogBytes([{ backlogBytes: () => 5 }, {}, { backlogBytes: () => 7 }])).toBe(12);
    expect(totalBacklogBytes([{ backlogBytes: () => 0 }])).toBe(0);
    expect(totalBacklogBytes([{}, {}])).toBeUndefined();
    expect(totalBacklogBytes([])).toBeUndefined();
  });
});
