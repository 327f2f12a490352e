import type { AnswerFaults } from '../faults/answer-faults.js';
import type { ServiceQueue } from '../faults/service-queue.js';
import type { InferenceModel } from './inference-model.js';
import type { AnswerTimes } from './model-statistics.js';
import type { ServerTensor } from './server-tensor.js';

/** How the engine answers. */
export interface EngineOptions {
  /** Answer zeros at once instead of running the model. */
  readonly nullModel: boolean;
  /** When answers are given: delays, stalls, concurrency. */
  readonly service: ServiceQueue;
  /** Which answers are errors, and which are wrong. */
  readonly faults: AnswerFaults;
}

/** Tensors at once, or when they are ready. Without delays the null model answers at once, with no promise made. */
export type MaybePromise<T> = T | Promise<T>;

/** Times of what takes none worth measuring. */
const atOnce: AnswerTimes = { durationMs: 0, queueMs: 0 };

/** Where every protocol's inferences go: runs models, applies the injected faults, keeps statistics. */
export class InferenceEngine {
  readonly #options: EngineOptions;
  /** Inferences asked for since the start. */
  requests = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /**
   * One inference.
   *
   * @param outputCount how many outputs the request names; only counts where the model's own are not known
   * @throws ServerError, also as a rejection
   */
  infer(
    model: InferenceModel,
    inputs: readonly ServerTensor[],
    outputCount: number,
  ): MaybePromise<readonly ServerTensor[]> {
    this.requests += 1;
    const { service, nullModel } = this.#options;
    if (nullModel && service.isImmediate) return this.#answerAtOnce(model, inputs, outputCount);
    return this.#answerLater(model, inputs, outputCount);
  }

  #answerAtOnce(
    model: InferenceModel,
    inputs: readonly ServerTensor[],
    outputCount: number,
  ): readonly ServerTensor[] {
    const samples = inputs[0]?.batchSize ?? 1;
    const { faults } = this.#options;
    try {
      const outputs = faults.pass(model.nullOutputs(samples, outputCount));
      model.statistics.recordSuccess(atOnce, samples);
      return outputs;
    } catch (error) {
      model.statistics.recordError(0);
      throw error;
    }
  }

  async #answerLater(
    model: InferenceModel,
    inputs: readonly ServerTensor[],
    outputCount: number,
  ): Promise<readonly ServerTensor[]> {
    const samples = inputs[0]?.batchSize ?? 1;
    const { faults, nullModel, service } = this.#options;
    const { statistics } = model;
    const startMs = performance.now();
    let runMs = 0;
    statistics.pending += 1;
    try {
      const { value, heldMs } = await service.serve(async () => {
        if (nullModel) return faults.pass(model.nullOutputs(samples, outputCount));
        const { outputs, durationMs } = await model.run(inputs);
        runMs = durationMs;
        return faults.pass(outputs);
      });
      const durationMs = Math.max(runMs, heldMs);
      const queueMs = Math.max(0, performance.now() - startMs - durationMs);
      statistics.recordSuccess({ durationMs, queueMs }, samples);
      return value;
    } catch (error) {
      statistics.recordError(performance.now() - startMs);
      throw error;
    } finally {
      statistics.pending -= 1;
    }
  }
}
