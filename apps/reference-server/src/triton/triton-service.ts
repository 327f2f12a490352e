import type { ModelConfig } from '@aibench/triton';
import { GrpcError } from '../grpc/grpc-error.js';
import type { InferenceEngine, MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel } from '../inference/inference-model.js';
import type { ModelStatistics } from '../inference/model-statistics.js';
import { ServerError } from '../inference/server-error.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import { productName } from '../product-name.js';
import { answeredTensor, checkInputs, chosenOutputs, type InferRequest } from './check-request.js';
import { datatypeOf } from './datatype.js';
import type { TritonModel, TritonTensor } from './load-repository-model.js';
import { type RepositoryOptions, TritonRepository } from './triton-repository.js';

/** What the service needs to know. */
export interface TritonOptions extends RepositoryOptions {
  readonly engine: InferenceEngine;
  /** Version of this package. */
  readonly version: string;
}

/** The protocol's extensions that are here. */
const extensions = ['model_repository', 'model_configuration', 'binary_tensor_data', 'statistics'] as const;

/** A named tensor of an answer. */
export type NamedTensor = readonly [string, ServerTensor];

/** What the server says of itself. */
export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** What it says of an input or output. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1 where a request decides. */
  readonly shape: readonly number[];
}

/** What it says of a model. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** What was counted of a version. */
export interface VersionStatistics {
  readonly name: string;
  readonly version: string;
  readonly statistics: ModelStatistics;
}

/** What Triton's protocols, gRPC and HTTP, have in common. Errors are GrpcErrors in Triton's words. */
export class TritonService {
  readonly repository: TritonRepository;
  readonly metadata: ServerMetadata;
  readonly #engine: InferenceEngine;

  constructor(options: TritonOptions) {
    this.repository = new TritonRepository(options);
    this.metadata = { name: productName, version: options.version, extensions };
    this.#engine = options.engine;
  }

  /** Whether a model takes inferences; false also for one that is not there. */
  async isReady(name: string, version: string): Promise<boolean> {
    try {
      await this.repository.find(name, version);
      return true;
    } catch (error) {
      if (error instanceof GrpcError && ['notFound', 'unavailable'].includes(error.status)) return false;
      throw error;
    }
  }

  /** Inputs and outputs of a model. */
  async modelMetadata(name: string, version: string): Promise<ModelMetadata> {
    const model = await this.repository.find(name, version);
    if (model === undefined)
      return { name, versions: [version || '1'], platform: 'null', inputs: [], outputs: [] };
    const ready = this.repository.readyVersions(name).map((each) => String(each.version));
    return {
      name,
      versions: ready,
      platform: model.config.platform,
      // In the order of the configuration, as Triton.
      inputs: inOrder(model.config.input, model.inputs).map(tensorMetadata),
      outputs: inOrder(model.config.output, model.outputs).map(tensorMetadata),
    };
  }

  /** How a model is run; undefined where the null model stands in for it. */
  async modelConfig(name: string, version: string): Promise<ModelConfig | undefined> {
    return (await this.repository.find(name, version))?.config;
  }

  /** What was counted of a model, of all of its versions where none is named, of all models where none is. */
  statistics(name: string, version: string): VersionStatistics[] {
    const { absent } = this.repository;
    const ready = name === '' ? this.repository.allReady() : this.repository.readyVersions(name);
    if (name !== '' && ready.length === 0) {
      if (absent !== undefined) return [{ name, version: version || '1', statistics: absent.statistics }];
      throw new GrpcError('invalidArgument', `requested model '${name}' is not available`);
    }
    const chosen = version === '' ? ready : ready.filter((model) => String(model.version) === version);
    if (name !== '' && chosen.length === 0) {
      throw new GrpcError('invalidArgument', `requested model version is not available for model '${name}'`);
    }
    return chosen.map(({ name: own, version: number, model: { statistics } }) => ({
      ...{ name: own, version: String(number), statistics },
    }));
  }

  /** What was counted of every version that takes inferences, for the metrics. */
  allStatistics(): VersionStatistics[] {
    return this.statistics('', '');
  }

  /**
   * One inference on a model of the repository.
   *
   * @param startMs when the request began to be read, `performance.now()`
   * @param encode writes the answer; its time is counted
   */
  async infer<T>(
    model: TritonModel,
    request: InferRequest,
    startMs: number,
    encode: (outputs: readonly NamedTensor[]) => T,
  ): Promise<T> {
    const { model: runnable } = model;
    // Where the null model stands in for a file that cannot be run, there is nothing to compare with.
    if (runnable.session === undefined)
      return encode(nameNullOutputs(runnable, await this.inferNull(runnable)));
    const chosen = chosenOutputs(request, model);
    const inputs = checkInputs(request, model);
    const runStartMs = performance.now();
    const outputs = await this.#run(runnable, inputs);
    const encodeStartMs = performance.now();
    const answer = encode(
      chosen.map((index) => {
        const declared = model.outputs[index]!;
        return [declared.name, answeredTensor(outputs[index]!, declared)];
      }),
    );
    const samples = inputs[0]?.batchSize ?? 1;
    runnable.statistics.recordTransfer(runStartMs - startMs, performance.now() - encodeStartMs, samples);
    return answer;
  }

  /** One answer of the null model, at once where nothing delays it; {@link nameNullOutputs} names its tensors. */
  inferNull(model: InferenceModel): MaybePromise<readonly ServerTensor[]> {
    return this.#run(model, []);
  }

  #run(model: InferenceModel, inputs: readonly ServerTensor[]): MaybePromise<readonly ServerTensor[]> {
    try {
      const outputs = this.#engine.infer(model, inputs, model.outputCount);
      return outputs instanceof Promise ? outputs.catch(asGrpcError) : outputs;
    } catch (error) {
      return asGrpcError(error);
    }
  }
}

/** The null model's answer under the names that it was given. */
export function nameNullOutputs(model: InferenceModel, tensors: readonly ServerTensor[]): NamedTensor[] {
  return model.nullOutputNames.map((name, index) => [name, tensors[index]!]);
}

function inOrder(
  config: readonly { readonly name: string }[],
  tensors: readonly (TritonTensor | undefined)[],
): TritonTensor[] {
  return config.flatMap(({ name }) => tensors.find((tensor) => tensor?.name === name) ?? []);
}

function tensorMetadata({ name, type, shape }: TritonTensor): TensorMetadata {
  return { name, datatype: datatypeOf(type), shape: shape.map((extent) => extent ?? -1) };
}

/** Triton calls what fails in a back end internal. */
function asGrpcError(error: unknown): never {
  if (error instanceof ServerError) throw new GrpcError('internal', error.message, { cause: error });
  throw error;
}
