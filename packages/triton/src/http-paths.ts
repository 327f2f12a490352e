/** Path of a model, or of one version of it: `/v2/models/financialNet/versions/1`. */
export function modelPath(model: string, version: string): string {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  return version === '' ? path : `${path}/versions/${encodeURIComponent(version)}`;
}

/** Paths of the calls over HTTP that are about the server. */
export const serverPath = {
  live: '/v2/health/live',
  ready: '/v2/health/ready',
  metadata: '/v2',
} as const;
