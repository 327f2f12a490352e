/** Formats of model file that a graph can be read from and written as. */
export type ModelFormat = 'onnx' | 'graphdef' | 'savedmodel';

/**
 * The format of a model file, by its first bytes: a GraphDef begins with a node, a SavedModel with its version, which
 * is 1, and an ONNX file with its version, which is 3 or newer. What is none of them is taken for ONNX, and refused
 * where it is read.
 */
export function modelFormatOf(bytes: Uint8Array): ModelFormat {
  // Each a field's number and type: field 1 of bytes, or field 1 that is a number.
  if (bytes[0] === 0x0a) return 'graphdef';
  return bytes[0] === 0x08 && bytes[1] === 1 ? 'savedmodel' : 'onnx';
}
