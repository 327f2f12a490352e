import { AibenchError } from '@aibench/core';
import { modelOfPath, predictionsPath } from '@aibench/torchserve';
import type { TorchServeFlags } from './flags.js';

/** Which model is asked, and where. */
export interface ModelChoice {
  readonly model: string;
  /** Empty for the default version. */
  readonly version: string;
  /** Of inferences over HTTP. */
  readonly path: string;
}

/**
 * The model that the flags choose. A path that is given wins: the model and the
 * version are those in it; one that has no model's name in it, as behind a
 * gateway, is asked as it is, and `--model` names what is described.
 *
 * @throws AIBENCH_USAGE where flags contradict one another
 */
export function modelChoice(
  { model, modelVersion, torchserveRequestUri: uri }: TorchServeFlags,
  task: { readonly defaultModelName: string },
): ModelChoice {
  if (uri === '') {
    const name = model === '' ? task.defaultModelName : model;
    return { model: name, version: modelVersion, path: predictionsPath(name, modelVersion) };
  }
  if (!/^\/[\x21-\x7e]*$/.test(uri)) {
    throw new AibenchError('AIBENCH_USAGE', `--torchserve-request-uri: "${uri}" is no path`, {
      hint: 'it begins with a slash: /predictions/financialNet',
    });
  }
  const named = modelOfPath(uri);
  if (named === undefined) {
    return { model: model === '' ? task.defaultModelName : model, version: modelVersion, path: uri };
  }
  checkAgrees('--model', model, named.model);
  checkAgrees('--model-version', modelVersion, named.version);
  return { ...named, path: uri };
}

function checkAgrees(flag: string, given: string, inPath: string): void {
  if (given === '' || given === inPath) return;
  const other = inPath === '' ? 'none' : inPath;
  throw new AibenchError('AIBENCH_USAGE', `${flag} is ${given}, and --torchserve-request-uri has ${other}`, {
    hint: 'leave one of them out',
  });
}
