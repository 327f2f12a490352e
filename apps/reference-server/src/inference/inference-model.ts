import { AibenchError, elementCount, errorLine } from '@aibench/core';
import { type Graph, readGraphDef, writeOnnx } from '@aibench/models';
import type { ElementType } from './element-type.js';
import { ModelStatistics } from './model-statistics.js';
import { OnnxSession, type SessionOptions, type SessionRun, type TensorDeclaration } from './onnx-session.js';
import { ServerError } from './server-error.js';
import { ServerTensor } from './server-tensor.js';

/** Forms of model file that this server has heard of; it runs the first two. */
export type ModelFormat = 'ONNX' | 'TF' | 'TFLITE' | 'TORCH';

/** A model file and how it is to be loaded. */
export interface ModelFile {
  readonly format: ModelFormat;
  readonly bytes: Uint8Array;
  /** Names of the graph's inputs and outputs, in order; for a TensorFlow graph only, the others name their own. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Element type of the null model's answers where nothing is known of the model. */
const unknownType: ElementType = 'float32';

/** An output of the null model, where the model itself is not known. */
export interface NullOutput {
  /** Empty where only its place is given. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** What the null model answers where nothing is given. */
const unknownOutput: NullOutput = { name: '', shape: [1, 2] };

/** A model that is ready to answer, and the record of its answers. Protocol-neutral. */
export class InferenceModel {
  readonly file: ModelFile;
  readonly statistics = new ModelStatistics();
  /** Undefined where the null model stands in for a file that cannot be run. */
  readonly session: OnnxSession | undefined;
  readonly #declaredNullOutputs: readonly NullOutput[];
  #nullOutputs: { batchSize: number; tensors: readonly ServerTensor[] } | undefined;

  /** @param nullOutputs what the null model answers where there is no session; the last one counts for those beyond */
  constructor(file: ModelFile, session: OnnxSession | undefined, nullOutputs: readonly NullOutput[] = []) {
    this.file = file;
    this.session = session;
    this.#declaredNullOutputs = nullOutputs.length === 0 ? [unknownOutput] : nullOutputs;
  }

  /** Names of the inputs in order; undefined where they are not known. */
  get inputNames(): readonly string[] | undefined {
    return this.file.inputs.length > 0 ? this.file.inputs : this.session?.inputs.map(({ name }) => name);
  }

  /** Names of the outputs in order; undefined where they are not known. */
  get outputNames(): readonly string[] | undefined {
    return this.file.outputs.length > 0 ? this.file.outputs : this.session?.outputs.map(({ name }) => name);
  }

  /** How many outputs it has; those that the null model was given where the model is not known. */
  get outputCount(): number {
    return this.session?.outputs.length ?? this.#declaredNullOutputs.length;
  }

  /** Names of the null model's outputs, where the model is not known: as given, else `output`, `output_1`, .. */
  get nullOutputNames(): readonly string[] {
    return this.#declaredNullOutputs.map(({ name }, index) =>
      name !== '' ? name : index === 0 ? 'output' : `output_${index}`,
    );
  }

  /**
   * Runs the model.
   *
   * @param inputs in the order of {@link inputNames}
   * @throws ServerError when the tensors don't fit the model
   */
  async run(inputs: readonly ServerTensor[]): Promise<SessionRun> {
    const { session } = this;
    if (session === undefined) throw new ServerError('the model is not loaded');
    if (this.file.format !== 'TF') return session.run(inputs);
    return session.run(inputs.map((tensor, index) => fitToPlaceholder(tensor, session.inputs[index]!)));
  }

  /**
   * Answers of the shape that the model would give, all zero.
   *
   * @param batchSize extent of the outermost dimension, where the model leaves that open
   * @param count how many outputs were asked for, where the model's are not known
   */
  nullOutputs(batchSize: number, count: number): readonly ServerTensor[] {
    if (this.#nullOutputs?.batchSize === batchSize && this.#nullOutputs.tensors.length >= count) {
      return this.#nullOutputs.tensors;
    }
    const tensors =
      this.session === undefined
        ? Array.from({ length: count }, (_, output) =>
            ServerTensor.zeros(
              unknownType,
              (this.#declaredNullOutputs[output] ?? this.#declaredNullOutputs.at(-1)!).shape,
            ),
          )
        : this.session.outputs.map((output) =>
            ServerTensor.zeros(output.type, closedShape(output, batchSize)),
          );
    this.#nullOutputs = { batchSize, tensors };
    return tensors;
  }
}

/**
 * TensorFlow does not compare a fed tensor's shape with that of the placeholder
 * it is fed to, ONNX Runtime does: a tensor of another number of dimensions is
 * given the declared shape, where it has as many elements.
 */
function fitToPlaceholder(tensor: ServerTensor, declared: TensorDeclaration): ServerTensor {
  if (tensor.shape.length === declared.shape.length) return tensor;
  const count = elementCount(tensor.shape);
  const known = elementCount(declared.shape.map((extent) => extent ?? 1));
  const open = declared.shape.filter((extent) => extent === undefined).length;
  if (open > 1 || count % known !== 0 || (open === 0 && count !== known)) return tensor;
  const shape = declared.shape.map((extent) => extent ?? count / known);
  return new ServerTensor(tensor.type, shape, tensor.data);
}

function closedShape({ shape }: TensorDeclaration, batchSize: number): number[] {
  return shape.map((extent, dimension) => extent ?? (dimension === 0 ? batchSize : 1));
}

/** How models are loaded. */
export interface LoadOptions extends SessionOptions {
  /** Whether a file that cannot be run is taken all the same, because it will never be run. */
  readonly nullModel: boolean;
  /** The null model's outputs where the model is not known. Default: one of [1,2]. */
  readonly nullOutputs?: readonly NullOutput[];
}

/**
 * Loads a model file: ONNX as it is, a TensorFlow graph translated to ONNX.
 *
 * @param graph what a file in TensorFlow's format holds, where it has been read already; its weights are many, so it is
 *   not kept
 * @throws ServerError when the file cannot be run here and the null model does not stand in for it
 */
export async function loadModel(
  file: ModelFile,
  options: LoadOptions,
  graph?: Graph,
): Promise<InferenceModel> {
  try {
    return new InferenceModel(file, await OnnxSession.load(onnxBytes(file, graph), options));
  } catch (error) {
    if (options.nullModel) return new InferenceModel(file, undefined, options.nullOutputs);
    throw error;
  }
}

function onnxBytes(file: ModelFile, graph: Graph | undefined): Uint8Array {
  if (file.format === 'ONNX') return file.bytes;
  if (file.format !== 'TF') {
    throw new ServerError(
      `Could not load backend: aibench-reference-server runs ONNX and TF models, not ${file.format}`,
    );
  }
  try {
    const { bytes, inputs, outputs } = file;
    return writeOnnx(graph ?? readGraphDef(bytes, { inputs, outputs }));
  } catch (error) {
    const reason = error instanceof AibenchError ? errorLine(error) : 'the file is no readable GraphDef';
    throw new ServerError(`the TensorFlow graph cannot be translated: ${reason}`, { cause: error });
  }
}
