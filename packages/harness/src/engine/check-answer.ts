import { AibenchError, float32Values, formatShape, type Tensor, tensorSizeBytes } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';

/**
 * Checks that an answer has the tensors that the task calls for, whatever
 * their values: cheap enough for every answer of a run.
 *
 * @throws AIBENCH_ANSWER saying what is there and what was expected
 */
export function checkAnswerShape(task: InferenceTask, outputs: readonly Tensor[]): void {
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
    if (output.dtype === spec.dtype && output.data.byteLength === tensorSizeBytes(spec)) continue;
    const seen = `${output.data.byteLength} bytes of ${output.dtype} ${formatShape(output.shape)}`;
    const wanted = `${spec.dtype} ${formatShape(spec.shape)}`;
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
 * Compares an answer with the one that the row calls for.
 *
 * @returns how it differs, or undefined where every element is within the task's tolerance
 */
export function answerDifference(
  task: InferenceTask,
  row: Uint8Array,
  outputs: readonly Tensor[],
): string | undefined {
  const expectedOutputs = task.expectedOutputs(row);
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
