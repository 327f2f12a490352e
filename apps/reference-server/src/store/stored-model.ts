import { InferenceModel, type NullOutput } from '../inference/inference-model.js';

/** How requests to a model are to be put together. Kept and reported; this server does not batch. */
export interface BatchOptions {
  /** Largest batch; 0 is no batching. */
  readonly batchSize: number;
  /** Least number of samples before a batch is run; 0 is none. */
  readonly minBatchSize: number;
  /** How long to wait for them, in ms; 0 is for ever. */
  readonly minBatchTimeoutMs: number;
}

/** A model under a key, with what its owner said of it. */
export class StoredModel {
  readonly model: InferenceModel;
  /** As it was given: `CPU`. */
  readonly device: string;
  /** A label of the owner's; binary text, empty where none was given. */
  readonly tag: string;
  readonly batch: BatchOptions;

  constructor(model: InferenceModel, device: string, tag: string, batch: BatchOptions) {
    this.model = model;
    this.device = device;
    this.tag = tag;
    this.batch = batch;
  }
}

/** What stands for a model that was never stored, where the null model answers for every one. */
export function neverStoredModel(nullOutputs: readonly NullOutput[] | undefined): StoredModel {
  const file = { format: 'ONNX', bytes: new Uint8Array(0), inputs: [], outputs: [] } as const;
  const batch: BatchOptions = { batchSize: 0, minBatchSize: 0, minBatchTimeoutMs: 0 };
  return new StoredModel(new InferenceModel(file, undefined, nullOutputs), 'CPU', '', batch);
}
