import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InferenceModel, type LoadOptions, loadModel } from '../inference/inference-model.js';
import { badInput, FlaskError } from './flask-error.js';
import { FlaskTensor } from './flask-tensor.js';

const descriptionName = 'model.json';
const modelName = 'model.onnx';

/** A model as it lay in the folder when its files were looked at. */
export interface FlaskModel {
  readonly name: string;
  readonly stamp: string;
  readonly inputs: readonly FlaskTensor[];
  readonly outputs: readonly FlaskTensor[];
  /** The model, or why it could not be loaded. */
  readonly loaded: { readonly model: InferenceModel; readonly sha256: string } | { readonly error: string };
}

/** A folder of models, which is looked at anew for every request, as the service does it. */
export class FlaskModels {
  readonly #folder: string;
  readonly #options: LoadOptions;
  readonly #models = new Map<string, Promise<FlaskModel>>();
  readonly #stamps = new Map<string, string>();

  /** @param folder empty: no models */
  constructor(folder: string, options: LoadOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Every model, as it lies there now. */
  async all(): Promise<FlaskModel[]> {
    return Promise.all(this.#names().flatMap((name) => this.#fresh(name) ?? []));
  }

  /**
   * A model by its name.
   *
   * @throws FlaskError
   */
  async named(name: string): Promise<FlaskModel> {
    const model = this.#names().includes(name) ? this.#fresh(name) : undefined;
    if (model !== undefined) return model;
    const there = (await this.all()).map((each) => each.name).join(', ') || 'none';
    throw new FlaskError(404, `there is no model "${name}" here; there are: ${there}`);
  }

  /**
   * The one model whose inputs have these names.
   *
   * @throws FlaskError
   */
  async taking(names: readonly string[]): Promise<FlaskModel> {
    const models = await this.all();
    const wanted = [...names].sort().join('\n');
    const fitting = models.filter(
      ({ inputs }) => sortedNames(inputs).join('\n') === wanted && inputs.length > 0,
    );
    const loaded = fitting.filter((model) => 'model' in model.loaded);
    const [first, second] = loaded.length > 0 ? loaded : fitting;
    if (second !== undefined) {
      const several = (loaded.length > 0 ? loaded : fitting).map(({ name }) => name).join(', ');
      throw badInput(`these inputs fit several models, ${several}: name one, ?model=`);
    }
    if (first !== undefined) return first;
    const takes = models.map(({ name, inputs }) => `${name}: ${inputs.map((each) => each.name).join(', ')}`);
    throw badInput(
      `no model takes these inputs: ${names.join(', ') || 'none'}; there are: ${takes.join('; ') || 'none'}`,
    );
  }

  #names(): string[] {
    if (this.#folder === '') return [];
    try {
      return readdirSync(this.#folder)
        .filter((name) => !name.startsWith('.'))
        .sort();
    } catch {
      return [];
    }
  }

  #fresh(name: string): Promise<FlaskModel> | undefined {
    const folder = join(this.#folder, name);
    const description = stampOf(join(folder, descriptionName));
    const stamp = `${description}, ${stampOf(join(folder, modelName))}`;
    if (description === undefined) {
      this.#models.delete(name);
      return undefined;
    }
    const known = this.#models.get(name);
    if (known !== undefined && this.#stamps.get(name) === stamp) return known;
    const model = load(name, folder, stamp, this.#options);
    this.#models.set(name, model);
    this.#stamps.set(name, stamp);
    return model;
  }
}

async function load(name: string, folder: string, stamp: string, options: LoadOptions): Promise<FlaskModel> {
  let inputs: readonly FlaskTensor[] = [];
  let outputs: readonly FlaskTensor[] = [];
  try {
    const description = await readDescription(join(folder, descriptionName));
    inputs = readTensors(description, 'inputs');
    outputs = readTensors(description, 'outputs');
    const { files = [modelName] } = description;
    const bytes = Array.isArray(files) && files.includes(modelName) ? await readModel(folder) : undefined;
    if (bytes === undefined) throw new Error(`it has no ${modelName}, which onnxruntime needs`);
    const file = { format: 'ONNX', bytes, inputs: [], outputs: [] } as const;
    const nullOutputs = outputs.map((each) => ({
      name: each.name,
      shape: each.shape.map((extent) => Math.max(1, extent)),
    }));
    const model = await loadModel(file, { ...options, nullOutputs });
    if (model.session !== undefined) {
      checkNames('inputs', inputs, model.inputNames ?? []);
      checkNames('outputs', outputs, model.outputNames ?? []);
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { name, stamp, inputs, outputs, loaded: { model, sha256 } };
  } catch (error) {
    return { name, stamp, inputs, outputs, loaded: { error: (error as Error).message.trim() } };
  }
}

async function readDescription(path: string): Promise<Readonly<Record<string, unknown>>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // Told below.
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw new Error('model.json is no JSON object');
}

function readTensors(description: Readonly<Record<string, unknown>>, key: string): FlaskTensor[] {
  const entries = description[key];
  if (!Array.isArray(entries) || entries.length === 0) throw new Error(`model.json names no ${key}`);
  return entries.map(FlaskTensor.read);
}

async function readModel(folder: string): Promise<Buffer | undefined> {
  return readFile(join(folder, modelName)).catch(() => undefined);
}

function checkNames(what: string, specs: readonly FlaskTensor[], names: readonly string[]): void {
  const declared = sortedNames(specs).join(', ');
  const own = [...names].sort().join(', ');
  if (declared !== own) throw new Error(`its ${what} are ${own}, those of model.json ${declared}`);
}

function sortedNames(specs: readonly FlaskTensor[]): string[] {
  return specs.map(({ name }) => name).sort();
}

/** What changes when a file is written or replaced; undefined where it is not there. */
function stampOf(path: string): string | undefined {
  try {
    const { ino, mtimeNs, size } = statSync(path, { bigint: true });
    return `${mtimeNs} ${ino} ${size}`;
  } catch {
    // Among the models' folders there may be files, which have nothing in them.
    return undefined;
  }
}
