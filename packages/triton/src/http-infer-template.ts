import { PatchedMessage, tensorSizeBytes } from '@aibench/core';
import { tritonDatatype } from './datatypes.js';
import { modelPath } from './http-paths.js';
import type { InferenceCall } from './infer-template.js';

/** An inference over HTTP: what never changes of it, and the body that its tensors are put into. */
export interface HttpInferTemplate {
  /** `/v2/models/financialNet/infer` */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: PatchedMessage;
}

/** Tells where the JSON at the beginning of a body ends and the bytes of the tensors begin. */
export const headerLengthHeader = 'inference-header-content-length';

/**
 * The same as {@link inferTemplate} over HTTP, with the binary tensor data
 * extension: JSON, then each tensor's bytes.
 */
export function httpInferTemplate(call: InferenceCall): HttpInferTemplate {
  const json = Buffer.from(
    JSON.stringify({
      inputs: call.inputs.map((spec) => ({
        name: spec.name,
        shape: spec.shape,
        datatype: tritonDatatype(spec.dtype),
        parameters: { binary_data_size: tensorSizeBytes(spec) },
      })),
      outputs: call.outputs.map(({ name }) => ({ name, parameters: { binary_data: true } })),
    }),
  );
  const body = new PatchedMessage([json, ...call.inputs]);
  return {
    path: `${modelPath(call.model, call.version)}/infer`,
    headers: {
      'content-type': 'application/octet-stream',
      [headerLengthHeader]: String(json.length),
    },
    body,
  };
}
