import { InferenceModel, type LoadOptions } from '../inference/inference-model.js';

/** What answers for a model that is not there, where the null model answers for every one; otherwise undefined. */
export function absentModel({ nullModel, nullOutputs }: LoadOptions): InferenceModel | undefined {
  if (!nullModel) return undefined;
  const file = { format: 'ONNX', bytes: new Uint8Array(0), inputs: [], outputs: [] } as const;
  return new InferenceModel(file, undefined, nullOutputs);
}
