import { AibenchError, type Tensor, tensorSizeBytes } from '@aibench/core';
import { answerText, type RedisReply } from '@aibench/redis';
import type { TensorTask } from './inference-commands.js';

/** What an answer belongs to, for messages. */
export interface AnswerContext {
  readonly task: TensorTask;
  /** `host:port`. */
  readonly address: string;
  /** Key of the model. */
  readonly model: string;
  /** Whether the servers are a cluster that is used as one. */
  readonly cluster: boolean;
}

/**
 * Makes tensors of the replies to an inference: `OK` for each input and for the
 * run, then one blob for each output. The tensors are views on the replies.
 *
 * @param replies the reply to the DAG, or those to the separate commands
 * @throws AIBENCH_ANSWER when they are of another form; what {@link inferenceError} says when one is an error
 */
export function readAnswer(context: AnswerContext, replies: RedisReply, requestId: number): Tensor[] {
  const { inputs, outputs } = context.task;
  const steps = inputs.length + 1;
  if (!Array.isArray(replies) || replies.length !== steps + outputs.length) {
    throw wrongForm(context, replies, requestId);
  }
  for (let i = 0; i < steps; i++) if (!isOk(replies[i])) throw wrongForm(context, replies, requestId);
  const tensors: Tensor[] = [];
  for (let i = 0; i < outputs.length; i++) {
    const spec = outputs[i]!;
    const data: unknown = replies[steps + i];
    if (!Buffer.isBuffer(data) || data.byteLength !== tensorSizeBytes(spec)) {
      throw wrongForm(context, replies, requestId);
    }
    tensors.push({ name: spec.name, dtype: spec.dtype, shape: spec.shape, data });
  }
  return tensors;
}

/**
 * A failed inference in the suite's terms: a missing key says which one and how
 * it gets there, any other error answer names the row. An error that is not the
 * server's answer stays what it is.
 */
export function inferenceError(context: AnswerContext, error: unknown, requestId: number): unknown {
  const text = answerText(error);
  if (text === undefined) return error;
  const { address, model, task } = context;
  if (/\bmodel key is empty/i.test(text)) return missingModel(address, model, error);
  const references = task.references.map((spec) => spec.tensorKey(requestId));
  // Inputs are set by the very same request, so only reference tensors can be missing.
  if (references.length > 0 && /\btensor key is empty/i.test(text)) {
    const message = `${address} lacks ${references.join(', ')} (row ${requestId}): ${text}`;
    return new AibenchError('AIBENCH_MISSING_KEY', message, {
      hint: 'load the same data file into it first: aibench-load-data --set-tensor',
      cause: error,
    });
  }
  const hint = error instanceof AibenchError ? error.hint : undefined;
  const hasMoved = context.cluster && /^(MOVED|ASK) /.test(text);
  return new AibenchError('AIBENCH_SERVER', `${address} answered for row ${requestId}: ${text}`, {
    hint: hasMoved ? "the cluster's slots have moved; set the model up again with aibench-setup-model" : hint,
    cause: error,
  });
}

/** The error for a model that is not there. */
export function missingModel(address: string, model: string, cause: unknown): AibenchError {
  return new AibenchError('AIBENCH_MISSING_KEY', `${address} has no model ${model}`, {
    hint: 'set it up with aibench-setup-model, or name another with --model',
    cause,
  });
}

function isOk(reply: unknown): boolean {
  return Buffer.isBuffer(reply) && reply.length === 2 && reply[0] === 0x4f && reply[1] === 0x4b;
}

/** Says what came instead of an answer; an error among the replies explains the others. */
function wrongForm(context: AnswerContext, replies: RedisReply, requestId: number): unknown {
  const { address, task } = context;
  const list: readonly RedisReply[] = Array.isArray(replies) ? replies : [replies];
  const failed = list.find((reply) => reply instanceof Error);
  if (failed instanceof Error) {
    const cause = new AibenchError('AIBENCH_SERVER', failed.message, { cause: failed });
    return inferenceError(context, cause, requestId);
  }
  const wanted = [
    ...Array.from({ length: task.inputs.length + 1 }, () => 'OK'),
    ...task.outputs.map((spec) => `${tensorSizeBytes(spec)} bytes`),
  ];
  return new AibenchError(
    'AIBENCH_ANSWER',
    `${address} answered for row ${requestId}: ${list.map(shown).join(', ')} instead of ${wanted.join(', ')}`,
    { hint: 'is this the right model? see --model' },
  );
}

function shown(reply: RedisReply): string {
  if (Buffer.isBuffer(reply)) {
    return reply.length <= 16 && /^[\x20-\x7e]+$/.test(reply.toString('latin1'))
      ? reply.toString('latin1')
      : `${reply.length} bytes`;
  }
  return Array.isArray(reply) ? `a list of ${reply.length}` : String(reply);
}
