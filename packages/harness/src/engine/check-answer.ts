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
    for (let k = 0; k < expected.length; k++) {
      // Written so that NaN counts as different.
      if (Math.abs(actual[k]! - expected[k]!) <= task.tolerance) continue;
      return `${expectedOutputs[i]!.name} is [${preview(actual)}] instead of [${preview(expected)}]`;
    }
  }
  return undefined;
}

function preview(values: Float32Array): string {
  const shown = [...values.subarray(0, 4)].map((value) => value.toPrecision(6)).join(', ');
  return values.length > 4 ? `${shown}, ..` : shown;
}
