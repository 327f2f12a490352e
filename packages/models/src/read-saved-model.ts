import { AibenchError } from '@aibench/core';
import type { TensorInfo } from './gen/tensorflow/core/protobuf/meta_graph.js';
import { SavedModel } from './gen/tensorflow/core/protobuf/saved_model.js';
import type { Graph } from './graph.js';
import { graphOf } from './read-graph-def.js';
import { defaultSignature, serveTag } from './saved-model-names.js';

/** What {@link readSavedModel} looks for. */
export interface SavedModelOptions {
  /** Tag of the graph. Default: `serve`. */
  readonly tag?: string;
  /** Name of the signature. Default: `serving_default`. */
  readonly signature?: string;
  /** The graph's name. Default: `model`. */
  readonly name?: string;
}

/** A tensor of a signature. */
export interface SignatureTensor {
  /** What callers name it. */
  readonly name: string;
  /** The graph's node whose value it is. */
  readonly node: string;
}

/** A model as a server gets it from a SavedModel. */
export interface ServedModel {
  /** Its inputs and outputs are in the signature's order. */
  readonly graph: Graph;
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/**
 * Reads a `saved_model.pb`: what {@link writeSavedModel} writes, and others whose
 * graph is frozen and of operations that `readGraphDef` knows.
 *
 * @throws AIBENCH_INPUT where the bytes are no SavedModel, it lacks the tag or the signature (the message names those
 *   that it has), or its graph can't be read
 */
export function readSavedModel(bytes: Uint8Array, options: SavedModelOptions = {}): ServedModel {
  const { tag = serveTag, signature: wanted = defaultSignature, name = 'model' } = options;
  const { metaGraphs } = decode(bytes);
  const metaGraph = metaGraphs.find(({ metaInfoDef }) => metaInfoDef?.tags.includes(tag));
  if (metaGraph === undefined) {
    const tags = metaGraphs.map(({ metaInfoDef }) => `{${metaInfoDef?.tags.join(', ') ?? ''}}`);
    throw invalid(`the SavedModel has no graph tagged ${tag}, but ${tags.join(', ')}`);
  }
  const signature = metaGraph.signatureDef[wanted];
  if (signature === undefined) {
    const names = Object.keys(metaGraph.signatureDef);
    throw invalid(
      `the SavedModel has no signature ${wanted}, but ${names.length === 0 ? 'none' : names.join(', ')}`,
    );
  }
  const inputs = Object.entries(signature.inputs).map(signatureTensor);
  const outputs = Object.entries(signature.outputs).map(signatureTensor);
  const nodes = (tensors: readonly SignatureTensor[]) => tensors.map(({ node }) => node);
  const graph = graphOf(metaGraph.graphDef?.node ?? [], {
    inputs: nodes(inputs),
    outputs: nodes(outputs),
    name,
  });
  return { graph, inputs, outputs };
}

function decode(bytes: Uint8Array): SavedModel {
  let cause: unknown;
  try {
    const model = SavedModel.decode(bytes);
    if (model.metaGraphs.length > 0) return model;
  } catch (error) {
    cause = error;
  }
  throw invalid('the bytes are no SavedModel', {
    hint: "the folder's saved_model.pb is asked for, not a frozen graph",
    cause,
  });
}

function signatureTensor([name, { encoding }]: [string, TensorInfo]): SignatureTensor {
  const tensor = encoding?.value ?? '';
  const node = /^([^:]+)(?::0)?$/.exec(tensor)?.[1];
  if (node === undefined) {
    throw invalid(`the signature's ${name} is "${tensor}", which is no node's output 0`);
  }
  return { name, node };
}

function invalid(message: string, details: { hint?: string; cause?: unknown } = {}): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message, details);
}
