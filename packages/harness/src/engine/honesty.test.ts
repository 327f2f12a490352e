import { float32Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { arrivalPacer } from '../load-model/arrival-schedule.js';
import { OutstandingQueue } from '../load-model/outstanding-queue.js';
import type { Session } from '../runner.js';
import { Aggregator } from './aggregator.js';
import { ClosedDispatcher, type Dispatcher } from './dispatcher.js';
import type { Distributions } from './distributions.js';
import { LoadLoop } from './load-loop.js';
import { constantRate } from './pacer.js';
import { SampleBuffer } from './samples.js';
import { VirtualClock } from './virtual-clock.js';

/*
 * The figures of the engine against servers of which it is known what they do,
 * on a virtual clock: nothing adds to a latency, so figures must be right to the
 * histogram's precision, in both directions.
 */

const task = {
  batchSize: 1,
  outputs: [{ name: 'out', dtype: 'float32', shape: [1], keyPrefix: 'out' }],
  readRequest: (): InferenceRequest => ({ id: 0, rowCount: 1, inputs: [] }),
} as unknown as InferenceTask;

/** When a server answers a request that it gets at a time; both us after the start. */
type Server = (index: number, atUs: number) => number;

const fixed: Server = (_, atUs) => atUs + 2_000;

/** Every 50th is slow. */
const mixed: Server = (index, atUs) => atUs + (index % 50 === 25 ? 50_000 : 2_000);

/** Answers nothing in the fifth second of every ten. */
const stalling: Server = (_, atUs) => {
  const readyUs = atUs + 2_000;
  const inPeriodUs = readyUs % 10e6;
  return inPeriodUs >= 4e6 && inPeriodUs < 5e6 ? readyUs - inPeriodUs + 5e6 : readyUs;
};

const seconds = 20;

/** Runs the load against the server and returns what is reported of it. */
async function measure(
  server: Server,
  workers: number,
  open: boolean,
  dispatcher: Dispatcher,
): Promise<{ readonly distributions: Distributions; readonly sent: number }> {
  const clock = new VirtualClock();
  const aggregator = new Aggregator(seconds * 2e6);
  let served = 0;
  const session: Session = {
    async infer() {
      await clock.wait(server(served++, clock.nowUs()) - clock.nowUs());
      return [float32Tensor('out', [1], [0])];
    },
    close: async () => undefined,
  };
  const loop = new LoadLoop({
    clock,
    dispatcher,
    open,
    task,
    samples: new SampleBuffer((chunk) => aggregator.add(chunk)),
    rows: { next: () => ({ index: 0, firstRow: 0, rows: new Uint8Array(1) }), close: async () => undefined },
    sessions: Array.from({ length: workers }, () => session),
    reconnect: async () => session,
    startUs: 0,
    durationUs: seconds * 1e6,
    burnIn: 0,
    burnInUs: 0,
    samplesPerQuery: 1,
    ignoreErrors: false,
    verify: false,
    timeoutUs: 1e9,
    onAnswer: undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  await clock.run(loop.run());
  aggregator.closeWindow(clock.nowUs(), 0, 0);
  return { distributions: aggregator.distributions, sent: loop.tally.read().sent };
}

function openLoop(rate: number): Dispatcher {
  const schedule = { kind: 'rate', ratePerSecond: rate, spacing: { kind: 'constant' } } as const;
  const pacer = arrivalPacer(schedule, seconds * 1e6);
  return new OutstandingQueue({ pacer, maxOutstanding: Number.POSITIVE_INFINITY });
}

/** The response times that users who come at a rate have of a server, least first. */
function trueResponseTimes(server: Server, rate: number): number[] {
  const dueUs = Array.from({ length: rate * seconds }, (_, index) => (index * 1e6) / rate);
  return dueUs.map((us, index) => server(index, us) - us).sort((a, b) => a - b);
}

describe('an open loop on a virtual clock', () => {
  it.each([
    ['2 ms, always', fixed, 100],
    ['2 ms, and 50 ms for every 50th', mixed, 100],
    ['a stall of 1 s in every 10 s', stalling, 300],
  ])('reports the true response times: %s', async (_, server, workers) => {
    const rate = 250;
    const { distributions, sent } = await measure(server, workers, true, openLoop(rate));
    const truth = trueResponseTimes(server, rate);
    expect(sent).toBe(truth.length);
    for (const quantile of [0, 0.5, 0.89, 0.95, 0.99, 0.999, 1]) {
      const expectedUs = truth[Math.max(0, Math.ceil(quantile * truth.length - 1e-9) - 1)]!;
      const reportedUs = distributions.responseTime.quantileUs(quantile);
      expect(Math.abs(reportedUs - expectedUs), `${quantile}`).toBeLessThanOrEqual(1 + expectedUs * 0.001);
    }
    // Nobody waited for a worker, so that service time is the same.
    expect(distributions.sendDelay.quantileUs(1)).toBe(1);
    expect(distributions.serviceTime.quantileUs(0.99)).toBe(distributions.responseTime.quantileUs(0.99));
  });

  it('tells of a stall by response time even where its few workers are all caught by it', async () => {
    const { distributions, sent } = await measure(stalling, 4, true, openLoop(200));
    expect(sent).toBe(200 * seconds);
    expect(distributions.responseTime.quantileUs(0.99)).toBeGreaterThan(880_000);
    expect(distributions.serviceTime.quantileUs(0.99)).toBeLessThan(2_100);
  });
});

describe('a closed loop on a virtual clock', () => {
  it('hides a stall: one latency for each worker is all that there is of it', async () => {
    const workers = 4;
    const dispatcher = new ClosedDispatcher(constantRate(200), 0, 1);
    const { distributions } = await measure(stalling, workers, false, dispatcher);
    const { serviceTime } = distributions;
    expect(serviceTime.quantileUs(0.99)).toBeLessThan(2_100);
    const caught = 2 * workers;
    expect(serviceTime.quantileUs(1 - caught / 2 / serviceTime.count)).toBeGreaterThan(900_000);
    expect(serviceTime.quantileUs(1 - (caught + 0.5) / serviceTime.count)).toBeLessThan(2_100);
  });
});
