import { AibenchError } from '@aibench/core';
import type { InferenceTask, UseCase } from '@aibench/usecases';
import type { Probe } from './model-setup.js';

/** Any seed would do; a fixed one makes the answer the same every time. */
const probeSeed = 1;

/** Draws a row of the use case's synthetic source, as a question to see that a model answers. */
export async function drawProbe(useCase: UseCase, task: InferenceTask): Promise<Probe> {
  const source = await useCase.openSource({
    inputPath: undefined,
    seed: probeSeed,
    rowLimit: 1,
    threads: 0,
    groupId: 0,
    groupCount: 1,
  });
  try {
    for await (const chunk of source.chunks()) {
      const row = chunk.slice(0, useCase.row.sizeBytes);
      return {
        row,
        request: task.readRequest(row),
        references: task.references.map((spec) => spec.read(row)),
      };
    }
  } finally {
    await source.close();
  }
  throw new AibenchError('AIBENCH_INPUT', `use case ${useCase.name} draws no row to ask the model with`);
}
