import { type Graph, GraphBuilder, writeGraphDef, writeOnnx } from '@aibench/models';

/** Adds two tensors of [batch,2]: inputs `a`, `b`, output `sum`. */
function buildAddition(): Graph {
  const builder = new GraphBuilder();
  const a = builder.input('a', [-1, 2]);
  const b = builder.input('b', [-1, 2]);
  return builder.build('addition', [builder.apply('add', 'sum', [a, b])]);
}

/** A model of two inputs `a`, `b` [batch,2] and one output `sum`. */
export const additionGraph: Graph = buildAddition();

/** The same as an ONNX file. */
export const additionOnnx: Uint8Array = writeOnnx(additionGraph);

/** The same as a TensorFlow GraphDef. */
export const additionGraphDef: Uint8Array = writeGraphDef(additionGraph);

/** float32 values as bytes. */
export function floatBytes(...values: number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

/** Bytes of a reply as float32 values. */
export function floatValues(reply: unknown): number[] {
  const bytes = new Uint8Array(Buffer.from(String(reply), 'latin1'));
  return [...new Float32Array(bytes.buffer)];
}
