import {
  GetModelMetadataRequest,
  GetModelMetadataResponse,
  GetModelStatusRequest,
  GetModelStatusResponse,
  ModelVersionStatus_State,
  SignatureDefMap,
  TensorInfo,
  tfServingMethods,
} from '@aibench/tfserving';
import { GrpcError, grpcStatus } from '../grpc/grpc-error.js';
import type { GrpcHandler } from '../grpc/grpc-service.js';
import type { InferenceEngine } from '../inference/inference-engine.js';
import type { LoadOptions } from '../inference/inference-model.js';
import type { TensorDeclaration } from '../inference/onnx-session.js';
import { ModelVersions } from '../model-repository/model-versions.js';
import type { ServedModel } from '../model-repository/served-model.js';
import { loadSavedModel } from './load-saved-model.js';
import { type RequestedModel, requestedModel, servableNotFound } from './model-spec.js';
import { defaultSignature } from './predict.js';
import { PredictMethod } from './predict-method.js';
import { dataTypeOf } from './tensor-proto.js';
import { TfServingMetrics } from './tfserving-metrics.js';

/** What TensorFlow Serving's services need to know. */
export interface TfServingOptions {
  readonly engine: InferenceEngine;
  readonly load: LoadOptions;
  /** Empty: no models. */
  readonly modelsFolder: string;
}

/** The field of a model's metadata that there is. */
const signatureField = 'signature_def';

/** TensorFlow Serving's services: predictions, metadata and status of SavedModels in a folder. */
export class TfServingService {
  readonly metrics = new TfServingMetrics();
  readonly models: ModelVersions<ServedModel>;
  readonly #isNull: boolean;
  readonly #predict: PredictMethod;

  constructor({ engine, load, modelsFolder }: TfServingOptions) {
    this.models = new ModelVersions(modelsFolder, (name, version, folder) =>
      loadSavedModel(name, version, folder, load),
    );
    this.#isNull = load.nullModel;
    this.#predict = new PredictMethod({ engine, load, metrics: this.metrics, models: this.models });
  }

  /** What its gRPC port answers. */
  handlers(): ReadonlyMap<string, GrpcHandler> {
    return new Map<string, GrpcHandler>([
      [tfServingMethods.predict, (request) => this.#predict.answer(request)],
      [tfServingMethods.getModelStatus, (request) => this.#status(request)],
      [tfServingMethods.getModelMetadata, (request) => this.#metadata(request)],
    ]);
  }

  async #status(bytes: Uint8Array): Promise<Uint8Array> {
    const { modelSpec } = decode(GetModelStatusRequest, bytes);
    const requested = requestedModel(modelSpec);
    const { name, version } = requested;
    // As the real one polls its folders, what was written since is found here.
    await this.models.scan(name);
    const all = this.models.versions(name);
    const chosen = version === undefined ? all : all.filter(([number]) => number === version);
    if (chosen.length === 0 && this.#isNull) return encodeStatus([[version ?? 1, '']]);
    if (chosen.length === 0) {
      throw new GrpcError(
        'notFound',
        version === undefined
          ? `Could not find any versions of model ${name}`
          : `Could not find version ${version} of model ${name}`,
      );
    }
    return encodeStatus(chosen.map(([number, loaded]) => [number, 'error' in loaded ? loaded.error : '']));
  }

  async #metadata(bytes: Uint8Array): Promise<Uint8Array> {
    const { metadataField, modelSpec } = decode(GetModelMetadataRequest, bytes);
    const requested = requestedModel(modelSpec);
    if (metadataField.length === 0) {
      throw new GrpcError(
        'invalidArgument',
        'GetModelMetadataRequest must specify at least one metadata_field',
      );
    }
    const unknown = metadataField.find((field) => field !== signatureField);
    if (unknown !== undefined) {
      throw new GrpcError('invalidArgument', `Metadata field ${unknown} is not supported`);
    }
    await this.models.scan(requested.name);
    const model = this.models.find(requested.name, requested.version);
    if (model === undefined && !this.#isNull) throw servableNotFound(requested);
    return encodeMetadata(requested, model);
  }
}

interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

function decode<T>(message: Decoder<T>, bytes: Uint8Array): T {
  try {
    return message.decode(bytes);
  } catch (cause) {
    throw new GrpcError('internal', 'the request cannot be parsed', { cause });
  }
}

/** @param versions each with why it could not be loaded, empty where it was */
function encodeStatus(versions: readonly (readonly [number, string])[]): Uint8Array {
  return GetModelStatusResponse.encode({
    modelVersionStatus: versions.map(([version, errorMessage]) => ({
      version,
      state: errorMessage === '' ? ModelVersionStatus_State.AVAILABLE : ModelVersionStatus_State.END,
      status: {
        errorCode: errorMessage === '' ? grpcStatus.ok : grpcStatus.invalidArgument,
        errorMessage,
      },
    })),
  }).finish();
}

/** @param model undefined where the null model stands in for it, which has no inputs and no outputs */
function encodeMetadata({ name, version }: RequestedModel, model: ServedModel | undefined): Uint8Array {
  const signatures = SignatureDefMap.encode({
    signatureDef: {
      [defaultSignature]: {
        inputs: tensorInfos(model?.inputs ?? []),
        outputs: tensorInfos(model?.outputs ?? []),
        methodName: 'tensorflow/serving/predict',
      },
    },
  }).finish();
  return GetModelMetadataResponse.encode({
    modelSpec: {
      name,
      versionChoice: { $case: 'version', value: model?.version ?? version ?? 1 },
      signatureName: '',
    },
    metadata: {
      [signatureField]: {
        typeUrl: 'type.googleapis.com/tensorflow.serving.SignatureDefMap',
        value: signatures,
      },
    },
  }).finish();
}

function tensorInfos(tensors: readonly TensorDeclaration[]): Record<string, TensorInfo> {
  return Object.fromEntries(
    tensors.map(({ name, type, shape }) => [
      name,
      TensorInfo.create({
        encoding: { $case: 'name', value: `${name}:0` },
        dtype: dataTypeOf(type),
        tensorShape: { dim: shape.map((extent) => ({ size: extent ?? -1 })), unknownRank: false },
      }),
    ]),
  );
}
