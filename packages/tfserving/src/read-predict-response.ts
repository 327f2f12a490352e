import { AibenchError, formatShape, type Tensor, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { dataTypeOf, formatTensorType } from './data-types.js';
import { FieldCursor } from './field-cursor.js';

// Field numbers: PredictResponse.outputs, a map's entries, TensorProto, TensorShapeProto and its Dim.
const outputsField = 1;
const keyField = 1;
const valueField = 2;
const dtypeField = 1;
const shapeField = 2;
const contentField = 4;
const floatField = 5;
const intField = 7;
const int64Field = 10;
const uint64Field = 17;
const dimField = 2;
const sizeField = 1;

const lengthDelimited = 2;

const hint = 'is this the right model? see --model';

/**
 * The outputs of a `PredictResponse`, in the order asked for; others in it are passed over. Their data are views on
 * the answer's bytes where these hold it as it lies in memory: `tensor_content`, and the packed list of floats that
 * TensorFlow Serving answers with. Other lists are copied, and filled up with their last element as TensorFlow does.
 *
 * @param outputs names, types and shapes that the answer must have
 * @throws AIBENCH_ANSWER where the bytes are no such message, or an output is missing or of another type, shape or size
 */
export function readPredictResponse(outputs: readonly TensorSpec[], bytes: Uint8Array): Tensor[] {
  const tensors = new Array<Tensor | undefined>(outputs.length).fill(undefined);
  const others: string[] = [];
  try {
    const cursor = new FieldCursor(bytes);
    while (cursor.next()) {
      if (cursor.field === outputsField && cursor.wireType === lengthDelimited) {
        const end = cursor.enter();
        readEntry(cursor, outputs, tensors, others);
        cursor.leave(end);
      } else cursor.skip();
    }
  } catch (cause) {
    if (cause instanceof AibenchError) throw cause;
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `the ${bytes.byteLength} bytes of the answer are no PredictResponse`,
      {
        cause,
      },
    );
  }
  for (let i = 0; i < outputs.length; i++) {
    if (tensors[i] !== undefined) continue;
    const has = others.length === 0 ? 'none' : others.join(', ');
    throw new AibenchError('AIBENCH_ANSWER', `the answer has no output ${outputs[i]!.name}, but ${has}`, {
      hint,
    });
  }
  return tensors as Tensor[];
}

/** Reads an entry of the outputs' map, whose key comes first in every encoder's bytes but need not. */
function readEntry(
  cursor: FieldCursor,
  outputs: readonly TensorSpec[],
  tensors: (Tensor | undefined)[],
  others: string[],
): void {
  let output = -1;
  let name = '';
  let value: FieldCursor | undefined;
  while (cursor.next()) {
    if (cursor.wireType !== lengthDelimited) cursor.skip();
    else if (cursor.field === keyField) {
      const end = cursor.enter();
      output = outputs.findIndex((spec) => cursor.isText(spec.name));
      if (output === -1) name = cursor.text();
      cursor.leave(end);
    } else if (cursor.field === valueField) {
      const end = cursor.enter();
      value = cursor.copy();
      cursor.leave(end);
    } else cursor.skip();
  }
  if (output === -1) others.push(name);
  else tensors[output] = readTensor(outputs[output]!, value);
}

function readTensor(spec: TensorSpec, value: FieldCursor | undefined): Tensor {
  let dataType = 0;
  let shape: readonly number[] = [];
  let data: Uint8Array | undefined;
  let isListed = false;
  const cursor = value?.copy();
  while (cursor?.next()) {
    switch (cursor.field) {
      case dtypeField:
        dataType = cursor.varint();
        break;
      case shapeField: {
        const end = cursor.enter();
        shape = readShape(cursor);
        cursor.leave(end);
        break;
      }
      case contentField: {
        const content = cursor.bytes();
        if (content.byteLength > 0) data = content;
        break;
      }
      case floatField:
        // As it lies in memory where all of it is one packed list.
        if (cursor.wireType === lengthDelimited && data === undefined && !isListed) data = cursor.bytes();
        else {
          isListed = true;
          cursor.skip();
        }
        break;
      case intField:
      case int64Field:
      case uint64Field:
        isListed = true;
        cursor.skip();
        break;
      default:
        cursor.skip();
    }
  }
  if (dataType !== dataTypeOf(spec.dtype) || !isSame(shape, spec.shape)) {
    const seen = formatTensorType(dataType, shape);
    const wanted = `${spec.dtype} ${formatShape(spec.shape)}`;
    throw new AibenchError('AIBENCH_ANSWER', `the answer's ${spec.name} is ${seen} instead of ${wanted}`, {
      hint,
    });
  }
  const sizeBytes = tensorSizeBytes(spec);
  const { name, dtype } = spec;
  if (data?.byteLength === sizeBytes && !isListed) return { name, dtype, shape: spec.shape, data };
  return { name, dtype, shape: spec.shape, data: readListed(spec, value, sizeBytes) };
}

function readShape(cursor: FieldCursor): number[] {
  const shape: number[] = [];
  while (cursor.next()) {
    if (cursor.field !== dimField || cursor.wireType !== lengthDelimited) {
      cursor.skip();
      continue;
    }
    const end = cursor.enter();
    shape.push(readSize(cursor));
    cursor.leave(end);
  }
  return shape;
}

function readSize(cursor: FieldCursor): number {
  let size = 0;
  while (cursor.next()) {
    if (cursor.field === sizeField) size = cursor.varint();
    else cursor.skip();
  }
  return size;
}

const listFields = { float32: floatField, uint8: intField, int64: int64Field, uint64: uint64Field } as const;

/** The elements of a tensor from a list that may be in several parts, or break off where its last element repeats. */
function readListed(spec: TensorSpec, value: FieldCursor | undefined, sizeBytes: number): Uint8Array {
  const data = new Uint8Array(sizeBytes);
  const elementBytes = { float32: 4, uint8: 1, int64: 8, uint64: 8 }[spec.dtype];
  const view = new DataView(data.buffer);
  const read = {
    float32: (reader: BinaryReader, at: number) => view.setFloat32(at, reader.float(), true),
    uint8: (reader: BinaryReader, at: number) => view.setUint8(at, reader.int32()),
    int64: (reader: BinaryReader, at: number) => view.setBigInt64(at, BigInt(reader.int64()), true),
    uint64: (reader: BinaryReader, at: number) => view.setBigUint64(at, BigInt(reader.uint64()), true),
  }[spec.dtype];
  const reader = new BinaryReader(value?.rest() ?? new Uint8Array());
  let at = 0;
  const readOne = () => {
    if (at >= sizeBytes) throw wrongSize(spec, `more than ${sizeBytes / elementBytes} elements`);
    read(reader, at);
    at += elementBytes;
  };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === contentField) {
      const content = reader.bytes();
      if (content.byteLength > 0) throw wrongSize(spec, `${content.byteLength} bytes`);
    } else if (field !== listFields[spec.dtype]) reader.skip(wireType, field);
    else if (wireType === lengthDelimited) {
      for (const end = reader.uint32() + reader.pos; reader.pos < end; ) readOne();
    } else readOne();
  }
  for (const last = at - elementBytes; at > 0 && at < sizeBytes; at += elementBytes) {
    data.copyWithin(at, last, last + elementBytes);
  }
  return data;
}

function wrongSize({ name, dtype, shape }: TensorSpec, seen: string): AibenchError {
  return new AibenchError(
    'AIBENCH_ANSWER',
    `the answer's ${name} has ${seen}, which are no ${dtype} ${formatShape(shape)}`,
    {
      hint,
    },
  );
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
