import { AibenchError } from '@aibench/core';
import type { ControlClient } from '@aibench/grpc';
import {
  GetModelMetadataRequest,
  GetModelMetadataResponse,
} from './gen/tensorflow_serving/apis/get_model_metadata.js';
import {
  GetModelStatusRequest,
  GetModelStatusResponse,
  ModelVersionStatus_State,
} from './gen/tensorflow_serving/apis/get_model_status.js';
import { tfServingMethods } from './methods.js';
import { formatModel, type ModelChoice, modelSpec } from './model-choice.js';
import { type ModelSignature, readSignature, signatureField } from './model-signature.js';

/** What is needed of a gRPC client for set-up calls. */
export type ControlCalls = Pick<ControlClient, 'address' | 'call'>;

/** Where a version of a model is on its way. */
export interface ModelVersion {
  readonly version: number;
  /** `AVAILABLE` where it answers; `START`, `LOADING`, `UNLOADING`, `END`. */
  readonly state: string;
  /** Why it is no longer there; empty where nothing went wrong. */
  readonly error: string;
}

/** What a server tells of a model, and of itself. */
export interface ModelStatus {
  readonly versions: readonly ModelVersion[];
  /** The answer's header `server`, by which the reference server makes itself known; TensorFlow Serving has none. */
  readonly serverHeader: string | undefined;
}

/** Who answers. */
export interface ServerIdentity {
  readonly product: string;
  /** `unknown` for TensorFlow Serving, which tells neither its name nor its version. */
  readonly version: string;
  readonly isReference: boolean;
}

/** What the reference server calls itself. */
const referenceProduct = 'aibench-reference-server';

const stateNames = new Map<number, string>(
  Object.entries(ModelVersionStatus_State).map(([name, state]) => [state, name]),
);

const modelHint =
  'set it up with aibench-setup-model --server tfserving, or name another with --model and --model-version';

/**
 * Asks for the versions of a model: all of them, or the one that is chosen.
 *
 * @throws AIBENCH_SERVER with status NOT_FOUND where it is not there, telling the versions that are
 */
export async function askModelStatus(calls: ControlCalls, choice: ModelChoice): Promise<ModelStatus> {
  try {
    return await callModelStatus(calls, choice);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw await missingModel(calls, choice, error);
  }
}

/** Who has given an answer, by its header `server`. */
export function identifyServer(serverHeader = ''): ServerIdentity {
  const [product = '', version = 'unknown'] = serverHeader.split('/');
  return product === referenceProduct
    ? { product, version, isReference: true }
    : { product: 'TensorFlow Serving', version: 'unknown', isReference: false };
}

async function callModelStatus(calls: ControlCalls, { model, version }: ModelChoice): Promise<ModelStatus> {
  const request = GetModelStatusRequest.create({ modelSpec: modelSpec({ model, version }) });
  const answer = await calls.call(
    tfServingMethods.getModelStatus,
    GetModelStatusRequest.encode(request).finish(),
  );
  const { modelVersionStatus } = decode(calls, GetModelStatusResponse, answer.message);
  return {
    versions: modelVersionStatus.map((each) => ({
      version: each.version,
      state: stateNames.get(each.state) ?? `${each.state}`,
      error: each.status?.errorMessage ?? '',
    })),
    serverHeader: answer.metadata['server'],
  };
}

async function missingModel(calls: ControlCalls, choice: ModelChoice, cause: unknown): Promise<AibenchError> {
  const { model, version } = choice;
  let others = '';
  if (version !== undefined) {
    const found = await callModelStatus(calls, { model }).catch(() => undefined);
    others = found === undefined ? '' : `, but ${formatVersions(found.versions)}`;
  }
  const message = `${calls.address} has no ${formatModel(choice)}${others}`;
  return new AibenchError('AIBENCH_SERVER', message, { status: 'NOT_FOUND', hint: modelHint, cause });
}

/** Versions in words: `1 AVAILABLE, 2 END (cannot be read)`. */
export function formatVersions(versions: readonly ModelVersion[]): string {
  const texts = versions.map(
    ({ version, state, error }) => `${version} ${state}${error === '' ? '' : ` (${error})`}`,
  );
  return texts.length === 0 ? 'no version' : texts.join(', ');
}

/**
 * Sees that a model answers: one of its versions, or the one that is chosen, is AVAILABLE.
 *
 * @returns the version that answers, the newest where none is chosen
 * @throws AIBENCH_SERVER telling where the versions are on their way
 */
export function availableVersion(
  address: string,
  choice: ModelChoice,
  versions: readonly ModelVersion[],
): number {
  const ready = versions.filter(({ state }) => state === 'AVAILABLE').map(({ version }) => version);
  const newest = Math.max(...ready);
  if (Number.isFinite(newest)) return newest;
  throw new AibenchError(
    'AIBENCH_SERVER',
    `${address}: ${formatModel(choice)} does not answer yet: ${formatVersions(versions)}`,
    {
      status: 'UNAVAILABLE',
      hint: "aibench-setup-model waits for it; the server's log says why a model fails to load",
    },
  );
}

/**
 * Asks for a model's signature.
 *
 * @throws AIBENCH_ANSWER where it has no such signature, AIBENCH_SERVER where it is not there
 */
export async function askSignature(calls: ControlCalls, choice: ModelChoice): Promise<ModelSignature> {
  const { model, version } = choice;
  const request = GetModelMetadataRequest.create({
    modelSpec: modelSpec({ model, version }),
    metadataField: [signatureField],
  });
  const { message } = await calls.call(
    tfServingMethods.getModelMetadata,
    GetModelMetadataRequest.encode(request).finish(),
  );
  const response = decode(calls, GetModelMetadataResponse, message);
  try {
    return readSignature(response, choice.signature);
  } catch (cause) {
    throw aboutModel(calls.address, choice, cause);
  }
}

/** An error about a model, with its server and the model's name before it. */
export function aboutModel(address: string, choice: ModelChoice, cause: unknown): unknown {
  if (!(cause instanceof AibenchError)) return cause;
  const { code, message, hint, status } = cause;
  return new AibenchError(code, `${address}, ${formatModel(choice)}: ${message}`, { hint, status, cause });
}

function isNotFound(error: unknown): boolean {
  return error instanceof AibenchError && error.status === 'NOT_FOUND';
}

function decode<T>(
  { address }: ControlCalls,
  message: { readonly decode: (bytes: Uint8Array) => T },
  bytes: Uint8Array,
): T {
  try {
    return message.decode(bytes);
  } catch (cause) {
    throw new AibenchError('AIBENCH_ANSWER', `${address} answered with bytes that are no such message`, {
      hint: 'is it TensorFlow Serving?',
      cause,
    });
  }
}
