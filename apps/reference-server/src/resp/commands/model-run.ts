import type { InferenceEngine, MaybePromise } from '../../inference/inference-engine.js';
import { ServerError } from '../../inference/server-error.js';
import type { ServerTensor } from '../../inference/server-tensor.js';
import { ReplyError } from '../reply-error.js';
import type { ModelCall } from './model-call.js';

/** What a model answered, or that it took longer than the client would wait. */
export type Answer = readonly ServerTensor[] | 'timed out';

/**
 * Runs a model for a command.
 *
 * @throws ReplyError when the model fails, also as a rejection
 */
export function inferWithin(
  engine: InferenceEngine,
  call: ModelCall,
  inputs: readonly ServerTensor[],
): MaybePromise<Answer> {
  try {
    const answer = engine.infer(call.model.model, inputs, call.outputs.length);
    if (!(answer instanceof Promise)) return answer;
    const reported = answer.catch(asReplyError);
    return call.timeoutMs === undefined ? reported : within(reported, call.timeoutMs);
  } catch (error) {
    return asReplyError(error);
  }
}

/** The promise's value, or `'timed out'` when it takes longer. What it computes goes on to its end, unheard. */
export function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | 'timed out'> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve('timed out'), Math.min(timeoutMs, 2 ** 31 - 1));
    promise.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

function asReplyError(error: unknown): never {
  if (error instanceof ServerError) throw new ReplyError(`ERR ${error.message}`, { cause: error });
  throw error;
}
