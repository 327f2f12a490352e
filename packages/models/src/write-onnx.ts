import { TensorProto_DataType as DataType, ModelProto, ValueInfoProto } from './gen/onnx/onnx.js';
import type { Graph } from './graph.js';
import { type InputShapes, withInputShapes } from './graph-builder.js';
import { batchExtent } from './infer-shape.js';
import { OnnxTranslator } from './onnx-translator.js';

/**
 * Version of the file format and of the operators. Old enough for ONNX Runtime
 * 1.6 (2020) and all that came after, which covers RedisAI 1.2 and every Triton
 * in use; opset 13 is the first whose Softmax normalises one dimension alone.
 */
export const onnxVersions = { ir: 7, opset: 13 } as const;

/** How {@link writeOnnx} writes. */
export interface OnnxOptions {
  /**
   * Shapes to declare for some of the inputs in place of the graph's, where a
   * server gives them in another shape. Default: the graph's.
   */
  readonly inputShapes?: InputShapes;
}

/** The name by which files name a batch whose extent is free. */
const batchName = 'batch';

/**
 * A graph as an ONNX model file. The same graph always gives the same bytes.
 *
 * @returns a serialised ModelProto; the tensors' names are the graph's
 * @throws AIBENCH_INPUT where a shape of `inputShapes` doesn't fit the graph
 */
export function writeOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const declared = withInputShapes(graph, options.inputShapes ?? {});
  const { nodes, initializers } = new OnnxTranslator(declared);
  const model = ModelProto.create({
    irVersion: onnxVersions.ir,
    producerName: 'aibench',
    opsetImport: [{ domain: '', version: onnxVersions.opset }],
    graph: {
      name: declared.name,
      node: nodes,
      initializer: initializers,
      input: declared.inputs.map((input) => valueInfo(input.name, input.shape)),
      output: declared.outputs.map((output) => valueInfo(output.name, output.shape)),
    },
  });
  return ModelProto.encode(model).finish();
}

function valueInfo(name: string, shape: readonly number[]): ValueInfoProto {
  const dim = shape.map((extent) =>
    extent === batchExtent
      ? ({ value: { $case: 'dimParam', value: batchName } } as const)
      : ({ value: { $case: 'dimValue', value: extent } } as const),
  );
  return ValueInfoProto.create({
    name,
    type: { value: { $case: 'tensorType', value: { elemType: DataType.FLOAT, shape: { dim } } } },
  });
}
