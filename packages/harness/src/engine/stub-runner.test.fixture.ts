import { AibenchError, float32Tensor } from '@aibench/core';
import { flag } from '../cli/flags.js';
import type { Runner, RunnerContext, Session, SessionContext } from '../runner.js';

/**
 * A runner without a server, for tests of the engine with its threads: it
 * answers by itself, and fails in the ways that its flags name.
 */
export const runner = {
  name: 'stub',
  summary: 'Answers by itself',
  flags: {
    'delay-ms': flag.number({ default: 0, describe: 'Time an answer takes; 0 for none' }),
    'close-ms': flag.number({ default: 0, describe: 'Time that closing a session takes' }),
    trouble: flag.string({ default: '', describe: 'What goes wrong' }),
    'trouble-worker': flag.integer({ default: 0, describe: 'The worker in which it goes wrong' }),
    'trouble-request': flag.integer({ default: 5, describe: "The worker's request at which it goes wrong" }),
    marker: flag.string({ default: '', describe: 'File to which each session says what becomes of it' }),
  },

  async describeServer({ flags }: RunnerContext) {
    if (values(flags).trouble === 'silent-server') await new Promise(() => undefined);
    if (values(flags).trouble === 'unreachable')
      throw new AibenchError('AIBENCH_CONNECTION', 'cannot reach stub:1', { hint: 'see --host' });
    return { product: 'stub', version: '1', isReference: false, details: {} };
  },

  readyLimitMs: (flags: object) => (values(flags).trouble === 'silent-server' ? 250 : 0),

  async connect(context: SessionContext) {
    const { trouble, troubleWorker } = values(context.flags);
    if (context.worker === troubleWorker) {
      if (trouble === 'connect-fails')
        throw new AibenchError('AIBENCH_CONNECTION', 'cannot reach stub:1', { hint: 'see --host' });
      if (trouble === 'connect-bug') throw new TypeError('a bug\n in connect');
      if (trouble === 'connect-silent') await new Promise(() => undefined);
      if (trouble === 'die-before-start') setTimeout(() => process.exit(), 2);
    }
    return new StubSession(context);
  },

  async openServerStats({ flags }: RunnerContext) {
    const { trouble } = values(flags);
    if (trouble === 'stats-refused') throw new Error('no statistics here');
    let reads = 0;
    return {
      read: async () => {
        if (trouble === 'stats-fail') throw new Error('statistics are gone');
        if (trouble === 'stats-silent') await new Promise(() => undefined);
        reads += 1;
        return { 'stub:1': { reads } };
      },
      close: async () => undefined,
    };
  },
} satisfies Runner;

interface StubFlags {
  readonly delayMs: number;
  readonly closeMs: number;
  readonly trouble: string;
  readonly troubleWorker: number;
  readonly troubleRequest: number;
  readonly marker: string;
}

function values(flags: object): StubFlags {
  return flags as StubFlags;
}

class StubSession implements Session {
  readonly #context: SessionContext;
  readonly #flags: StubFlags;
  #requests = 0;

  constructor(context: SessionContext) {
    this.#context = context;
    this.#flags = values(context.flags);
  }

  async infer(...[request, stages]: Parameters<Session['infer']>) {
    const { delayMs, trouble, troubleWorker, troubleRequest } = this.#flags;
    this.#requests += 1;
    const inTrouble = this.#context.worker === troubleWorker && this.#requests >= troubleRequest;
    stages.end('encode');
    if (delayMs > 0) await pause(delayMs);
    if (inTrouble) await this.#fail(trouble);
    stages.end('wait');
    const spec = this.#context.task.outputs[0]!;
    return [float32Tensor(spec.name, spec.shape, [request.id, this.#context.worker])];
  }

  async close(): Promise<void> {
    const { closeMs } = this.#flags;
    if (closeMs > 0) await pause(closeMs);
  }

  async #fail(trouble: string): Promise<void> {
    switch (trouble) {
      case 'error':
        throw new AibenchError('AIBENCH_SERVER', 'the server has had enough');
      case 'bug':
        throw new TypeError('a bug in infer');
      case 'lost-connection':
        this.#requests = Number.NEGATIVE_INFINITY;
        throw new AibenchError('AIBENCH_CONNECTION', 'the connection is gone');
      case 'exit':
        process.exit();
        break;
      case 'stray-throw':
        setImmediate(() => {
          throw new Error('a stray error');
        });
        break;
      case 'stray-rejection':
        void Promise.reject(new Error('a stray rejection'));
        break;
      case 'silent':
        await new Promise(() => undefined);
        break;
      case 'busy':
        this.#requests = Number.NEGATIVE_INFINITY;
        spinUntilCpuTimeIsSeen();
        break;
      case 'endless-loop':
        for (;;) Math.random();
    }
  }
}

/** Systems may count a process's CPU time in ticks of 10 ms, and a short run may fall between two of them. */
function spinUntilCpuTimeIsSeen(): void {
  const { user } = process.cpuUsage();
  // Mostly outside of the system call that reads the time: it is the user's time that is to grow.
  while (process.cpuUsage().user === user) for (let i = 0; i < 100_000; i++) Math.random();
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
