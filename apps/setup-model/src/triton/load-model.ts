import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError, type Tensor } from '@aibench/core';
import { InferResponseReader, type InferringControl, inferTemplate, inspectModel } from '@aibench/triton';
import type { InferenceTask } from '@aibench/usecases';
import type { Probe } from '../model-setup.js';

/** Triton looks into its repository every 15 s where it is told to poll it. */
const readyLimitMs = 30_000;
const lookEveryMs = 250;

/** A model's place on a server. */
export interface LoadedModel {
  readonly model: string;
  readonly version: string;
}

/**
 * Makes a server load a model that lies in its repository, and waits until it
 * takes inferences. A server that is not in explicit mode loads by itself, at
 * its start or by looking into the repository.
 *
 * @returns whether it was told to load it
 * @throws AIBENCH_SERVER with the server's words where it cannot, or does not
 */
export async function loadModel(
  control: InferringControl,
  { model, version }: LoadedModel,
): Promise<boolean> {
  const isExplicit = await control.loadModel(model).then(
    () => true,
    (error: unknown) => {
      if (isNotExplicit(error)) return false;
      throw notLoaded(control.address, model, error);
    },
  );
  const startedMs = Date.now();
  while (!(await control.modelReady(model, version))) {
    if (Date.now() - startedMs > readyLimitMs) {
      throw new AibenchError(
        'AIBENCH_SERVER',
        `${control.address} has not loaded model ${model} within ${readyLimitMs / 1_000} s`,
        {
          hint: isExplicit
            ? `is version ${version} the latest in its repository? see --model-version`
            : 'start it with --model-control-mode=explicit, or start it anew',
        },
      );
    }
    await sleep(lookEveryMs);
  }
  return isExplicit;
}

/** Asks a model the probe. @throws as `inspectModel`, and AIBENCH_SERVER where the inference fails */
export async function askProbe(
  control: InferringControl,
  task: InferenceTask,
  probe: Probe,
  wanted: LoadedModel,
): Promise<Tensor[]> {
  const { call } = await inspectModel(control, task, wanted);
  const data = [...probe.request.inputs, ...probe.references].map((tensor) => tensor.data);
  const answer = await control.infer(inferTemplate(call).encode(data));
  return new InferResponseReader(call.outputs, control.address).read(answer, probe.request.id);
}

/** Outside explicit mode, Triton answers a request to load with UNAVAILABLE or UNIMPLEMENTED and these words. */
function isNotExplicit(error: unknown): boolean {
  const { message, status } = error as { readonly message: string; readonly status?: string };
  return status === 'UNIMPLEMENTED' || /explicit model load \/ unload is not allowed/i.test(message);
}

function notLoaded(address: string, model: string, cause: unknown): unknown {
  if (!(cause instanceof AibenchError) || cause.code !== 'AIBENCH_SERVER') return cause;
  const words = cause.message.replace(`${address} answered `, '');
  return new AibenchError('AIBENCH_SERVER', `${address} cannot load model ${model}: ${words}`, {
    hint: 'is --model-repository its own repository, and has it the back end? see --backend',
    status: cause.status,
    cause,
  });
}
