import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from './gen/onnx/onnx.js';
import type { Graph, GraphNode, PlainOp } from './graph.js';
import { type InputShapes, withInputShapes } from './graph-builder.js';
import { batchExtent } from './infer-shape.js';
import { helperName } from './node-names.js';

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

const operatorOf: Readonly<Record<PlainOp, string>> = {
  identity: 'Identity',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  matMul: 'MatMul',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  softmax: 'Softmax',
};

/**
 * A graph as an ONNX model file. The same graph always gives the same bytes.
 *
 * @returns a serialised ModelProto; the tensors' names are the graph's
 * @throws AIBENCH_INPUT where a shape of `inputShapes` doesn't fit the graph
 */
export function writeOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const { nodes, shapes, inputs, outputs, name } = withInputShapes(graph, options.inputShapes ?? {});
  const node: NodeProto[] = [];
  const initializer: TensorProto[] = [];
  for (const each of nodes) {
    if (each.op === 'constant') initializer.push(floatConstant(each.name, each.shape, each.values));
    else if (each.op === 'reshape') {
      // The target shape is an input in ONNX.
      const shapeName = helperName(shapes, each.name, 'shape');
      initializer.push(integerConstant(shapeName, each.shape));
      node.push(operation(each, 'Reshape', [...each.inputs, shapeName], []));
    } else if (each.op === 'concat') {
      node.push(operation(each, 'Concat', each.inputs, [integerAttribute('axis', each.axis)]));
    } else if (each.op !== 'input') {
      const attributes = each.op === 'softmax' ? [integerAttribute('axis', -1)] : [];
      node.push(operation(each, operatorOf[each.op], each.inputs, attributes));
    }
  }
  const model = ModelProto.create({
    irVersion: onnxVersions.ir,
    producerName: 'aibench',
    opsetImport: [{ domain: '', version: onnxVersions.opset }],
    graph: {
      name,
      node,
      initializer,
      input: inputs.map((input) => valueInfo(input.name, input.shape)),
      output: outputs.map((output) => valueInfo(output.name, output.shape)),
    },
  });
  return ModelProto.encode(model).finish();
}

function operation(
  node: GraphNode,
  opType: string,
  inputs: readonly string[],
  attribute: AttributeProto[],
): NodeProto {
  return NodeProto.create({ name: node.name, opType, input: [...inputs], output: [node.name], attribute });
}

function integerAttribute(name: string, value: number): AttributeProto {
  return AttributeProto.create({ name, type: AttributeType.INT, i: value });
}

function floatConstant(name: string, dims: readonly number[], values: Float32Array): TensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return TensorProto.create({ name, dims: [...dims], dataType: DataType.FLOAT, rawData });
}

function integerConstant(name: string, values: readonly number[]): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return TensorProto.create({ name, dims: [values.length], dataType: DataType.INT64, rawData });
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
