import { AibenchError, elementCount, formatShape, type Tensor, type TensorSpec } from '@aibench/core';

/** What an answer belongs to, for messages. */
export interface JsonAnswerContext {
  /** `host:port`. */
  readonly address: string;
  /** Id of the row. */
  readonly requestId: number;
  /** The flag that names the server, for hints. Default: no hint. */
  readonly flag?: string;
}

/** Members that hold the one output of a model, or all outputs by their names. */
const wrappers = ['outputs', 'predictions'] as const;

/**
 * Reads an inference's answer in JSON: `{"outputs": [[0.9, 0.1]]}`, `{"output": [..]}`
 * by the output's own name, either of them inside the other, or a list alone. Lists
 * may be nested in any way that has as many numbers as the output has elements.
 *
 * @param outputs that the model has
 * @throws AIBENCH_ANSWER where it is no such answer, or an element is no finite number
 */
export function readJsonOutputs(
  outputs: readonly TensorSpec[],
  body: Buffer,
  context: JsonAnswerContext,
): Tensor[] {
  const text = body.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const what = /\b(NaN|Infinity)\b/.test(text) ? 'a number that is none' : 'what is no JSON';
    throw answerError(context, `with ${what}: ${preview(text)}`, cause);
  }
  return outputs.map((spec) => {
    const found = find(spec, outputs.length === 1, json);
    if (found === undefined) throw answerError(context, `without output ${spec.name}: ${preview(text)}`);
    return readTensor(spec, found, context, text);
  });
}

function find(spec: TensorSpec, isOnly: boolean, json: unknown): unknown {
  if (Array.isArray(json)) return isOnly ? json : undefined;
  if (typeof json !== 'object' || json === null) return undefined;
  const members = json as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(members, spec.name)) return members[spec.name];
  for (const wrapper of wrappers) {
    if (Object.hasOwn(members, wrapper)) return find(spec, isOnly, members[wrapper]);
  }
  return undefined;
}

function readTensor(spec: TensorSpec, json: unknown, context: JsonAnswerContext, text: string): Tensor {
  const numbers: number[] = [];
  if (!collect(json, numbers)) {
    throw answerError(context, `with an element that is no number in ${spec.name}: ${preview(text)}`);
  }
  const count = elementCount(spec.shape);
  if (numbers.length !== count) {
    throw answerError(
      context,
      `with ${numbers.length} numbers in ${spec.name}, instead of the ${count} of ${formatShape(spec.shape)}`,
    );
  }
  return { ...spec, data: bytesOf(spec, numbers, context, text) };
}

/** Puts all numbers of nested lists behind one another. @returns whether there is nothing else in them */
function collect(json: unknown, numbers: number[]): boolean {
  if (typeof json === 'number') {
    numbers.push(json);
    return true;
  }
  return Array.isArray(json) && json.every((element) => collect(element, numbers));
}

function bytesOf(
  { dtype, name }: TensorSpec,
  numbers: readonly number[],
  context: JsonAnswerContext,
  text: string,
): Uint8Array {
  if (dtype === 'float32') return new Uint8Array(Float32Array.from(numbers).buffer);
  if (!numbers.every((number) => Number.isSafeInteger(number))) {
    throw answerError(context, `with a fraction in ${name}, which is ${dtype}: ${preview(text)}`);
  }
  if (dtype === 'uint8') return Uint8Array.from(numbers);
  return new Uint8Array(
    (dtype === 'uint64' ? BigUint64Array : BigInt64Array).from(numbers.map(BigInt)).buffer,
  );
}

function answerError(
  { address, flag, requestId }: JsonAnswerContext,
  what: string,
  cause?: unknown,
): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', `${address} answered for row ${requestId} ${what}`, {
    hint: flag === undefined ? undefined : `is this the right server and model? see ${flag}`,
    cause,
  });
}

/** The beginning of what came, on one line. */
function preview(text: string): string {
  const line = text.slice(0, 80).replaceAll(/[^\x20-\x7e]+/g, ' ');
  return text.length > 80 ? `"${line}.."` : `"${line}"`;
}
