import { AibenchError, elementCount, float32View, formatShape } from '@aibench/core';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type NodeProto,
  type TensorProto,
} from './gen/onnx/onnx.js';

/** A constant of an ONNX file. */
export interface OnnxConstant {
  readonly shape: readonly number[];
  /** Numbers that are computed with, or integers of which settings are made. */
  readonly values: Float32Array | readonly number[];
}

/**
 * A constant's elements, from either of the two forms in which ONNX stores them.
 *
 * @throws AIBENCH_INPUT naming it where they are of another type, in another file, or of the wrong number
 */
export function readOnnxConstant(tensor: TensorProto): OnnxConstant {
  const { name, dims, dataType, rawData } = tensor;
  if (tensor.dataLocation === DataLocation.EXTERNAL) {
    throw invalid(`model constant ${name} lies in another file`, 'write the model as one file');
  }
  const values = dataType === DataType.FLOAT ? floats(tensor) : integers(tensor);
  if (values === undefined) {
    throw invalid(`model constant ${name} is of ONNX's type ${dataType}; float32 and int64 are supported`);
  }
  if (values.length !== elementCount(dims)) {
    throw invalid(
      `model constant ${name} holds ${values.length} values in ${rawData.byteLength} bytes, which don't fit its shape ${formatShape(dims)}`,
    );
  }
  return { shape: dims, values };
}

function floats({ rawData, floatData }: TensorProto): Float32Array {
  return rawData.byteLength > 0 ? float32View(rawData) : Float32Array.from(floatData);
}

function integers({ dataType, rawData, int64Data }: TensorProto): readonly number[] | undefined {
  if (dataType !== DataType.INT64) return undefined;
  if (rawData.byteLength === 0) return int64Data;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: rawData.byteLength >> 3 }, (_, i) => Number(view.getBigInt64(i * 8, true)));
}

/** The settings of a node, by name; what is not given has its default. */
export class OnnxSettings {
  readonly #node: NodeProto;

  constructor(node: NodeProto) {
    this.#node = node;
  }

  integer(name: string, fallback: number): number {
    return this.#find(name)?.i ?? fallback;
  }

  float(name: string, fallback: number): number {
    return this.#find(name)?.f ?? fallback;
  }

  integers(name: string): readonly number[] | undefined {
    return this.#find(name)?.ints;
  }

  text(name: string, fallback: string): string {
    const bytes = this.#find(name)?.s;
    return bytes === undefined ? fallback : new TextDecoder().decode(bytes);
  }

  tensor(name: string): TensorProto | undefined {
    return this.#find(name)?.t;
  }

  #find(name: string) {
    return this.#node.attribute.find((attribute) => attribute.name === name);
  }
}

function invalid(message: string, hint?: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message, hint === undefined ? {} : { hint });
}
