import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inputError } from '@aibench/core';
import { readSavedModel } from '@aibench/models';
import { InferenceModel, type LoadOptions, loadModel } from '../inference/inference-model.js';
import type { ServedModel } from '../model-repository/served-model.js';

/** A SavedModel's file in its folder. */
const fileName = 'saved_model.pb';

/**
 * Loads the signature `serving_default` of a SavedModel.
 *
 * @param folder with `saved_model.pb` in it
 * @throws AIBENCH_INPUT or ServerError when it cannot be run here, and the null model does not stand in for it
 */
export async function loadSavedModel(
  name: string,
  version: number,
  folder: string,
  options: LoadOptions,
): Promise<ServedModel> {
  const path = join(folder, fileName);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw inputError(path, error);
  }
  try {
    return await loadGraph(name, version, bytes, options);
  } catch (error) {
    if (!options.nullModel) throw error;
    const file = { format: 'TF', bytes, inputs: [], outputs: [] } as const;
    const model = new InferenceModel(file, undefined, options.nullOutputs);
    return { name, version, model, inputs: [], outputs: [] };
  }
}

async function loadGraph(
  name: string,
  version: number,
  bytes: Uint8Array,
  options: LoadOptions,
): Promise<ServedModel> {
  const { graph, inputs, outputs } = readSavedModel(bytes, { name });
  const model = await loadModel(
    {
      format: 'TF',
      bytes,
      inputs: inputs.map(({ node }) => node),
      outputs: outputs.map(({ node }) => node),
    },
    { ...options, nullModel: false },
    graph,
  );
  const session = model.session!;
  return {
    ...{ name, version, model },
    inputs: session.inputs.map((declared, index) => ({ ...declared, name: inputs[index]!.name })),
    outputs: session.outputs.map((declared, index) => ({ ...declared, name: outputs[index]!.name })),
  };
}
