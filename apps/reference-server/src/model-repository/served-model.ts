import type { InferenceModel } from '../inference/inference-model.js';
import type { TensorDeclaration } from '../inference/onnx-session.js';

/** A version of a model as clients see it. */
export interface ServedModel {
  readonly name: string;
  readonly version: number;
  readonly model: InferenceModel;
  /** By the names that clients use, in the order of the model's own inputs. */
  readonly inputs: readonly TensorDeclaration[];
  /** By the names that clients use, in the order of the model's own outputs. */
  readonly outputs: readonly TensorDeclaration[];
}
