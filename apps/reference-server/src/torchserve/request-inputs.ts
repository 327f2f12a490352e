import { elementCount, formatShape } from '@aibench/core';
import { elementSizeBytes, elementsOf } from '../inference/element-type.js';
import type { TensorDeclaration } from '../inference/onnx-session.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { handlerError } from './torchserve-error.js';

/** What a request carries: a JSON object, or tensors' bytes by their names. */
export type RequestBody =
  | { readonly kind: 'json'; readonly bytes: Buffer }
  | { readonly kind: 'binary'; readonly parts: ReadonlyMap<string, Uint8Array> };

/**
 * A request's tensors in the order of the model's inputs, in the shapes that the
 * model declares: the work of the suite's handler.
 *
 * @throws TorchServeError 400
 */
export function readInputs(body: RequestBody, inputs: readonly TensorDeclaration[]): ServerTensor[] {
  if (body.kind === 'binary') {
    checkNames(inputs, [...body.parts.keys()]);
    return inputs.map((input) => fromBytes(input, body.parts.get(input.name)!));
  }
  const members = parse(body.bytes);
  checkNames(inputs, Object.keys(members));
  return inputs.map((input) => fromNumbers(input, members[input.name]));
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch (cause) {
    throw handlerError(400, 'the body is no JSON', { cause });
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw handlerError(400, 'the body is no JSON object');
}

function fromBytes(input: TensorDeclaration, bytes: Uint8Array): ServerTensor {
  const sizeBytes = elementSizeBytes[input.type];
  const shape = closedShape(input, bytes.byteLength / sizeBytes);
  if (shape === undefined) {
    throw handlerError(
      400,
      `input ${input.name} has ${bytes.byteLength} bytes, which are no ${describe(input)}`,
    );
  }
  return new ServerTensor(input.type, shape, bytes);
}

function fromNumbers(input: TensorDeclaration, value: unknown): ServerTensor {
  const numbers = (Array.isArray(value) ? value : [value]).flat(Number.POSITIVE_INFINITY);
  if (!numbers.every((number): number is number => typeof number === 'number')) {
    throw handlerError(400, `input ${input.name} has an element that is no number`);
  }
  const shape = closedShape(input, numbers.length);
  if (shape === undefined) {
    throw handlerError(
      400,
      `input ${input.name} has ${numbers.length} numbers, which are no ${describe(input)}`,
    );
  }
  const bytes = new Uint8Array(numbers.length * elementSizeBytes[input.type]);
  const elements = elementsOf(input.type, bytes);
  for (let i = 0; i < numbers.length; i++) {
    elements[i] =
      elements instanceof BigInt64Array || elements instanceof BigUint64Array
        ? BigInt(Math.trunc(numbers[i]!))
        : numbers[i]!;
    const isFloat = input.type === 'float32' || input.type === 'float64';
    if (isFloat ? !Number.isFinite(elements[i]) : Number(elements[i]) !== numbers[i]) {
      throw handlerError(400, `input ${input.name} has a number that is no ${input.type}`);
    }
  }
  return new ServerTensor(input.type, shape, bytes);
}

/** The declared shape with its open extent filled in; undefined where so many elements don't fit it. */
function closedShape({ shape }: TensorDeclaration, count: number): number[] | undefined {
  const known = elementCount(shape.map((extent) => extent ?? 1));
  const open = shape.filter((extent) => extent === undefined).length;
  if (open === 0) return count === known ? shape.map((extent) => extent!) : undefined;
  const free = count / known;
  if (open > 1 || !Number.isInteger(free) || free < 1) return undefined;
  return shape.map((extent) => extent ?? free);
}

function describe({ type, shape }: TensorDeclaration): string {
  return `${type} ${formatShape(shape.map((extent) => extent ?? -1))}`;
}

function checkNames(inputs: readonly TensorDeclaration[], given: readonly string[]): void {
  const names = inputs.map(({ name }) => name);
  const missing = names.find((name) => !given.includes(name));
  if (missing !== undefined) {
    throw handlerError(400, `input ${missing} is missing, there are ${given.join(', ') || 'none'}`);
  }
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw handlerError(400, `there is no input ${unknown}, but ${names.join(', ')}`);
  }
}
