import { ModelSpec } from './gen/tensorflow_serving/apis/model.js';

/** Which model is asked, and by which of its signatures. */
export interface ModelChoice {
  readonly model: string;
  /** Default: the newest that the server has. */
  readonly version?: number | undefined;
  /** Default: `serving_default`. */
  readonly signature?: string | undefined;
}

/** The signature that a request means which names none. */
export const defaultSignature = 'serving_default';

/** A choice as it is sent. The signature is left out where it is the default, as the Go suite's requests do. */
export function modelSpec({ model, version, signature = defaultSignature }: ModelChoice): ModelSpec {
  return ModelSpec.create({
    name: model,
    signatureName: signature === defaultSignature ? '' : signature,
    versionChoice: version === undefined ? undefined : { $case: 'version', value: version },
  });
}

/** A choice in words: `model financialNet version 1`. */
export function formatModel({ model, version }: ModelChoice): string {
  return version === undefined ? `model ${model}` : `model ${model} version ${version}`;
}
