import {
  Empty,
  PredictionResponse,
  PredictionsRequest,
  TorchServeHealthResponse,
  torchServeMethod,
} from '@aibench/torchserve';
import { GrpcError } from '../grpc/grpc-error.js';
import type { GrpcHandler } from '../grpc/grpc-service.js';
import type { MaybePromise } from '../inference/inference-engine.js';
import { TorchServeError } from './torchserve-error.js';
import type { TorchServeService } from './torchserve-service.js';

/** What TorchServe's port for inferences over gRPC answers. */
export function torchServeHandlers(service: TorchServeService): ReadonlyMap<string, GrpcHandler> {
  const health = TorchServeHealthResponse.encode({
    health: JSON.stringify({ status: 'Healthy' }, undefined, 2),
  }).finish();
  const nullPrediction = keptNullPrediction(service);
  return new Map<string, GrpcHandler>([
    [
      torchServeMethod.ping,
      (bytes) => {
        decode(Empty, bytes, 'Empty');
        return health;
      },
    ],
    [torchServeMethod.predictions, (bytes) => nullPrediction() ?? predict(service, bytes)],
  ]);
}

/** The null model's answer to whatever is asked, whose bytes are kept; undefined where models are told apart. */
function keptNullPrediction(service: TorchServeService): () => MaybePromise<Uint8Array> | undefined {
  let kept: { readonly prediction: Uint8Array; readonly bytes: Uint8Array } | undefined;
  const write = (prediction: Uint8Array): Uint8Array => {
    if (kept?.prediction !== prediction) {
      kept = { prediction, bytes: PredictionResponse.encode({ prediction }).finish() };
    }
    return kept.bytes;
  };
  return () => {
    if (!service.answersForAll) return undefined;
    try {
      const prediction = service.predictNull('binary');
      if (!(prediction instanceof Promise)) return write(prediction);
      return prediction.then(write, (error: unknown) => {
        throw asGrpcError(error);
      });
    } catch (error) {
      throw asGrpcError(error);
    }
  };
}

async function predict(service: TorchServeService, bytes: Uint8Array): Promise<Uint8Array> {
  const { input, modelName, modelVersion } = decode(PredictionsRequest, bytes, 'PredictionsRequest');
  try {
    if (modelName === '') {
      throw new TorchServeError(400, 'BadRequestException', 'Parameter model_name is required.');
    }
    const parts = new Map(Object.entries(input));
    const prediction = await service.predict(modelName, modelVersion, { kind: 'binary', parts });
    return PredictionResponse.encode({ prediction }).finish();
  } catch (error) {
    throw asGrpcError(error);
  }
}

function decode<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array, name: string): T {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw new GrpcError('internal', `the request is no ${name}`, { cause });
  }
}

function asGrpcError(error: unknown): unknown {
  return error instanceof TorchServeError ? error.asGrpcError() : error;
}
