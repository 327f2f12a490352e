import { elementsOf } from '../inference/element-type.js';
import type { ServerTensor } from '../inference/server-tensor.js';

/** The form of an answer: that of its request. */
export type AnswerForm = 'json' | 'binary';

/** Content types of the two. */
export const answerContentType = {
  json: 'application/json',
  binary: 'application/octet-stream',
} as const satisfies Record<AnswerForm, string>;

/** Writes an answer as the suite's handler does: `{"outputs": [[p0, p1]]}`, or the outputs' bytes one after another. */
export function writeAnswer(
  form: AnswerForm,
  names: readonly string[],
  tensors: readonly ServerTensor[],
): Uint8Array {
  if (form === 'binary') {
    return tensors.length === 1 ? tensors[0]!.data : Buffer.concat(tensors.map(({ data }) => data));
  }
  const lists = tensors.map(nested);
  const outputs =
    lists.length === 1 ? lists[0] : Object.fromEntries(names.map((name, i) => [name, lists[i]]));
  return Buffer.from(JSON.stringify({ outputs }));
}

/** Elements in lists, one in another for each dimension. */
function nested({ data, shape, type }: ServerTensor): unknown {
  const values = [...elementsOf(type, data)].map(Number);
  let at = 0;
  const list = (dimension: number): unknown =>
    dimension === shape.length
      ? values[at++]
      : Array.from({ length: shape[dimension]! }, () => list(dimension + 1));
  return list(0);
}
