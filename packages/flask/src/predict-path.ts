/** How an inference's tensors are sent. */
export type BodyKind = 'json' | 'multipart';

/** Paths of the service. */
export const flaskPath = {
  json: '/v1/predict',
  multipart: '/v2/predict',
  health: '/health',
} as const;

/** What the service reads at a path; multipart where that is none of its own. */
export function bodyKindOf(requestUri: string): BodyKind {
  return requestUri.split('?')[0]!.replace(/\/$/, '') === flaskPath.json ? 'json' : 'multipart';
}

/**
 * The path of an inference.
 *
 * @param requestUri path, with a query of its own or without
 * @param model asked for by name; empty where the names of the inputs say which
 */
export function predictPath(requestUri: string, model: string): string {
  if (model === '') return requestUri;
  return `${requestUri}${requestUri.includes('?') ? '&' : '?'}model=${encodeURIComponent(model)}`;
}
