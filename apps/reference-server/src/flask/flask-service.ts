import type { InferenceEngine, MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel, LoadOptions } from '../inference/inference-model.js';
import { onnxRuntimeVersion } from '../inference/onnx-session.js';
import { ServerError } from '../inference/server-error.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import { absentModel } from '../model-repository/absent-model.js';
import { productName } from '../product-name.js';
import { badInput, FlaskError } from './flask-error.js';
import { type FlaskModel, FlaskModels } from './flask-models.js';
import { type FlaskTensor, toLists } from './flask-tensor.js';
import type { RequestInputs } from './read-inputs.js';

/** What the service needs to know. */
export interface FlaskOptions {
  /** The folder of models; empty: none. */
  readonly folder: string;
  readonly load: LoadOptions;
  readonly engine: InferenceEngine;
  /** Version of this package. */
  readonly version: string;
}

/** The Flask service of `servers/flask`, in the same words. */
export class FlaskService {
  readonly models: FlaskModels;
  /** Whether every request is answered by the null model, whatever is in it. */
  readonly isNull: boolean;
  readonly #engine: InferenceEngine;
  readonly #version: string;
  readonly #load: LoadOptions;
  readonly #absent: InferenceModel | undefined;
  /** The null model's answer, kept because calibration asks for nothing else. */
  #nullAnswer: { readonly outputs: readonly ServerTensor[]; readonly body: Buffer } | undefined;

  constructor({ folder, load, engine, version }: FlaskOptions) {
    this.models = new FlaskModels(folder, load);
    this.#engine = engine;
    this.#version = version;
    this.#load = load;
    this.#absent = absentModel(load);
    this.isNull = this.#absent !== undefined && folder === '';
  }

  /** What `GET /health` tells. */
  async health(): Promise<object> {
    const models = await this.models.all();
    const hasFailed = models.some(({ loaded }) => 'error' in loaded);
    return {
      status: hasFailed ? 'degraded' : 'ok',
      ...{ service: productName, version: this.#version },
      backend: {
        name: this.isNull ? 'null' : 'onnxruntime',
        version: onnxRuntimeVersion,
        intraOpThreads: this.#load.intraOpThreads,
      },
      models: models.map(({ name, inputs, outputs, loaded }) => ({
        name,
        inputs: inputs.map((each) => each.describe()),
        outputs: outputs.map((each) => each.describe()),
        ...('error' in loaded ? { error: loaded.error } : { sha256: loaded.sha256 }),
      })),
    };
  }

  /**
   * One inference.
   *
   * @param name of the model; undefined where the names of the inputs say which
   * @param read makes a tensor of what was sent for an input
   * @returns the answer's JSON
   * @throws FlaskError
   */
  async predict<T>(
    name: string | undefined,
    inputs: RequestInputs<T>,
    read: (tensor: FlaskTensor, value: T) => ServerTensor,
  ): Promise<Buffer> {
    const found = name === undefined ? this.models.taking([...inputs.keys()]) : this.models.named(name);
    const model = await found;
    if ('error' in model.loaded) {
      throw new FlaskError(500, `model "${model.name}" cannot be loaded: ${model.loaded.error}`);
    }
    const { model: runnable } = model.loaded;
    checkNames(model, inputs);
    const tensors = new Map(model.inputs.map((each) => [each.name, read(each, inputs.get(each.name)!)]));
    checkRows(model, tensors);
    const ordered = (runnable.inputNames ?? [...tensors.keys()]).map((each) => tensors.get(each)!);
    const outputs = await this.#run(model.name, runnable, ordered);
    const names = runnable.outputNames ?? model.outputs.map((each) => each.name);
    return answerOf(
      model.name,
      model.outputs.map((each) => [each.name, outputs[names.indexOf(each.name)]!] as const),
    );
  }

  /** The null model's answer, at once where nothing delays it. @throws FlaskError, also as a rejection */
  predictNull(): MaybePromise<Buffer> {
    const absent = this.#absent!;
    const write = (outputs: readonly ServerTensor[]): Buffer => {
      if (this.#nullAnswer?.outputs !== outputs) {
        const named = absent.nullOutputNames.map((name, i) => [name, outputs[i]!] as const);
        this.#nullAnswer = { outputs, body: answerOf('', named) };
      }
      return this.#nullAnswer.body;
    };
    const outputs = this.#run('', absent, []);
    return outputs instanceof Promise ? outputs.then(write) : write(outputs);
  }

  #run(
    name: string,
    model: InferenceModel,
    inputs: readonly ServerTensor[],
  ): MaybePromise<readonly ServerTensor[]> {
    const fail = (error: unknown): never => {
      if (!(error instanceof ServerError)) throw error;
      throw new FlaskError(500, `model "${name}" failed: ${error.message}`, { cause: error });
    };
    try {
      const outputs = this.#engine.infer(model, inputs, model.outputCount);
      return outputs instanceof Promise ? outputs.catch(fail) : outputs;
    } catch (error) {
      return fail(error);
    }
  }
}

function answerOf(model: string, outputs: readonly (readonly [string, ServerTensor])[]): Buffer {
  const lists = outputs.map(([name, tensor]) => [name, toLists(tensor)] as const);
  if (lists.some(([, list]) => list === undefined)) {
    throw new FlaskError(500, `the answer of model "${model}" has a number that is not finite`);
  }
  const [first] = lists;
  return Buffer.from(JSON.stringify({ outputs: lists.length === 1 ? first![1] : Object.fromEntries(lists) }));
}

function checkNames({ name: model, inputs: wanted }: FlaskModel, inputs: RequestInputs<unknown>): void {
  for (const { name } of wanted) {
    if (!inputs.has(name)) throw badInput(`model "${model}" needs the input "${name}"`);
  }
  for (const name of inputs.keys()) {
    if (!wanted.some((each) => each.name === name)) {
      throw badInput(`model "${model}" has no input "${name}"`);
    }
  }
}

function checkRows({ inputs }: FlaskModel, tensors: ReadonlyMap<string, ServerTensor>): void {
  const counts = inputs
    .filter(({ hasRows }) => hasRows)
    .map(({ name }) => ({ name, count: tensors.get(name)!.batchSize }));
  const [first] = counts;
  const other = counts.find(({ count }) => count !== first?.count);
  if (first === undefined || other === undefined) return;
  throw badInput(
    `inputs have different numbers of rows: "${first.name}" ${first.count}, "${other.name}" ${other.count}`,
  );
}
