import type { PredictRequest } from '@aibench/tfserving';
import { GrpcError } from '../grpc/grpc-error.js';
import type { InferenceEngine, MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel, LoadOptions } from '../inference/inference-model.js';
import { ServerError } from '../inference/server-error.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import { absentModel } from '../model-repository/absent-model.js';
import type { ModelVersions } from '../model-repository/model-versions.js';
import type { ServedModel } from '../model-repository/served-model.js';
import { modelSpecKey, requestedModel, servableNotFound } from './model-spec.js';
import { chosenOutputs, decodePredictRequest, encodePredictResponse, readInputs } from './predict.js';
import type { ModelMetrics, TfServingMetrics } from './tfserving-metrics.js';

/** What Predict works with. */
export interface PredictOptions {
  readonly engine: InferenceEngine;
  readonly load: LoadOptions;
  readonly metrics: TfServingMetrics;
  readonly models: ModelVersions<ServedModel>;
}

/** The null model's answer to one model spec, kept because calibration asks for nothing else. */
interface NullAnswer {
  readonly name: string;
  readonly version: number;
  readonly metrics: ModelMetrics;
  /** What the bytes were written from; another array of tensors is another answer. */
  outputs: readonly ServerTensor[] | undefined;
  bytes: Uint8Array;
}

/** So many model specs have a kept answer. */
const mostNullAnswers = 64;

/** The call Predict. */
export class PredictMethod {
  readonly #options: PredictOptions;
  readonly #absent: InferenceModel | undefined;
  readonly #nullAnswers = new Map<string, NullAnswer>();

  constructor(options: PredictOptions) {
    this.#options = options;
    this.#absent = absentModel(options.load);
  }

  /** @throws GrpcError, also as a rejection */
  answer(request: Uint8Array): MaybePromise<Uint8Array> {
    if (this.#absent === undefined) return this.#predict(request);
    const key = modelSpecKey(request);
    const kept = key === undefined ? undefined : this.#nullAnswers.get(key);
    return kept === undefined ? this.#predict(request, key) : this.#inferNull(this.#absent, kept);
  }

  async #predict(bytes: Uint8Array, key?: string): Promise<Uint8Array> {
    const startMs = performance.now();
    const request = decodePredictRequest(bytes);
    const requested = requestedModel(request.modelSpec);
    const metrics = this.#options.metrics.of(requested.name);
    try {
      const model = await this.#find(requested.name, requested.version);
      if (model === undefined && this.#absent === undefined) throw servableNotFound(requested);
      if (model === undefined) {
        const { name, version = 1 } = requested;
        const kept: NullAnswer = { name, version, metrics, outputs: undefined, bytes: new Uint8Array(0) };
        if (key !== undefined && this.#nullAnswers.size < mostNullAnswers) this.#nullAnswers.set(key, kept);
        return await this.#inferNull(this.#absent!, kept);
      }
      const answer = await this.#infer(request, model, metrics, startMs);
      metrics.recordRequest('OK', (performance.now() - startMs) * 1_000);
      return answer;
    } catch (error) {
      const known = asGrpcError(error);
      metrics.recordRequest(statusLabel(known), 0);
      throw known;
    }
  }

  async #find(name: string, version: number | undefined): Promise<ServedModel | undefined> {
    const { models } = this.#options;
    const found = models.find(name, version);
    if (found !== undefined) return found;
    await models.scan(name);
    return models.find(name, version);
  }

  async #infer(
    request: PredictRequest,
    served: ServedModel,
    metrics: ModelMetrics,
    startMs: number,
  ): Promise<Uint8Array> {
    const { model, name, version } = served;
    // Where the null model stands in for a file that cannot be run, there is nothing to compare with.
    const inputs = model.session === undefined ? [] : readInputs(request, served);
    const chosen = chosenOutputs(request, served);
    const runStartMs = performance.now();
    const outputs = await this.#options.engine.infer(model, inputs, model.outputCount);
    const encodeStartMs = performance.now();
    metrics.recordRun((encodeStartMs - runStartMs) * 1_000);
    const named =
      model.session === undefined
        ? nameNullOutputs(model, outputs)
        : chosen.map((index) => [served.outputs[index]!.name, outputs[index]!] as const);
    const answer = encodePredictResponse(name, version, named);
    const samples = inputs[0]?.batchSize ?? 1;
    model.statistics.recordTransfer(runStartMs - startMs, performance.now() - encodeStartMs, samples);
    return answer;
  }

  #inferNull(model: InferenceModel, kept: NullAnswer): MaybePromise<Uint8Array> {
    const encode = (outputs: readonly ServerTensor[]): Uint8Array => {
      if (outputs !== kept.outputs) {
        kept.bytes = encodePredictResponse(kept.name, kept.version, nameNullOutputs(model, outputs));
        kept.outputs = outputs;
      }
      kept.metrics.recordRequest('OK', 0);
      return kept.bytes;
    };
    const fail = (error: unknown): never => {
      const known = asGrpcError(error);
      kept.metrics.recordRequest(statusLabel(known), 0);
      throw known;
    };
    try {
      const outputs = this.#options.engine.infer(model, [], model.outputCount);
      return outputs instanceof Promise ? outputs.then(encode, fail) : encode(outputs);
    } catch (error) {
      return fail(error);
    }
  }
}

function nameNullOutputs(
  model: InferenceModel,
  outputs: readonly ServerTensor[],
): (readonly [string, ServerTensor])[] {
  return model.nullOutputNames.map((name, index) => [name, outputs[index]!] as const);
}

/** What TensorFlow says of a run that failed is about its arguments nearly always. */
function asGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (error instanceof ServerError) return new GrpcError('invalidArgument', error.message, { cause: error });
  return new GrpcError('internal', (error as Error).message, { cause: error });
}

/** A status as TensorFlow names it: `NOT_FOUND`. */
function statusLabel({ status }: GrpcError): string {
  return status.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
