import type { TensorSpec } from '@aibench/core';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import { MetaGraphDef, SignatureDef, TensorInfo } from './gen/tensorflow/core/protobuf/meta_graph.js';
import { SavedModel } from './gen/tensorflow/core/protobuf/saved_model.js';
import type { Graph } from './graph.js';
import { defaultSignature, serveTag } from './saved-model-names.js';
import { graphDefOf, shapeProto } from './write-graph-def.js';

/** The version of the format that all of TensorFlow's releases read. */
const schemaVersion = 1;

/** Of a signature that takes and gives any tensors; TensorFlow Serving's Predict asks for no other. */
const predictMethod = 'tensorflow/serving/predict';

/** The TensorFlow of {@link graphDefVersion}; loaders only show it. */
const tensorflowVersion = '1.15.0';

/**
 * A graph as the `saved_model.pb` of a SavedModel: frozen, so the folder needs
 * no variables beside it; tagged `serve`; with the signature `serving_default`,
 * in which inputs and outputs have the names of the graph's. The same graph
 * always gives the same bytes.
 */
export function writeSavedModel(graph: Graph): Uint8Array {
  const signature = SignatureDef.create({
    inputs: tensorInfos(graph.inputs),
    outputs: tensorInfos(graph.outputs),
    methodName: predictMethod,
  });
  const metaGraph = MetaGraphDef.create({
    metaInfoDef: { tags: [serveTag], tensorflowVersion },
    graphDef: graphDefOf(graph),
    signatureDef: { [defaultSignature]: signature },
  });
  const model = SavedModel.create({ savedModelSchemaVersion: schemaVersion, metaGraphs: [metaGraph] });
  return SavedModel.encode(model).finish();
}

function tensorInfos(specs: readonly TensorSpec[]): Record<string, TensorInfo> {
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const encoding = { $case: 'name', value: `${name}:0` } as const;
      return [
        name,
        TensorInfo.create({ encoding, dtype: DataType.DT_FLOAT, tensorShape: shapeProto(shape) }),
      ];
    }),
  );
}
