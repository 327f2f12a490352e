import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  AibenchError,
  errorLine,
  formatShape,
  inputError,
  type Tensor,
  tensorSizeBytes,
} from '@aibench/core';
import { findGraphDefEnds, type Graph, readGraphDef, readSavedModel, writeOnnx } from '@aibench/models';
import type { ExpectedManifest, InferenceTask, InputSpec, UseCase } from '@aibench/usecases';
import type { InferenceSession, Tensor as OnnxTensor, OnnxValue } from 'onnxruntime-node';

type OnnxRuntime = typeof import('onnxruntime-node');

/** A model that computes the right answers of rows, with ONNX Runtime. */
export class AnswerModel {
  /** What the manifest tells of the answers. */
  readonly description: Omit<ExpectedManifest, 'sizeBytes' | 'sha256'>;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #task: InferenceTask;
  readonly #output: InputSpec;
  /** What the model calls its input and its output: a user's may have names of its own. */
  readonly #names: { readonly input: string; readonly output: string };
  readonly #rowSizeBytes: number;

  private constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    { task, output, names, rowSizeBytes }: Asked,
    description: AnswerModel['description'],
  ) {
    this.description = description;
    this.#runtime = runtime;
    this.#session = session;
    this.#task = task;
    this.#output = output;
    this.#names = names;
    this.#rowSizeBytes = rowSizeBytes;
  }

  /**
   * Loads the use case's own model, or the user's.
   *
   * @param modelFile an ONNX file, a GraphDef or the `saved_model.pb` of a SavedModel, frozen, with one input and one
   *   output; empty for the use case's own model
   * @throws AIBENCH_USAGE where the use case has no model for its settings
   * @throws AIBENCH_INPUT where the user's cannot be read, or has more inputs or outputs
   */
  static async open(useCase: UseCase, modelFile: string): Promise<AnswerModel> {
    const task = useCase.task({ withReference: false });
    const [output] = task.outputs;
    if (output === undefined) throw new Error(`${useCase.name} has no output`);
    const bytes = modelFile === '' ? writeOnnx(task.graph()) : await readModel(modelFile, task);
    // Only here: nothing else of this program needs it.
    const runtime = await import('onnxruntime-node');
    const session = await loadSession(runtime, bytes, modelFile);
    const names = onlyNames(session, modelFile);
    const description = {
      output: output.name,
      dtype: 'float32',
      shape: output.shape.slice(1),
      model: modelFile === '' ? task.defaultModelName : modelFile,
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
    } as const;
    return new AnswerModel(
      runtime,
      session,
      { task, output, names, rowSizeBytes: useCase.row.sizeBytes },
      description,
    );
  }

  /**
   * The answers of whole rows, in order. Each row is asked alone, so that an answer doesn't depend on its neighbours.
   *
   * @throws AIBENCH_INPUT where the model fails or answers in another form
   */
  async answer(rows: Uint8Array): Promise<Uint8Array> {
    const answerSizeBytes = tensorSizeBytes(this.#output);
    const rowCount = rows.byteLength / this.#rowSizeBytes;
    const answers = new Uint8Array(rowCount * answerSizeBytes);
    for (let i = 0; i < rowCount; i++) {
      const row = rows.subarray(i * this.#rowSizeBytes, (i + 1) * this.#rowSizeBytes);
      answers.set(await this.#answerRow(row), i * answerSizeBytes);
    }
    return answers;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  async #answerRow(row: Uint8Array): Promise<Uint8Array> {
    const [image] = this.#task.readRequest(row).inputs;
    const { input, output } = this.#names;
    let answer: OnnxValue | undefined;
    try {
      answer = (await this.#session.run({ [input]: toOnnx(this.#runtime, image!) }, [output]))[output];
    } catch (cause) {
      throw new AibenchError('AIBENCH_INPUT', `the model cannot answer: ${errorLine(cause)}`, {
        hint: 'does it take what the rows hold? see --model-file and the --image- flags',
        cause,
      });
    }
    const { type, dims, data } = answer as OnnxTensor;
    if (data instanceof Float32Array && data.byteLength === tensorSizeBytes(this.#output)) {
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
    throw new AibenchError(
      'AIBENCH_INPUT',
      `the model answers ${type} ${formatShape(dims)} instead of float32 ${formatShape(this.#output.shape)}`,
      { hint: 'see --model-file' },
    );
  }
}

interface Asked {
  readonly task: InferenceTask;
  readonly output: InputSpec;
  readonly names: { readonly input: string; readonly output: string };
  readonly rowSizeBytes: number;
}

/**
 * A model's ONNX file: with the weights of the user's in the use case's own network, as aibench-setup-model writes it,
 * or, where it is another network, the user's file, translated where it is TensorFlow's.
 */
async function readModel(path: string, task: InferenceTask): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw inputError(path, cause, 'see --model-file');
  });
  const imported = importGraph(task, bytes);
  if (imported !== undefined) return writeOnnx(imported);
  if (!path.endsWith('.pb')) return bytes;
  try {
    return writeOnnx(readTensorFlow(bytes, basename(path) === 'saved_model.pb'));
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${path}: ${errorLine(cause)}`, {
      hint: 'see --model-file',
      cause,
    });
  }
}

function importGraph(task: InferenceTask, bytes: Uint8Array): Graph | undefined {
  try {
    return task.importModel?.(bytes).graph();
  } catch (error) {
    if (error instanceof AibenchError && error.code === 'AIBENCH_INPUT') return undefined;
    throw error;
  }
}

function readTensorFlow(bytes: Uint8Array, isSavedModel: boolean): Graph {
  return isSavedModel ? readSavedModel(bytes).graph : readGraphDef(bytes, findGraphDefEnds(bytes));
}

async function loadSession(
  { InferenceSession }: OnnxRuntime,
  bytes: Uint8Array,
  modelFile: string,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${modelFile} is no ONNX model: ${errorLine(cause)}`, {
      hint: 'see --model-file',
      cause,
    });
  }
}

function onlyNames({ inputNames, outputNames }: InferenceSession, modelFile: string): Asked['names'] {
  const [input, ...moreInputs] = inputNames;
  const [output, ...moreOutputs] = outputNames;
  if (input !== undefined && output !== undefined && moreInputs.length + moreOutputs.length === 0) {
    return { input, output };
  }
  throw new AibenchError(
    'AIBENCH_INPUT',
    `${modelFile} has the inputs ${inputNames.join(', ')} and the outputs ${outputNames.join(', ')}, not one of each`,
    { hint: 'see --model-file' },
  );
}

function toOnnx({ Tensor: OnnxTensor }: OnnxRuntime, { name, dtype, shape, data }: Tensor): OnnxTensor {
  // A copy: its memory is aligned, and the row's is used again.
  if (dtype === 'float32') return new OnnxTensor('float32', new Float32Array(data.slice().buffer), shape);
  if (dtype === 'uint8') return new OnnxTensor('uint8', data.slice(), shape);
  throw new Error(`input ${name} is ${dtype}`);
}
