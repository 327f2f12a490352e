import type { InferenceEngine, MaybePromise } from '../../inference/inference-engine.js';
import type { ServerTensor } from '../../inference/server-tensor.js';
import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { ReplyError } from '../reply-error.js';
import type { ReplyWriter } from '../reply-writer.js';
import { getModel } from './ai-models.js';
import { checkTensorKey, getInput } from './ai-tensors.js';
import { type Dag, type DagKind, type DagOperation, readDag } from './dag-arguments.js';
import { inferWithin, within } from './model-run.js';
import { replyTensor } from './tensor-reply.js';

/** What each command of a DAG gave, in order. */
type Outcome = 'OK' | 'NA' | ReplyError | ServerTensor;

/** Runs a DAG's commands one after another. Stays synchronous where the engine answers at once. */
class DagRun {
  readonly outcomes: Outcome[] = [];
  /** Whether a model has failed, after which nothing more is run. */
  hasFailed = false;
  readonly #dag: Dag;
  readonly #engine: InferenceEngine;

  constructor(dag: Dag, engine: InferenceEngine) {
    this.#dag = dag;
    this.#engine = engine;
  }

  run(): MaybePromise<void> {
    const { operations, tensors } = this.#dag;
    while (this.outcomes.length < operations.length) {
      const operation = operations[this.outcomes.length]!;
      if (operation.kind === 'run' && !this.hasFailed) {
        const answer = this.#infer(operation);
        if (answer instanceof Promise) return answer.then(() => this.run());
      } else if (operation.kind === 'set') {
        if (!this.hasFailed) tensors.set(operation.key, operation.tensor);
        this.outcomes.push('OK');
      } else {
        this.outcomes.push((operation.kind === 'get' ? tensors.get(operation.key) : undefined) ?? 'NA');
      }
    }
  }

  #infer({ call }: Extract<DagOperation, { kind: 'run' }>): MaybePromise<void> {
    const { tensors } = this.#dag;
    const succeed = (outputs: readonly ServerTensor[]): void => {
      for (let i = 0; i < call.outputs.length; i++) tensors.set(call.outputs[i]!, outputs[i]!);
      this.outcomes.push('OK');
    };
    const fail = (error: unknown): void => {
      if (!(error instanceof ReplyError)) throw error;
      this.hasFailed = true;
      this.outcomes.push(error);
    };
    try {
      const inputs = call.inputs.map((key) => tensors.get(key)!);
      const answer = inferWithin(this.#engine, call, inputs);
      if (answer instanceof Promise) {
        return answer.then((outputs) => {
          if (outputs !== 'timed out') succeed(outputs);
        }, fail);
      }
      if (answer !== 'timed out') succeed(answer);
    } catch (error) {
      fail(error);
    }
  }
}

/** Stores what was to be persisted; all of it, or nothing and the reason. */
function persist({ keyspace }: Client, { persist: keys, tensors }: Dag): ReplyError | undefined {
  try {
    for (const key of keys) checkTensorKey(keyspace, key);
  } catch (error) {
    if (error instanceof ReplyError) return error;
    throw error;
  }
  for (const key of keys) keyspace.set(key, tensors.get(key)!.detached());
  return undefined;
}

function replyOutcomes(client: Client, dag: Dag, run: DagRun): void {
  const { reply } = client;
  const failure = run.hasFailed ? undefined : persist(client, dag);
  reply.array(run.outcomes.length + (failure === undefined ? 0 : 1));
  for (let i = 0; i < run.outcomes.length; i++) replyOutcome(reply, run.outcomes[i]!, dag.operations[i]!);
  if (failure !== undefined) reply.error(failure.message);
}

function replyOutcome(reply: ReplyWriter, outcome: Outcome, operation: DagOperation): void {
  if (outcome === 'OK') reply.ok();
  else if (outcome === 'NA') reply.simple('NA');
  else if (outcome instanceof ReplyError) reply.error(outcome.message);
  else if (operation.kind === 'get') replyTensor(reply, outcome, operation.format);
}

function execute(kind: DagKind): Command['run'] {
  return (client, request) => {
    const { service } = client;
    const dag = readDag(request, kind, {
      findModel: (key) => getModel(client, key),
      findTensor: (key) => getInput(client, key),
    });
    const run = new DagRun(dag, service.options.engine);
    const running = run.run();
    if (!(running instanceof Promise)) return replyOutcomes(client, dag, run);
    if (dag.timeoutMs === undefined) return running.then(() => replyOutcomes(client, dag, run));
    return within(running, dag.timeoutMs).then((end) => {
      if (end === 'timed out') client.reply.simple('TIMEDOUT');
      else replyOutcomes(client, dag, run);
    });
  };
}

const shared = { arity: -1, keys: noKeys, group: 'module' } as const;

/** Several AI commands on tensors of their own, with one reply. */
export const dagCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'ai.dagrun', flags: ['write', 'denyoom', 'module'] },
    summary: 'Runs several commands on tensors of their own (older form of AI.DAGEXECUTE)',
    run: execute({ family: 'DAGRUN', readOnly: false }),
  },
  {
    ...{ ...shared, name: 'ai.dagrun_ro', flags: ['readonly', 'module'] },
    summary: 'Like AI.DAGRUN, storing nothing',
    run: execute({ family: 'DAGRUN', readOnly: true }),
  },
  {
    ...{ ...shared, name: 'ai.dagexecute', flags: ['write', 'denyoom', 'module'] },
    summary: 'Runs several commands on tensors of their own',
    run: execute({ family: 'DAGEXECUTE', readOnly: false }),
  },
  {
    ...{ ...shared, name: 'ai.dagexecute_ro', flags: ['readonly', 'module'] },
    summary: 'Like AI.DAGEXECUTE, storing nothing',
    run: execute({ family: 'DAGEXECUTE', readOnly: true }),
  },
];
