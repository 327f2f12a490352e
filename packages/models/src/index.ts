export { type CompiledGraph, compileGraph, evaluate } from './compile-graph.js';
export type {
  AveragePoolNode,
  BatchNormalizationNode,
  ConcatNode,
  ConstantNode,
  ConvolutionNode,
  ConvolutionOp,
  Graph,
  GraphNode,
  GraphOp,
  InputNode,
  Padding,
  PlainNode,
  PlainOp,
  ReshapeNode,
  Strides,
  TransposeNode,
} from './graph.js';
export { type ConvolutionOptions, GraphBuilder, type InputShapes, withInputShapes } from './graph-builder.js';
export { batchExtent } from './infer-shape.js';
export { type ModelFormat, modelFormatOf } from './model-format.js';
export { findGraphDefEnds, type GraphDefEnds, type GraphDefOptions, readGraphDef } from './read-graph-def.js';
export { type ReadOnnxOptions, readOnnx } from './read-onnx.js';
export {
  readSavedModel,
  type SavedModelOptions,
  type ServedModel,
  type SignatureTensor,
} from './read-saved-model.js';
export { defaultSignature } from './saved-model-names.js';
export { graphDefVersion, writeGraphDef } from './write-graph-def.js';
export { type OnnxOptions, onnxVersions, writeOnnx } from './write-onnx.js';
export { writeSavedModel } from './write-saved-model.js';
