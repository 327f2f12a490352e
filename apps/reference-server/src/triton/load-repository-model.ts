import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorLine, inputError } from '@aibench/core';
import { type Graph, readSavedModel } from '@aibench/models';
import { ModelConfig, ModelInstanceGroup_Kind } from '@aibench/triton';
import { InferenceModel, type LoadOptions, loadModel, type ModelFile } from '../inference/inference-model.js';
import type { TensorDeclaration } from '../inference/onnx-session.js';
import { ServerError } from '../inference/server-error.js';
import type { ServedModel } from '../model-repository/served-model.js';
import { type ConfigTensor, checkConfig, completeConfig, nodeOf } from './check-config.js';
import { datatypeOfConfig, elementTypeOf } from './datatype.js';
import { readModelConfig } from './model-config.js';

/** An input or output: as clients see it, the batch in front, and as the model takes it. */
export interface TritonTensor extends TensorDeclaration {
  /** What the model itself has, without the batch, where it is not the same. */
  readonly reshape: readonly number[] | undefined;
}

/** A model of the repository. Outputs that the configuration leaves out are undefined. */
export interface TritonModel extends Pick<ServedModel, 'name' | 'version' | 'model'> {
  readonly config: ModelConfig;
  /** In the order of the model's own inputs. */
  readonly inputs: readonly TritonTensor[];
  /** In the order of the model's own outputs. */
  readonly outputs: readonly (TritonTensor | undefined)[];
}

/** What a model of some platform lies in, within its version's folder. */
const fileNames = {
  onnxruntime_onnx: 'model.onnx',
  tensorflow_graphdef: 'model.graphdef',
  tensorflow_savedmodel: 'model.savedmodel',
} as const;

type Platform = keyof typeof fileNames;

/**
 * Loads a version of a model with its `config.pbtxt`, which may be missing for ONNX.
 *
 * @throws Error with the reason, where the null model does not stand in for it
 */
export async function loadRepositoryModel(
  name: string,
  version: number,
  folder: string,
  options: LoadOptions,
): Promise<TritonModel> {
  try {
    return await load(name, version, folder, options);
  } catch (error) {
    if (!options.nullModel) throw error;
    const file = { format: 'ONNX', bytes: new Uint8Array(0), inputs: [], outputs: [] } as const;
    const model = new InferenceModel(file, undefined, options.nullOutputs);
    const config = ModelConfig.create({ name, platform: 'null' });
    return { name, version, model, config, inputs: [], outputs: [] };
  }
}

async function load(
  name: string,
  version: number,
  folder: string,
  options: LoadOptions,
): Promise<TritonModel> {
  const written = await readConfig(join(dirname(folder), 'config.pbtxt'));
  if (written.name !== '' && written.name !== name) {
    throw new ServerError(`unexpected directory name '${name}' for model '${written.name}'`);
  }
  if (written.instanceGroup.some(({ kind }) => kind === ModelInstanceGroup_Kind.KIND_GPU)) {
    throw new ServerError(`instance group of model ${name} has kind KIND_GPU, but this server has no GPU`);
  }
  const platform = await platformOf(written, folder);
  const path = join(folder, written.defaultModelFilename || fileNames[platform]);
  const { file, graph } = await readModelFile(platform, path, written);
  const model = await loadModel(file, { ...options, nullModel: false }, graph);
  const session = model.session!;
  const config = completeConfig({ ...written, name, platform }, session);
  checkConfig(config, session);
  return {
    ...{ name, version, model, config },
    inputs: session.inputs.map(({ name: node }) => declared(node, config.input, config)!),
    outputs: session.outputs.map(({ name: node }) => declared(node, config.output, config)),
  };
}

async function readConfig(path: string): Promise<ModelConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ModelConfig.create({});
    throw inputError(path, error);
  }
  try {
    return readModelConfig(text);
  } catch (cause) {
    throw new ServerError(`${path}: ${errorLine(cause)}`, { cause });
  }
}

/** As the configuration says; otherwise as the file that is there tells. */
async function platformOf({ backend, platform }: ModelConfig, folder: string): Promise<Platform> {
  if (platform !== '') {
    if (Object.hasOwn(fileNames, platform)) return platform as Platform;
    throw new ServerError(
      `platform '${platform}' is not supported: this server has ${Object.keys(fileNames).join(', ')}`,
    );
  }
  if (backend === 'onnxruntime') return 'onnxruntime_onnx';
  if (backend !== '' && backend !== 'tensorflow') {
    throw new ServerError(
      `unable to find backend library for backend '${backend}': there are onnxruntime and tensorflow`,
    );
  }
  for (const [known, fileName] of Object.entries(fileNames)) {
    if (backend === 'tensorflow' && !known.startsWith('tensorflow')) continue;
    if (await exists(join(folder, fileName))) return known as Platform;
  }
  throw new ServerError(`there is no ${Object.values(fileNames).join(', ')} in ${folder}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The file, and the graph in it where that had to be read to know what goes in and comes out. */
async function readModelFile(
  platform: Platform,
  path: string,
  config: ModelConfig,
): Promise<{ file: ModelFile; graph?: Graph }> {
  const isFolder = platform === 'tensorflow_savedmodel';
  const file = isFolder ? join(path, 'saved_model.pb') : path;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw inputError(file, error);
  }
  if (platform === 'onnxruntime_onnx') return { file: { format: 'ONNX', bytes, inputs: [], outputs: [] } };
  if (platform === 'tensorflow_graphdef') {
    const inputs = config.input.map(({ name }) => name);
    return { file: { format: 'TF', bytes, inputs, outputs: config.output.map(({ name }) => name) } };
  }
  const { graph, inputs, outputs } = readSavedModel(bytes);
  return {
    file: {
      ...{ format: 'TF', bytes },
      inputs: inputs.map(({ node }) => node),
      outputs: outputs.map(({ node }) => node),
    },
    graph,
  };
}

function declared(
  node: string,
  tensors: readonly ConfigTensor[],
  { maxBatchSize }: ModelConfig,
): TritonTensor | undefined {
  const found = tensors.find(({ name }) => nodeOf(name) === node);
  if (found === undefined) return undefined;
  const extents = found.dims.map((extent) => (extent < 0n ? undefined : Number(extent)));
  return {
    name: found.name,
    type: elementTypeOf(datatypeOfConfig(found.dataType))!,
    shape: maxBatchSize > 0 ? [undefined, ...extents] : extents,
    reshape: found.reshape?.shape.map(Number),
  };
}
