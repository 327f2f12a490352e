export { type CompiledGraph, compileGraph, evaluate } from './compile-graph.js';
export type {
  ConcatNode,
  ConstantNode,
  Graph,
  GraphNode,
  GraphOp,
  InputNode,
  PlainNode,
  PlainOp,
  ReshapeNode,
} from './graph.js';
export { GraphBuilder, type InputShapes, withInputShapes } from './graph-builder.js';
export { batchExtent } from './infer-shape.js';
export { type GraphDefOptions, readGraphDef } from './read-graph-def.js';
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
