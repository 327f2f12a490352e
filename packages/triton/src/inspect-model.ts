import { AibenchError } from '@aibench/core';
import type { InferenceCall } from './infer-template.js';
import { matchModel, type TensorTask } from './match-model.js';
import {
  isNotFound,
  isUnimplemented,
  type ModelConfiguration,
  type ModelDescription,
  type ServerIdentity,
  type TritonControl,
} from './triton-control.js';

/** Which model is looked for. */
export interface WantedModel {
  readonly model: string;
  /** Empty where the server chooses. */
  readonly version: string;
}

/** A server that is ready, and a model on it that fits. */
export interface InspectedModel {
  readonly server: ServerIdentity;
  /** Whether it says that it is ready as a whole: by default, Triton is not where any of its models failed to load. */
  readonly serverReady: boolean;
  readonly description: ModelDescription;
  /** Undefined where the server does not tell, as others than Triton. */
  readonly configuration: ModelConfiguration | undefined;
  /** How the model is asked. */
  readonly call: InferenceCall;
}

/**
 * Sees that a server is live, that it has the model and the version, and that
 * they are ready, and take and give what the task calls for.
 *
 * @throws AIBENCH_SERVER where server or model is not ready, AIBENCH_MISSING_KEY where the model or version is missing,
 *   AIBENCH_ANSWER where it does not fit, AIBENCH_CONNECTION, AIBENCH_TIMEOUT
 */
export async function inspectModel(
  control: TritonControl,
  task: TensorTask,
  { model, version }: WantedModel,
): Promise<InspectedModel> {
  const { address } = control;
  const server = await inspectServer(control);
  const description = await control.modelMetadata(model, version).catch(async (error: unknown) => {
    throw isNotFound(error) ? await missingModel(control, { model, version }, error) : error;
  });
  if (!(await control.modelReady(model, version))) {
    throw new AibenchError('AIBENCH_SERVER', `${address}: model ${named(model, version)} is not ready`, {
      hint: "see the server's log",
    });
  }
  const call = matchModel(task, { ...description, name: model }, { address, version });
  const configuration = await control.modelConfiguration(model, version).catch((error: unknown) => {
    if (isUnimplemented(error)) return undefined;
    throw error;
  });
  return { server, serverReady: await control.serverReady(), description, configuration, call };
}

/**
 * Sees that a server is live, and asks who it is.
 *
 * @throws AIBENCH_SERVER, AIBENCH_CONNECTION, AIBENCH_TIMEOUT
 */
export async function inspectServer(control: TritonControl): Promise<ServerIdentity> {
  if (!(await control.serverLive())) {
    throw new AibenchError('AIBENCH_SERVER', `${control.address} is not live yet`, {
      hint: 'wait until it has started; is it a Triton server? see --host',
    });
  }
  return control.serverMetadata();
}

function named(model: string, version: string): string {
  return version === '' ? model : `${model}, version ${version}`;
}

/** Says what is there instead of a model, as far as the server tells. */
async function missingModel(
  control: TritonControl,
  { model, version }: WantedModel,
  cause: unknown,
): Promise<AibenchError> {
  const { address } = control;
  const { status } = cause as { readonly status?: string };
  const other = version === '' ? undefined : await control.modelMetadata(model, '').catch(() => undefined);
  if (other !== undefined) {
    const versions = other.versions.join(', ') || 'others';
    return new AibenchError(
      'AIBENCH_MISSING_KEY',
      `${address} has no version ${version} of model ${model}, but ${versions}`,
      { hint: 'see --model-version', status, cause },
    );
  }
  const index = await control.repositoryIndex().catch(() => []);
  const entry = index.find(({ name }) => name === model);
  if (entry !== undefined && entry.state !== 'READY') {
    const reason = entry.reason === '' ? ', which lies in its repository' : `: ${entry.reason}`;
    return new AibenchError('AIBENCH_MISSING_KEY', `${address} has not loaded model ${model}${reason}`, {
      hint: "load it with aibench-setup-model --server triton, or see the server's log",
      status,
      cause,
    });
  }
  return new AibenchError('AIBENCH_MISSING_KEY', `${address} has no model ${model}`, {
    hint: 'set it up with aibench-setup-model --server triton, or name another with --model',
    status,
    cause,
  });
}
