/** Path of the health check, on the inference port. */
export const pingPath = '/ping';

/** Path of a model's inferences: `/predictions/financialNet`, or of one version's: `/predictions/financialNet/2.0`. */
export function predictionsPath(model: string, version: string): string {
  return withVersion(`/predictions/${encodeURIComponent(model)}`, version);
}

/**
 * Path of a model on the management port: `/models/financialNet`; of one of its
 * versions, `/models/financialNet/2.0`; of all of them, with version `all`.
 */
export function modelPath(model: string, version: string): string {
  return withVersion(`/models/${encodeURIComponent(model)}`, version);
}

/** Path of the list of models, on the management port, where models are registered, too. */
export const modelsPath = '/models';

function withVersion(path: string, version: string): string {
  return version === '' ? path : `${path}/${encodeURIComponent(version)}`;
}

/** The model and version that a path of inferences is for; undefined where it is none. */
export function modelOfPath(path: string): { readonly model: string; readonly version: string } | undefined {
  const match = /^\/predictions\/([^/?#]+)(?:\/([^/?#]+))?\/?(?:[?#].*)?$/.exec(path);
  if (match === null) return undefined;
  try {
    return { model: decodeURIComponent(match[1]!), version: decodeURIComponent(match[2] ?? '') };
  } catch {
    return undefined;
  }
}
