import { AibenchError, type Tensor } from '@aibench/core';
import { type HttpConnection, JsonTemplate, readJsonOutputs, statusError } from '@aibench/http';
import { predictionsPath } from '@aibench/torchserve';
import type { InferenceTask } from '@aibench/usecases';
import type { Probe } from '../model-setup.js';

/** How a server's inference port is asked. */
export interface InferencePort {
  readonly connection: HttpConnection;
  readonly headers: Readonly<Record<string, string>>;
  /** The flag that names it, for hints. */
  readonly flag: string;
}

/** Asks a model the probe. @throws AIBENCH_SERVER where the inference fails, AIBENCH_ANSWER for no such answer */
export async function askProbe(
  { connection, headers, flag }: InferencePort,
  task: InferenceTask,
  { request, references }: Probe,
  { model, version }: { readonly model: string; readonly version: string },
): Promise<Tensor[]> {
  const tensors = [...request.inputs, ...references];
  const template = new JsonTemplate(tensors);
  const answer = await connection.send({
    method: 'POST',
    path: predictionsPath(model, version),
    headers: { ...headers, ...template.headers },
    body: template.encode(tensors.map(({ data }) => data)),
  });
  const { address } = connection;
  if (answer.status === 200) {
    return readJsonOutputs(task.outputs, answer.body, { address, requestId: request.id, flag });
  }
  const error = statusError(address, answer);
  throw new AibenchError(error.code, error.message, {
    hint: hintFor(error.message, flag) ?? error.hint,
    status: error.status,
  });
}

function hintFor(words: string, flag: string): string | undefined {
  if (/token authorization/i.test(words)) {
    return 'the key for inference stands in its key_file.json: pass it as --bearer-token';
  }
  return /not found/i.test(words) ? `is ${flag} the same server's port for inference?` : undefined;
}
