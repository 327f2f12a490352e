import type { FlaskHealth } from './health.js';

/** Who answers, in the terms of a result. */
export interface ServiceIdentity {
  readonly product: string;
  /** `unknown` where it does not tell. */
  readonly version: string;
  readonly isReference: boolean;
}

const referenceProduct = 'aibench-reference-server';

/** Who a service is; undefined stands for one that does not tell. */
export function identifyService(health: FlaskHealth | undefined): ServiceIdentity {
  if (health === undefined) return { product: 'unknown', version: 'unknown', isReference: false };
  const { identity, service, version = 'unknown' } = health;
  if (service === referenceProduct) return { product: service, version, isReference: true };
  return { product: 'Flask', version: String(identity['flask'] ?? 'unknown'), isReference: false };
}
