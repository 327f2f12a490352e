import { AibenchError, float32Tensor, type Tensor } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from '../runner.js';
import type { LoadLoop } from './load-loop.js';
import {
  ArrayRows,
  answerAfter,
  type Infer,
  refused,
  setUp,
  startUs,
  task,
} from './load-loop.test.fixture.js';
import { constantRate, unpaced } from './pacer.js';
import type { Turn } from './row-cursor.js';
import { SampleBuffer, sampleStages, sampleWidth } from './samples.js';
import { failedCount } from './tally.js';
import { VirtualClock } from './virtual-clock.js';

describe('a closed loop', () => {
  it('counts every request and times each exactly', async () => {
    const { run, samples, sentUs } = setUp({ rows: 7, workers: 2 });
    expect(await run()).toMatchObject({ sent: 7, answered: 7, failures: [] });
    // Two workers send two at a time, as soon as the answers are in, and nothing before the start.
    expect(sentUs).toEqual([0, 0, 100, 100, 200, 200, 300]);
    expect(samples.map(({ endUs }) => endUs)).toEqual([100, 100, 200, 200, 300, 300, 400]);
    expect(samples.every(({ serviceUs, measured }) => serviceUs === 100 && measured)).toBe(true);
  });

  it('asks about several rows at once, and counts both', async () => {
    // Five rows of two bytes, two to a request.
    const turns = [Uint8Array.of(0, 0, 1, 1), Uint8Array.of(2, 2, 3, 3), Uint8Array.of(4, 4)];
    let next = 0;
    const seen: [number, number[]][] = [];
    const verified: number[] = [];
    const { run } = setUp({
      verify: true,
      rows: {
        next: () => {
          const index = next++;
          const rows = turns[index];
          return rows === undefined ? undefined : { index, firstRow: 2 * index, rows };
        },
        close: async () => undefined,
      },
      task: {
        ...task,
        batchSize: 2,
        outputs: [{ ...task.outputs[0]!, shape: [2, 1] }],
        readRequest: (rows, firstRow) => {
          seen.push([firstRow!, [...rows]]);
          return { id: firstRow!, rowCount: rows.length / 2, inputs: [] };
        },
        expectedOutputs: (rows, firstRow) => {
          verified.push(firstRow!);
          return [float32Tensor('out', [rows.length / 2, 1], new Array<number>(rows.length / 2).fill(1))];
        },
      },
      infer: async ({ id }) => [float32Tensor('out', [id < 4 ? 2 : 1, 1], id < 4 ? [1, 1] : [1])],
    });
    expect(await run()).toMatchObject({
      ...{ sent: 3, answered: 3, answeredRows: 5, verified: 3, mismatched: 0, failures: [] },
    });
    expect(seen).toEqual([
      [0, [0, 0, 1, 1]],
      [2, [2, 2, 3, 3]],
      [4, [4, 4]],
    ]);
    expect(verified).toEqual([0, 2, 4]);
  });

  it('times the part of each stage', async () => {
    const clock = new VirtualClock();
    const chunks: Float64Array[] = [];
    const { run } = setUp({
      clock,
      rows: 2,
      samples: new SampleBuffer((chunk) => chunks.push(chunk)),
      infer: async ({ id }, stages) => {
        await clock.wait(5);
        stages.end('encode');
        await clock.wait(40);
        stages.end('wait');
        return [float32Tensor('out', [1], [id])];
      },
    });
    await run();
    expect(chunks.flatMap((chunk) => [...chunk])).toEqual([
      ...[45, 45, 45, 1, -1, -1, 5, 40, -1],
      ...[90, 45, 45, 1, -1, -1, 5, 40, -1],
    ]);
  });

  it('has no more requests out than workers', async () => {
    const clock = new VirtualClock();
    let out = 0;
    let most = 0;
    const { run } = setUp({
      clock,
      rows: 50,
      workers: 4,
      infer: async ({ id }) => {
        most = Math.max(most, ++out);
        await clock.wait(1 + ((id * 7) % 13));
        out -= 1;
        return [float32Tensor('out', [1], [id])];
      },
    });
    expect((await run()).answered).toBe(50);
    expect(most).toBe(4);
  });

  it('waits for rows that are still being read, outside the clock of a request', async () => {
    const clock = new VirtualClock();
    const slowly = async (turn: Turn | undefined) => {
      await clock.wait(1_000);
      return turn;
    };
    const { run, samples, sentUs } = setUp({ clock, rows: new ArrayRows(3, slowly) });
    expect(await run()).toMatchObject({ sent: 3, answered: 3 });
    expect(sentUs).toEqual([1_000, 2_100, 3_200]);
    expect(samples.map(({ serviceUs }) => serviceUs)).toEqual([100, 100, 100]);
  });

  it('measures what follows the burn-in by the number of the request, not by its end', async () => {
    const { run, samples } = setUp({ rows: 9, workers: 3, burnIn: 4 });
    expect(await run()).toMatchObject({ sent: 9, answered: 9 });
    expect(samples.filter(({ measured }) => measured)).toHaveLength(5);
  });

  it('ends at once without rows', async () => {
    const { run, samples } = setUp({ rows: 0, workers: 3 });
    expect(await run()).toMatchObject({ sent: 0, answered: 0 });
    expect(samples).toEqual([]);
  });
});

describe('a paced loop', () => {
  it('sends when requests are due', async () => {
    const { run, sentUs } = setUp({ rows: 6, workers: 2, pacer: constantRate(1_000) });
    await run();
    expect(sentUs).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('catches up after a stall, and then keeps to the schedule again', async () => {
    const clock = new VirtualClock();
    const { run, sentUs } = setUp({
      clock,
      rows: 8,
      pacer: constantRate(1_000),
      infer: ({ id }, stages) =>
        answerAfter(clock, id === 1 ? 3_500 : 100)({ id, rowCount: 1, inputs: [] }, stages),
    });
    await run();
    expect(sentUs).toEqual([0, 1_000, 4_500, 4_600, 4_700, 5_000, 6_000, 7_000]);
  });

  it('does not count the wait for the due time as service time', async () => {
    const { run, samples } = setUp({ rows: 3, pacer: constantRate(10) });
    await run();
    expect(samples.map(({ serviceUs }) => serviceUs)).toEqual([100, 100, 100]);
  });

  it('can be stopped between requests', async () => {
    const clock = new VirtualClock();
    const { loop, run, sentUs } = setUp({ clock, rows: 100, workers: 3, pacer: constantRate(1) });
    void clock.wait(startUs + 2_500_000).then(() => loop.stop());
    expect(await run()).toMatchObject({ sent: 3, answered: 3 });
    expect(sentUs).toEqual([0, 1e6, 2e6]);
    expect(clock.nowUs()).toBe(startUs + 2_500_000);
  });
});

describe('an end by time', () => {
  it('sends nothing after it and waits for what is out', async () => {
    const { run, sentUs, clock } = setUp({ rows: 1_000, workers: 2, durationUs: 950 });
    expect(await run()).toMatchObject({ sent: 20, answered: 20 });
    expect(Math.max(...sentUs)).toBeLessThan(950);
    expect(clock.nowUs()).toBe(startUs + 1_000);
  });

  it('does not wait for a request that is due after it', async () => {
    const { run, sentUs, clock } = setUp({ rows: 1_000, pacer: constantRate(1), durationUs: 1_500_000 });
    expect((await run()).sent).toBe(2);
    expect(sentUs).toEqual([0, 1e6]);
    expect(clock.nowUs()).toBe(startUs + 1_500_000);
  });
});

describe('stopping', () => {
  it('before the start sends nothing', async () => {
    const { loop, run, clock } = setUp({ rows: 10, workers: 3 });
    loop.stop();
    expect(await run()).toMatchObject({ sent: 0 });
    expect(clock.nowUs()).toBe(0);
  });

  it('while it waits for the start sends nothing', async () => {
    const clock = new VirtualClock();
    const { loop, run } = setUp({ clock, rows: 10, workers: 3 });
    void clock.wait(500).then(() => loop.stop());
    expect(await run()).toMatchObject({ sent: 0 });
    expect(clock.nowUs()).toBe(500);
  });

  it('waits for the answers that are out and counts them', async () => {
    const clock = new VirtualClock();
    const { loop, run, samples } = setUp({ clock, rows: 1_000, workers: 5 });
    void clock.wait(startUs + 250).then(() => loop.stop());
    expect(await run()).toMatchObject({ sent: 15, answered: 15 });
    expect(samples).toHaveLength(15);
  });

  it('passes over a read that fails because the file was closed meanwhile', async () => {
    const clock = new VirtualClock();
    const closed = async () => {
      await clock.wait(startUs + 50);
      throw new Error('file closed');
    };
    const { loop, run, fatal } = setUp({ clock, rows: new ArrayRows(3, closed) });
    void clock.wait(startUs + 10).then(() => loop.stop());
    await run();
    expect(fatal).toEqual([]);
  });
});

describe('errors', () => {
  it('end the run at the first, and what is out is counted', async () => {
    const clock = new VirtualClock();
    const { run, fatal, sentUs } = setUp({
      clock,
      rows: 100,
      workers: 4,
      infer: async ({ id }) => {
        await clock.wait(100 + id);
        if (id === 5 || id === 6) throw refused;
        return [float32Tensor('out', [1], [id])];
      },
    });
    const tally = await run();
    expect(fatal).toEqual([refused]);
    expect(tally.failures).toEqual([{ code: 'AIBENCH_SERVER', count: 2, firstMessage: 'no' }]);
    expect(tally.sent).toBe(sentUs.length);
    expect(tally.answered).toBe(tally.sent - 2);
    // Request 5 fails at 206; one that was sent at 204 is the last.
    expect(tally.sent).toBe(9);
    expect(Math.max(...sentUs)).toBe(204);
  });

  it.each([
    [
      'thrown at once',
      () => {
        throw refused;
      },
    ],
    [
      'thrown later',
      async () => {
        throw refused;
      },
    ],
  ])('%s are counted, and passed over where that is asked for', async (_, infer) => {
    const { run, fatal } = setUp({ rows: 20, workers: 3, ignoreErrors: true, infer: infer as Infer });
    expect(await run()).toMatchObject({
      sent: 20,
      answered: 0,
      failures: [{ code: 'AIBENCH_SERVER', count: 20 }],
      reconnects: 0,
    });
    expect(fatal).toEqual([]);
  });

  it('are counted by their kind', async () => {
    const clock = new VirtualClock();
    const errors = [refused, new AibenchError('AIBENCH_MISSING_KEY', 'gone'), new TypeError('a bug')];
    const { run } = setUp({
      clock,
      rows: 12,
      ignoreErrors: true,
      infer: async ({ id }) => {
        await clock.wait(10);
        if (id % 4 < 3) throw errors[id % 4];
        return [float32Tensor('out', [1], [id])];
      },
    });
    const { answered, failures } = await run();
    expect(answered).toBe(3);
    expect(failures.map(({ code, count }) => [code, count])).toEqual([
      ['AIBENCH_SERVER', 3],
      ['AIBENCH_MISSING_KEY', 3],
      ['AIBENCH_UNKNOWN', 3],
    ]);
  });

  it.each<[string, Tensor[]]>([
    ['too few tensors', []],
    ['the wrong size', [float32Tensor('out', [2], [1, 2])]],
    ['the wrong type', [{ name: 'out', dtype: 'uint8', shape: [4], data: new Uint8Array(4) }]],
  ])('an answer of %s is a failure', async (_, outputs) => {
    const { run, samples } = setUp({ rows: 4, ignoreErrors: true, infer: async () => outputs });
    expect(await run()).toMatchObject({
      sent: 4,
      answered: 0,
      failures: [{ code: 'AIBENCH_ANSWER', count: 4 }],
    });
    expect(samples).toEqual([]);
  });

  it('of the input end the run even where failed requests do not', async () => {
    const cut = new AibenchError('AIBENCH_INPUT', 'the file ends');
    const clock = new VirtualClock();
    const rows = new ArrayRows(10, (turn) => (turn?.index === 3 ? Promise.reject(cut) : turn));
    const { run, fatal } = setUp({ clock, rows, workers: 2, ignoreErrors: true });
    const { sent, answered } = await run();
    expect(fatal).toEqual([cut]);
    expect([sent, answered]).toEqual([2, 2]);
  });

  it('of a row that cannot be read end the run', async () => {
    const bad = new AibenchError('AIBENCH_INPUT', 'row id above');
    const broken = {
      ...task,
      readRequest: () => {
        throw bad;
      },
    } as unknown as InferenceTask;
    const { run, fatal } = setUp({ rows: 5, task: broken, ignoreErrors: true });
    expect(await run()).toMatchObject({ sent: 0, failures: [] });
    expect(fatal).toEqual([bad]);
  });

  it('of whoever is shown an answer end the run, and the answer counts once', async () => {
    const { run, fatal } = setUp({
      rows: 5,
      ignoreErrors: true,
      onAnswer: () => {
        throw new Error('printer');
      },
    });
    expect(await run()).toMatchObject({ sent: 1, answered: 1, failures: [] });
    expect(fatal).toHaveLength(1);
  });
});

describe('a lost connection', () => {
  const lost = new AibenchError('AIBENCH_CONNECTION', 'gone');

  it('is opened again where errors are passed over, as often as that takes', async () => {
    const clock = new VirtualClock();
    let attempts = 0;
    const { run, sentUs } = setUp({
      clock,
      rows: 4,
      ignoreErrors: true,
      infer: async () => {
        throw lost;
      },
      reconnect: async () => {
        attempts += 1;
        if (attempts <= 3) throw lost;
        return { infer: answerAfter(clock, 100), close: async () => undefined };
      },
    });
    expect(await run()).toMatchObject({
      sent: 4,
      answered: 3,
      reconnects: 1,
      failures: [{ code: 'AIBENCH_CONNECTION', count: 1 }],
    });
    expect(sentUs).toEqual([0]);
    expect(attempts).toBe(4);
  });

  it('ends the run where they are not, and nothing is opened again', async () => {
    let attempts = 0;
    const { run, fatal } = setUp({
      rows: 4,
      infer: async () => {
        throw lost;
      },
      reconnect: async () => {
        attempts += 1;
        throw lost;
      },
    });
    expect(await run()).toMatchObject({ sent: 1, answered: 0 });
    expect(fatal).toEqual([lost]);
    expect(attempts).toBe(0);
  });

  it('does not outlast the run: neither its time nor a stop', async () => {
    const away = async () => {
      throw lost;
    };
    const timed = setUp({ rows: 100, ignoreErrors: true, infer: away, reconnect: away, durationUs: 1e6 });
    expect(await timed.run()).toMatchObject({ sent: 1, reconnects: 0 });
    expect(timed.clock.nowUs()).toBeLessThanOrEqual(startUs + 1e6 + 100_000);

    const clock = new VirtualClock();
    const stopped = setUp({ clock, rows: 100, ignoreErrors: true, infer: away, reconnect: away });
    void clock.wait(5e6).then(() => stopped.loop.stop());
    expect(await stopped.run()).toMatchObject({ sent: 1, reconnects: 0 });
    expect(clock.nowUs()).toBe(5e6);
  });

  it('ends the run when the server stays away for half a minute', async () => {
    const away = async () => {
      throw lost;
    };
    const gone = setUp({ rows: 100, ignoreErrors: true, infer: away, reconnect: away });
    expect(await gone.run()).toMatchObject({ sent: 1, reconnects: 0 });
    expect(gone.fatal).toMatchObject([
      { code: 'AIBENCH_CONNECTION', message: expect.stringContaining('did not come back within 30 s') },
    ]);
    expect(gone.clock.nowUs()).toBeLessThanOrEqual(startUs + 30e6 + 200_000);
  });

  it('leaves the sessions that are to be closed in the end', async () => {
    const clock = new VirtualClock();
    const fresh: Session = { infer: answerAfter(clock, 1), close: async () => undefined };
    const { run, loop } = setUp({
      clock,
      rows: 3,
      workers: 2,
      ignoreErrors: true,
      infer: async () => {
        throw lost;
      },
      reconnect: async () => fresh,
    });
    await run();
    expect(loop.sessions).toEqual([fresh, fresh]);
  });
});

describe('an overdue answer', () => {
  const silence = () => new Promise<never>(() => undefined);

  /** Looks for overdue requests every 100 us, as a load thread does now and then. */
  function watch(clock: VirtualClock, loop: LoadLoop, times: number): void {
    void (async () => {
      for (let i = 0; i < times; i++) {
        await clock.wait(100);
        loop.endOverdue();
      }
    })();
  }

  it('fails as a timeout, even if its session ignores being closed', async () => {
    let closed = 0;
    const { run, loop, clock, fatal } = setUp({
      rows: 10,
      workers: 2,
      timeoutUs: 5_000,
      infer: silence,
      close: async () => {
        closed += 1;
        return silence();
      },
    });
    watch(clock, loop, 100);
    expect(await run()).toMatchObject({
      sent: 2,
      answered: 0,
      failures: [{ code: 'AIBENCH_TIMEOUT', count: 2, firstMessage: 'no answer within 0.005 s' }],
    });
    expect(fatal).toEqual([expect.objectContaining({ code: 'AIBENCH_TIMEOUT' })]);
    expect(closed).toBe(2);
  });

  it('is followed by the next request on a new session, where errors are passed over', async () => {
    const clock = new VirtualClock();
    const { run, loop, samples } = setUp({
      clock,
      rows: 6,
      timeoutUs: 1_000,
      ignoreErrors: true,
      infer: silence,
      reconnect: async () => ({ infer: answerAfter(clock, 100), close: async () => undefined }),
    });
    watch(clock, loop, 50);
    expect(await run()).toMatchObject({ sent: 6, answered: 5, reconnects: 1 });
    expect(samples.every(({ serviceUs }) => serviceUs === 100)).toBe(true);
  });

  it('leaves requests alone that are within their time', async () => {
    const clock = new VirtualClock();
    const { run, loop } = setUp({ clock, rows: 4, timeoutUs: 1_000, infer: answerAfter(clock, 950) });
    watch(clock, loop, 60);
    expect(await run()).toMatchObject({ sent: 4, answered: 4, failures: [] });
  });

  it('that comes at last changes nothing any more, its stages neither', async () => {
    const clock = new VirtualClock();
    const chunks: Float64Array[] = [];
    const { run, loop } = setUp({
      clock,
      rows: 3,
      timeoutUs: 1_000,
      ignoreErrors: true,
      samples: new SampleBuffer((chunk) => chunks.push(chunk)),
      infer: async (_, stages) => {
        await clock.wait(2_000);
        stages.end('reference');
        return [float32Tensor('out', [1], [0])];
      },
      reconnect: async () => ({
        infer: async ({ id }, stages) => {
          await clock.wait(900);
          stages.end('wait');
          return [float32Tensor('out', [1], [id])];
        },
        close: async () => undefined,
      }),
    });
    watch(clock, loop, 60);
    expect(await run()).toMatchObject({ sent: 3, answered: 2 });
    const stages = chunks.flatMap((chunk) => [...chunk]).filter((_, i) => i % sampleWidth >= sampleStages);
    expect(stages).toEqual([-1, -1, 900, -1, -1, -1, 900, -1]);
  });
});

describe('verification', () => {
  const wrongAt =
    (clock: VirtualClock, wrong: readonly number[]): Infer =>
    async ({ id }) => {
      await clock.wait(10);
      return [float32Tensor('out', [1], [wrong.includes(id) ? id + 1 : id])];
    };

  it('compares every answer, outside the clock', async () => {
    const clock = new VirtualClock();
    const slow = {
      ...task,
      expectedOutputs: (row: Uint8Array) => {
        clock.advance(1_000);
        return task.expectedOutputs(row);
      },
    } as InferenceTask;
    const { run, samples } = setUp({ clock, rows: 5, verify: true, task: slow });
    expect(await run()).toMatchObject({ answered: 5, verified: 5, mismatched: 0 });
    expect(samples.every(({ serviceUs }) => serviceUs === 100)).toBe(true);
  });

  it('ends the run at the first wrong answer, which counts as answered', async () => {
    const clock = new VirtualClock();
    const { run, fatal } = setUp({ clock, rows: 50, verify: true, infer: wrongAt(clock, [3]) });
    expect(await run()).toMatchObject({ sent: 4, answered: 4, verified: 4, mismatched: 1, failures: [] });
    expect(fatal).toEqual([
      expect.objectContaining({ code: 'AIBENCH_MISMATCH', message: expect.stringContaining('row 3') }),
    ]);
  });

  it('counts all wrong answers where errors are passed over', async () => {
    const clock = new VirtualClock();
    const { run, fatal } = setUp({
      clock,
      rows: 50,
      workers: 3,
      verify: true,
      ignoreErrors: true,
      infer: wrongAt(clock, [3, 7, 49]),
    });
    expect(await run()).toMatchObject({ answered: 50, verified: 50, mismatched: 3 });
    expect(fatal).toEqual([]);
  });

  it('notices answers that were swapped between workers', async () => {
    const clock = new VirtualClock();
    const waiting: (() => void)[] = [];
    const ids: number[] = [];
    const { run } = setUp({
      clock,
      rows: 2,
      workers: 2,
      verify: true,
      ignoreErrors: true,
      infer: async ({ id }) => {
        ids.push(id);
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 2) for (const wake of waiting) wake();
        });
        return [float32Tensor('out', [1], [ids.find((other) => other !== id)!])];
      },
    });
    expect(await run()).toMatchObject({ answered: 2, mismatched: 2 });
  });
});

describe('showing answers', () => {
  it('gives each with the id of its request', async () => {
    const shown: [number, number][] = [];
    const { run } = setUp({
      rows: 6,
      workers: 2,
      onAnswer: (id, outputs) => shown.push([id, new Float32Array(outputs[0]!.data.buffer)[0]!]),
    });
    await run();
    expect(shown).toEqual([0, 1, 2, 3, 4, 5].map((id) => [id, id]));
  });
});

describe('whatever happens', () => {
  const reaction = fc.record({
    delayUs: fc.integer({ min: 0, max: 5_000 }),
    kind: fc.constantFrom(
      'answer',
      'answer',
      'answer',
      'wrong',
      'error',
      'connection',
      'throw',
      'shape',
      'silence',
    ),
  });
  const scenario = fc.record({
    reactions: fc.array(reaction, { minLength: 1, maxLength: 40 }),
    rows: fc.nat(60),
    workers: fc.integer({ min: 1, max: 6 }),
    ignoreErrors: fc.boolean(),
    verify: fc.boolean(),
    ratePerSecond: fc.option(fc.integer({ min: 100, max: 100_000 })),
    durationUs: fc.option(fc.integer({ min: 0, max: 50_000 })),
    stopUs: fc.option(fc.integer({ min: 0, max: 50_000 })),
    lateRows: fc.boolean(),
    reconnectFails: fc.boolean(),
  });

  it('each request that was sent is answered or failed, once, and each answer has its sample', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const clock = new VirtualClock();
        let requests = 0;
        let reconnects = 0;
        const infer: Infer = async ({ id }) => {
          const { delayUs, kind } = given.reactions[requests++ % given.reactions.length]!;
          if (kind === 'throw') throw refused;
          if (delayUs > 0) await clock.wait(delayUs);
          if (kind === 'error') throw refused;
          if (kind === 'connection') throw new AibenchError('AIBENCH_CONNECTION', 'gone');
          if (kind === 'shape') return [];
          if (kind === 'silence') await new Promise(() => undefined);
          return [float32Tensor('out', [1], [kind === 'wrong' ? -1 : id])];
        };
        const session = { infer, close: async () => undefined };
        const late = async (turn: Turn | undefined) => {
          await clock.wait(7);
          return turn;
        };
        const { loop, run, samples, fatal } = setUp({
          clock,
          infer,
          rows: new ArrayRows(given.rows, (turn) => (given.lateRows ? late(turn) : turn)),
          workers: given.workers,
          ignoreErrors: given.ignoreErrors,
          verify: given.verify,
          timeoutUs: 10_000,
          pacer: given.ratePerSecond === null ? unpaced : constantRate(given.ratePerSecond),
          durationUs: given.durationUs ?? Number.POSITIVE_INFINITY,
          reconnect: async () => {
            if (given.reconnectFails && reconnects++ % 2 === 0)
              throw new AibenchError('AIBENCH_CONNECTION', 'away');
            return session;
          },
        });
        if (given.stopUs !== null) void clock.wait(given.stopUs).then(() => loop.stop());
        let over = false;
        void (async () => {
          while (!over) {
            await clock.wait(1_000);
            loop.endOverdue();
          }
        })();
        const tally = await run();
        over = true;
        expect(tally.sent).toBe(requests);
        expect(tally.answered + failedCount(tally)).toBe(tally.sent);
        expect(samples).toHaveLength(tally.answered);
        expect(tally.verified).toBe(given.verify ? tally.answered : 0);
        expect(fatal.length).toBeLessThanOrEqual(given.ignoreErrors ? 0 : 1);
        const troubled = failedCount(tally) + tally.mismatched > 0;
        if (!given.ignoreErrors) expect(fatal).toHaveLength(troubled ? 1 : 0);
        const endedEarly = given.durationUs !== null || given.stopUs !== null || fatal.length > 0;
        if (!endedEarly) expect(tally.sent).toBe(given.rows);
      }),
      { numRuns: 300 },
    );
  });
});
