import { availableParallelism } from 'node:os';
import { AibenchError } from '@aibench/core';
import type { InferenceEngine, MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel, LoadOptions } from '../inference/inference-model.js';
import { ServerError } from '../inference/server-error.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import { absentModel } from '../model-repository/absent-model.js';
import { ModelRegistry, type RegisterOptions } from './model-registry.js';
import { type AnswerForm, writeAnswer } from './prediction-answer.js';
import type { RegisteredVersion } from './registered-version.js';
import { type RequestBody, readInputs } from './request-inputs.js';
import { handlerError, TorchServeError } from './torchserve-error.js';

/** What the service needs to know. */
export interface TorchServeOptions {
  readonly engine: InferenceEngine;
  readonly load: LoadOptions;
  /** Folder of archives; empty for none. */
  readonly store: string;
  /** Archives to register at once, `all` for every one. */
  readonly startupModels: readonly string[];
  /** What the server calls itself, with its version. */
  readonly engineName: string;
}

/** What was counted of a model's requests, by the version that they asked for. */
export interface RequestCounters {
  requests: number;
  /** Of the answered ones: from request to answer, and of that until a worker had it. */
  inferenceUs: number;
  queueUs: number;
}

/** How a model is registered where the request does not say. */
export const registrationDefaults = {
  ...{ name: '', batchSize: 1, maxBatchDelayMs: 100, responseTimeoutS: 120, startupTimeoutS: 120 },
  ...{ workers: 0, loadedAtStartup: false },
} as const satisfies Partial<RegisterOptions>;

/** What TorchServe's ports have in common. Errors are TorchServeErrors in TorchServe's words. */
export class TorchServeService {
  readonly registry: ModelRegistry;
  readonly engineName: string;
  /** By the model's name, then by the version asked for. */
  readonly counters = new Map<string, Map<string, RequestCounters>>();
  /** What answers for every model that is not registered, where the null model does. */
  readonly #absent: InferenceModel | undefined;
  readonly #engine: InferenceEngine;
  readonly #startupModels: readonly string[];
  readonly #nullAnswers = new Map<AnswerForm, { outputs: readonly ServerTensor[]; bytes: Uint8Array }>();

  constructor({ engine, engineName, load, startupModels, store }: TorchServeOptions) {
    this.registry = new ModelRegistry(store, load);
    this.#absent = absentModel(load);
    this.engineName = engineName;
    this.#engine = engine;
    this.#startupModels = startupModels;
  }

  /**
   * Registers the models that are to be there from the start, with as many workers as there are cores.
   *
   * @throws AIBENCH_INPUT where one is missing or cannot be loaded
   */
  async start(): Promise<void> {
    const all = this.#startupModels.includes('all');
    const urls = all ? await this.registry.archives() : this.#startupModels;
    for (const url of urls) {
      const place = { url, workers: availableParallelism(), loadedAtStartup: true };
      await this.registry.register({ ...registrationDefaults, ...place }).catch((cause: unknown) => {
        if (!(cause instanceof TorchServeError)) throw cause;
        throw new AibenchError('AIBENCH_INPUT', `--torchserve-models: ${cause.message}`, {
          hint: 'archives are named as they lie in --model-store',
          cause,
        });
      });
    }
  }

  /** What models' descriptions tell. */
  describe(versions: readonly RegisteredVersion[]): Record<string, unknown>[] {
    return versions.map((version) => version.describe(this.engineName));
  }

  /** Whether the null model answers whatever is asked, so that nobody needs to look at a request. */
  get answersForAll(): boolean {
    return this.#absent !== undefined && this.registry.isEmpty;
  }

  /** The null model's answer, at once where nothing delays it; the same bytes each time. */
  predictNull(form: AnswerForm): MaybePromise<Uint8Array> {
    return this.#predictNull(this.#absent!, form);
  }

  /** One inference: the answer's bytes. */
  async predict(name: string, version: string, body: RequestBody): Promise<Uint8Array> {
    if (this.#absent !== undefined && !this.registry.has(name)) return this.predictNull(body.kind);
    const registered = this.registry.find(name, version);
    const counters = this.#countersOf(name, version === '' ? 'default' : version);
    counters.requests += 1;
    const startMs = performance.now();
    if ((await registered.queue.enter()) === 'none') throw noWorker(name, version);
    const queueMs = performance.now() - startMs;
    try {
      const answer = await this.#run(registered.archive.model, body);
      counters.inferenceUs += (performance.now() - startMs) * 1_000;
      counters.queueUs += queueMs * 1_000;
      return answer;
    } finally {
      registered.queue.leave();
    }
  }

  async #run(model: InferenceModel, body: RequestBody): Promise<Uint8Array> {
    // Where the null model stands in for a file that cannot be run, there is nothing to compare with.
    if (model.session === undefined) return this.#predictNull(model, body.kind);
    const inputs = readInputs(body, model.session.inputs);
    try {
      const outputs = await this.#engine.infer(model, inputs, model.outputCount);
      return writeAnswer(body.kind, model.outputNames!, outputs);
    } catch (error) {
      throw asTorchServeError(error);
    }
  }

  #predictNull(model: InferenceModel, form: AnswerForm): MaybePromise<Uint8Array> {
    const write = (outputs: readonly ServerTensor[]): Uint8Array => {
      const kept = this.#nullAnswers.get(form);
      if (kept?.outputs === outputs) return kept.bytes;
      const bytes = writeAnswer(form, model.nullOutputNames, outputs);
      this.#nullAnswers.set(form, { outputs, bytes });
      return bytes;
    };
    try {
      const outputs = this.#engine.infer(model, [], model.outputCount);
      if (!(outputs instanceof Promise)) return write(outputs);
      return outputs.then(write, (error: unknown) => {
        throw asTorchServeError(error);
      });
    } catch (error) {
      throw asTorchServeError(error);
    }
  }

  #countersOf(name: string, version: string): RequestCounters {
    const ofModel = this.counters.get(name) ?? new Map<string, RequestCounters>();
    this.counters.set(name, ofModel);
    const counters = ofModel.get(version) ?? { requests: 0, inferenceUs: 0, queueUs: 0 };
    ofModel.set(version, counters);
    return counters;
  }
}

function noWorker(name: string, version: string): TorchServeError {
  const named = version === '' ? `Model "${name}"` : `Model "${name}" Version ${version}`;
  return new TorchServeError(
    503,
    'ServiceUnavailableException',
    `${named} has no worker to serve inference request, or too many requests wait for one. Please use scale workers API to add workers.`,
  );
}

/** What fails in a handler's work, the front end answers with 503. */
function asTorchServeError(error: unknown): unknown {
  if (!(error instanceof ServerError)) return error;
  return handlerError(503, `Prediction failed: ${error.message}`, { cause: error });
}
