import type { MessageBytes } from '@aibench/core';

/** Who answers. */
export interface ServerIdentity {
  /** `triton`, or what another server of the protocol calls itself. */
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** A tensor of a model, as a server describes it. */
export interface ModelTensor {
  readonly name: string;
  /** `FP32`. */
  readonly datatype: string;
  /** The batch first, where the server batches; -1 is an extent that each request decides. */
  readonly shape: readonly number[];
}

/** A model, as a server describes it. */
export interface ModelDescription {
  readonly name: string;
  /** Those that take inferences. */
  readonly versions: readonly string[];
  /** Format and back end: `onnxruntime_onnx`. */
  readonly platform: string;
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}

/** How Triton runs a model. */
export interface ModelConfiguration {
  readonly backend: string;
  /** Most rows in one run; 0 where the model has no batch dimension. */
  readonly maxBatchSize: number;
  /** Undefined where requests are not joined. */
  readonly dynamicBatching: DynamicBatching | undefined;
  readonly instances: readonly InstanceGroup[];
}

/** How requests are joined. */
export interface DynamicBatching {
  readonly preferredBatchSizes: readonly number[];
  readonly maxQueueDelayUs: number;
}

/** Copies of a model that run side by side. */
export interface InstanceGroup {
  /** `KIND_CPU`, `KIND_GPU`, .. */
  readonly kind: string;
  readonly count: number;
}

/** A model in the repository. */
export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
  /** `READY`, `UNAVAILABLE`, `LOADING`; empty where it was never loaded. */
  readonly state: string;
  readonly reason: string;
}

/** What a model has done since it was loaded: flat, as numbers, under Triton's own names joined by dots. */
export type ModelCounters = Readonly<Record<string, number>>;

/**
 * The calls of the Open Inference Protocol and of Triton's extensions that are
 * made before and beside a load, over gRPC or over HTTP.
 *
 * Every call throws AIBENCH_CONNECTION, AIBENCH_TIMEOUT or AIBENCH_SERVER, whose
 * `status` is gRPC's or HTTP's: `NOT_FOUND`, `404`.
 */
export interface TritonControl {
  /** `host:port`. */
  readonly address: string;
  serverLive(): Promise<boolean>;
  serverReady(): Promise<boolean>;
  serverMetadata(): Promise<ServerIdentity>;
  modelReady(model: string, version: string): Promise<boolean>;
  modelMetadata(model: string, version: string): Promise<ModelDescription>;
  modelConfiguration(model: string, version: string): Promise<ModelConfiguration>;
  modelStatistics(model: string, version: string): Promise<ModelCounters>;
  repositoryIndex(): Promise<readonly RepositoryEntry[]>;
  /** Loads a model, or loads it anew; the server must be in explicit mode. Answered once the model is there. */
  loadModel(model: string): Promise<void>;
  close(): Promise<void>;
}

/** A control connection that can infer, too. */
export interface InferringControl extends TritonControl {
  /** One inference; for set-ups, not for loads. @returns an encoded `ModelInferResponse` */
  infer(message: MessageBytes): Promise<Uint8Array>;
}

/** Whether an error says that there is no such model, version or call. */
export function isNotFound(error: unknown): boolean {
  const { status } = error as { readonly status?: string };
  return status === 'NOT_FOUND' || status === '404';
}

/** Whether an error says that the server does not have a call: other servers lack Triton's extensions. */
export function isUnimplemented(error: unknown): boolean {
  const { status } = error as { readonly status?: string };
  return status === 'UNIMPLEMENTED' || status === '404' || status === '405' || status === '501';
}
