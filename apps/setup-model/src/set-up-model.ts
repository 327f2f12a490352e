import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AibenchError, errorLine, float32View, formatShape, type Tensor } from '@aibench/core';
import { answerDifference, checkAnswerShape } from '@aibench/harness';
import type { CommandContext } from '@aibench/harness/cli';
import { type InferenceTask, loadUseCase } from '@aibench/usecases';
import { drawProbe } from './draw-probe.js';
import type { commonFlags } from './flags.js';
import type { InstalledModel, ModelSetup, OwnModel, SetupContext } from './model-setup.js';
import { writeModelFiles } from './write-model-files.js';

/**
 * Sets a model up: writes its files where only those are wanted, otherwise
 * installs it on every server and compares each answer with the expected one.
 *
 * @throws AIBENCH_MISMATCH where a server answers the suite's model wrongly, AIBENCH_ANSWER for an answer of another form
 */
export async function setUpModel(
  setup: ModelSetup,
  { flags, stdout, signal }: CommandContext<typeof commonFlags>,
): Promise<void> {
  const useCase = await loadUseCase(flags.useCase);
  const given = flags.modelFile === '' ? undefined : await readModel(flags.modelFile);
  const own = useCase.task({ withReference: flags.enableReferenceDataRedis });
  const imported = given === undefined || flags.asIs ? undefined : importModel(own, given);
  const task = imported ?? own;
  const context: SetupContext = {
    // The server's flags are among those that were read.
    flags: flags as unknown as SetupContext['flags'],
    task,
    modelName: flags.model === '' ? task.defaultModelName : flags.model,
    ownModel: imported === undefined ? given : undefined,
    probe: await drawProbe(useCase, task),
    signal,
  };
  if (flags.outputDir !== '') {
    const files = await setup.modelFiles(context, resolve(flags.outputDir));
    for (const path of await writeModelFiles(flags.outputDir, files)) stdout.write(`${path}\n`);
    return;
  }
  for await (const installed of setup.install(context)) {
    const verdict = judge(context, installed);
    const { address, server, description, answer } = installed;
    stdout.write(`${address} (${server}): ${description}; answers ${answerText(answer)}, ${verdict}\n`);
    signal.throwIfAborted();
  }
}

/** The task with a trained model's weights, where the use case can take them over. */
function importModel(task: InferenceTask, { bytes, path }: OwnModel): InferenceTask | undefined {
  try {
    return task.importModel?.(bytes);
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `cannot take the weights of ${path}: ${errorLine(cause)}`, {
      hint: 'pass --as-is to give the server the file unchanged',
      cause,
    });
  }
}

/** Says in which way an answer is right. */
function judge({ task, ownModel, probe }: SetupContext, { address, answer }: InstalledModel): string {
  try {
    checkAnswerShape(task, answer);
  } catch (cause) {
    const { code, message } = cause as AibenchError;
    throw new AibenchError(code, `${address}: ${message}`, {
      hint: 'is this the right model for the use case? see --model-file',
      cause,
    });
  }
  if (ownModel !== undefined) return 'which has the right form';
  const difference = answerDifference(task, probe.row, answer);
  if (difference === undefined) return 'as expected';
  throw new AibenchError('AIBENCH_MISMATCH', `${address}: the answer is wrong: ${difference}`, {
    hint: 'the server computes something else than the model does; see --backend',
  });
}

function answerText(answer: readonly Tensor[]): string {
  return answer
    .map(({ name, dtype, shape, data }) => {
      const values = dtype === 'float32' ? [...float32View(data)].map((value) => value.toPrecision(6)) : data;
      const shown = [...values.slice(0, 4)].join(', ');
      return `${name}${formatShape(shape)} = ${shown}${values.length > 4 ? ', ..' : ''}`;
    })
    .join('; ');
}

async function readModel(path: string): Promise<OwnModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = reasons[code ?? ''] ?? message;
    throw new AibenchError('AIBENCH_INPUT', `cannot read the model ${path}: ${reason}`, {
      hint: 'see --model-file',
      cause,
    });
  }
  if (bytes.byteLength === 0) {
    throw new AibenchError('AIBENCH_INPUT', `the model ${path} is empty`, { hint: 'see --model-file' });
  }
  return { path, bytes };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};
