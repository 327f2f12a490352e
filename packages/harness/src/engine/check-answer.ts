import { AibenchError, float32Values, formatShape, type Tensor, tensorSizeBytes } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';

/**
 * Checks that an answer has the tensors that the task calls for, whatever
 * their values: cheap enough for every answer of a run.
 *
 * @param rowCount rows of the request, of which an answer of several has as many parts. Default: those of a whole batch
 * @throws AIBENCH_ANSWER saying what is there and what was expected
 */
export function checkAnswerShape(
  task: InferenceTask,
  outputs: readonly Tensor[],
  rowCount = task.batchSize,
): void {
  const expected = task.outputs;
  if (outputs.length !== expected.length) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `the answer has ${outputs.length} tensors instead of ${expected.length}`,
      {
        hint: modelHint,
      },
    );
  }
  for (let i = 0; i < expected.length; i++) {
    const spec = expected[i]!;
    const output = outputs[i]!;
    const sizeBytes = (tensorSizeBytes(spec) / task.batchSize) * rowCount;
    if (output.dtype === spec.dtype && output.data.byteLength === sizeBytes) continue;
    const seen = `${output.data.byteLength} bytes of ${output.dtype} ${formatShape(output.shape)}`;
    const [rows, ...extents] = spec.shape;
    const shape = rowCount === task.batchSize || rows === undefined ? spec.shape : [rowCount, ...extents];
    const wanted = `${spec.dtype} ${formatShape(shape)}`;
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `the answer's tensor ${spec.name} is ${seen} instead of ${wanted}`,
      {
        hint: modelHint,
      },
    );
  }
}

const modelHint = 'is this the right model? see --model';

/**
 * Compares an answer with the one that the rows call for.
 *
 * @param firstRow place of the first of them in the data. Default 0
 * @returns how it differs, or undefined where every element is within the task's tolerance
 */
export function answerDifference(
  task: InferenceTask,
  rows: Uint8Array,
  outputs: readonly Tensor[],
  firstRow = 0,
): string | undefined {
  const expectedOutputs = task.expectedOutputs(rows, firstRow);
  for (let i = 0; i < expectedOutputs.length; i++) {
    const expected = float32Values(expectedOutputs[i]!);
    const actual = float32Values(outputs[i]!);
    const [rowCount = 1] = expectedOutputs[i]!.shape;
    const other = task.checkTop === true ? otherTop(expected, actual, rowCount, task.tolerance) : undefined;
    if (other !== undefined) return `${expectedOutputs[i]!.name} ${other}`;
    for (let k = 0; k < expected.length; k++) {
      // Written so that NaN counts as different.
      if (Math.abs(actual[k]! - expected[k]!) <= task.tolerance) continue;
      return `${expectedOutputs[i]!.name} is [${preview(actual)}] instead of [${preview(expected)}]`;
    }
  }
  return undefined;
}

/**
 * Which class is the most probable one, where that is another than it should be. Of two that are as good as equally
 * probable either will do.
 */
function otherTop(
  expected: Float32Array,
  actual: Float32Array,
  rowCount: number,
  tolerance: number,
): string | undefined {
  const classes = expected.length / rowCount;
  for (let row = 0; row < rowCount; row++) {
    const part = (values: Float32Array) => values.subarray(row * classes, (row + 1) * classes);
    const wanted = topOf(part(expected));
    const found = topOf(part(actual));
    if (part(expected)[wanted]! - part(expected)[found]! <= tolerance) continue;
    const where = rowCount === 1 ? '' : ` of image ${row} in the batch`;
    return `has class ${found} on top${where} instead of ${wanted}`;
  }
  return undefined;
}

function topOf(values: Float32Array): number {
  let top = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[top]!) top = i;
  return top;
}

function preview(values: Float32Array): string {
  const shown = [...values.subarray(0, 4)].map((value) => value.toPrecision(6)).join(', ');
  return values.length > 4 ? `${shown}, ..` : shown;
}
