import {
  ModelConfig,
  ModelConfigRequest,
  ModelConfigResponse,
  ModelMetadataRequest,
  ModelMetadataResponse,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadRequest,
  RepositoryModelLoadResponse,
  RepositoryModelUnloadRequest,
  RepositoryModelUnloadResponse,
  ServerLiveRequest,
  ServerLiveResponse,
  ServerMetadataRequest,
  ServerMetadataResponse,
  ServerReadyRequest,
  ServerReadyResponse,
  tritonMethod,
} from '@aibench/triton';
import { GrpcError } from '../grpc/grpc-error.js';
import type { GrpcHandler } from '../grpc/grpc-service.js';
import type { MaybePromise } from '../inference/inference-engine.js';
import { InferMethod } from './infer-method.js';
import { statisticsMessage } from './statistics-message.js';
import type { TensorMetadata, TritonService } from './triton-service.js';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** What Triton's gRPC port answers. */
export function tritonHandlers(service: TritonService): ReadonlyMap<string, GrpcHandler> {
  const { repository } = service;
  const infer = new InferMethod(service);
  return new Map<string, GrpcHandler>([
    [tritonMethod.modelInfer, (request) => infer.answer(request)],
    method('serverLive', ServerLiveRequest, ServerLiveResponse, () => ({ live: true })),
    method('serverReady', ServerReadyRequest, ServerReadyResponse, () => ({ ready: true })),
    method('modelReady', ModelReadyRequest, ModelReadyResponse, async ({ name, version }) => ({
      ready: await service.isReady(name, version),
    })),
    method('serverMetadata', ServerMetadataRequest, ServerMetadataResponse, () => ({
      ...service.metadata,
      extensions: [...service.metadata.extensions],
    })),
    method('modelMetadata', ModelMetadataRequest, ModelMetadataResponse, async ({ name, version }) => {
      const metadata = await service.modelMetadata(name, version);
      return {
        ...metadata,
        versions: [...metadata.versions],
        inputs: metadata.inputs.map(tensorMessage),
        outputs: metadata.outputs.map(tensorMessage),
      };
    }),
    method('modelConfig', ModelConfigRequest, ModelConfigResponse, async ({ name, version }) => ({
      config: (await service.modelConfig(name, version)) ?? ModelConfig.create({ name, platform: 'null' }),
    })),
    method('modelStatistics', ModelStatisticsRequest, ModelStatisticsResponse, ({ name, version }) => ({
      modelStats: service.statistics(name, version).map(statisticsMessage),
    })),
    method('repositoryIndex', RepositoryIndexRequest, RepositoryIndexResponse, async ({ ready }) => ({
      models: await repository.index(ready),
    })),
    method(
      'repositoryModelLoad',
      RepositoryModelLoadRequest,
      RepositoryModelLoadResponse,
      async (request) => {
        if (Object.keys(request.parameters).length > 0) {
          throw new GrpcError(
            'unimplemented',
            'this server loads models as they lie in the repository, without parameters',
          );
        }
        await repository.load(request.modelName);
        return {};
      },
    ),
    method(
      'repositoryModelUnload',
      RepositoryModelUnloadRequest,
      RepositoryModelUnloadResponse,
      ({ modelName }) => {
        repository.unload(modelName);
        return {};
      },
    ),
  ]);
}

function method<Req, Res>(
  name: keyof typeof tritonMethod,
  request: Codec<Req>,
  response: Codec<Res>,
  answer: (request: Req) => MaybePromise<Res>,
): [string, GrpcHandler] {
  return [
    tritonMethod[name],
    async (bytes) => {
      let message: Req;
      try {
        message = request.decode(bytes);
      } catch (cause) {
        throw new GrpcError('internal', 'the request cannot be parsed', { cause });
      }
      return response.encode(await answer(message)).finish();
    },
  ];
}

function tensorMessage({ name, datatype, shape }: TensorMetadata) {
  return { name, datatype, shape: shape.map((extent) => BigInt(extent)) };
}
