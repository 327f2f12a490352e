import { AibenchError, type MessageBytes } from '@aibench/core';
import {
  ModelConfigRequest,
  ModelConfigResponse,
  ModelMetadataRequest,
  ModelMetadataResponse,
  type ModelMetadataResponse_TensorMetadata,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadRequest,
  ServerLiveRequest,
  ServerLiveResponse,
  ServerMetadataRequest,
  ServerMetadataResponse,
  ServerReadyRequest,
  ServerReadyResponse,
} from './gen/inference/grpc_service.js';
import type { ModelConfig } from './gen/inference/model_config.js';
import { ModelInstanceGroup_Kind } from './gen/inference/model_config.js';
import { modelCounters } from './model-counters.js';
import type {
  InferringControl,
  ModelConfiguration,
  ModelCounters,
  ModelDescription,
  ModelTensor,
  RepositoryEntry,
  ServerIdentity,
} from './triton-control.js';
import { type TritonMethod, tritonMethod } from './triton-methods.js';

/** What is needed of a gRPC client for control calls. */
export interface ControlCalls {
  /** `host:port`. */
  readonly address: string;
  call(
    path: string,
    message: Uint8Array,
    options?: { readonly timeoutMs?: number },
  ): Promise<{ readonly message: Uint8Array }>;
  close(): Promise<void> | void;
}

/** Loading a model may mean reading gigabytes and starting processes. */
const loadLimitMs = 300_000;

/** A message type of this package. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** {@link InferringControl} over gRPC. */
export class GrpcControl implements InferringControl {
  readonly #calls: ControlCalls;

  constructor(calls: ControlCalls) {
    this.#calls = calls;
  }

  get address(): string {
    return this.#calls.address;
  }

  async serverLive(): Promise<boolean> {
    return (await this.#call('serverLive', ServerLiveRequest, {}, ServerLiveResponse)).live;
  }

  async serverReady(): Promise<boolean> {
    return (await this.#call('serverReady', ServerReadyRequest, {}, ServerReadyResponse)).ready;
  }

  serverMetadata(): Promise<ServerIdentity> {
    return this.#call('serverMetadata', ServerMetadataRequest, {}, ServerMetadataResponse);
  }

  async modelReady(name: string, version: string): Promise<boolean> {
    return (await this.#call('modelReady', ModelReadyRequest, { name, version }, ModelReadyResponse)).ready;
  }

  async modelMetadata(model: string, version: string): Promise<ModelDescription> {
    const request = { name: model, version };
    const answer = await this.#call('modelMetadata', ModelMetadataRequest, request, ModelMetadataResponse);
    const { name, versions, platform, inputs, outputs } = answer;
    return { name, versions, platform, inputs: inputs.map(modelTensor), outputs: outputs.map(modelTensor) };
  }

  async modelConfiguration(name: string, version: string): Promise<ModelConfiguration> {
    const answer = await this.#call(
      'modelConfig',
      ModelConfigRequest,
      { name, version },
      ModelConfigResponse,
    );
    return modelConfiguration(answer.config);
  }

  async modelStatistics(name: string, version: string): Promise<ModelCounters> {
    const request = { name, version };
    const { modelStats } = await this.#call(
      'modelStatistics',
      ModelStatisticsRequest,
      request,
      ModelStatisticsResponse,
    );
    return modelCounters(modelStats);
  }

  async repositoryIndex(): Promise<readonly RepositoryEntry[]> {
    const request = { repositoryName: '', ready: false };
    const answer = await this.#call(
      'repositoryIndex',
      RepositoryIndexRequest,
      request,
      RepositoryIndexResponse,
    );
    return answer.models;
  }

  async loadModel(model: string): Promise<void> {
    const message = RepositoryModelLoadRequest.encode(
      RepositoryModelLoadRequest.fromPartial({ modelName: model }),
    ).finish();
    await this.#calls.call(tritonMethod.repositoryModelLoad, message, { timeoutMs: loadLimitMs });
  }

  async infer(message: MessageBytes): Promise<Uint8Array> {
    const joined = message instanceof Uint8Array ? message : Buffer.concat(message);
    return (await this.#calls.call(tritonMethod.modelInfer, joined)).message;
  }

  async close(): Promise<void> {
    await this.#calls.close();
  }

  async #call<Q, A>(method: TritonMethod, request: Codec<Q>, message: Q, answer: Codec<A>): Promise<A> {
    const encoded = request.encode(message).finish();
    const { message: bytes } = await this.#calls.call(tritonMethod[method], encoded);
    try {
      return answer.decode(bytes);
    } catch (cause) {
      throw new AibenchError('AIBENCH_ANSWER', `${this.address} answered ${method} with no such message`, {
        hint: 'is this a Triton server? see --host',
        cause,
      });
    }
  }
}

function modelTensor({ name, datatype, shape }: ModelMetadataResponse_TensorMetadata): ModelTensor {
  return { name, datatype, shape: shape.map(Number) };
}

const kindNames = Object.fromEntries(
  Object.entries(ModelInstanceGroup_Kind).map(([name, kind]) => [kind, name]),
);

function modelConfiguration(config: ModelConfig | undefined): ModelConfiguration {
  const choice = config?.schedulingChoice;
  const batching = choice?.$case === 'dynamicBatching' ? choice.value : undefined;
  return {
    backend: config?.backend || config?.platform || '',
    maxBatchSize: config?.maxBatchSize ?? 0,
    dynamicBatching: batching && {
      preferredBatchSizes: batching.preferredBatchSize,
      maxQueueDelayUs: Number(batching.maxQueueDelayMicroseconds),
    },
    instances: (config?.instanceGroup ?? []).map(({ kind, count }) => ({
      kind: kindNames[kind] ?? '',
      count,
    })),
  };
}
