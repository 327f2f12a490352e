import type { MaybePromise } from '../inference/inference-engine.js';

/**
 * Answers one call: the encoded request in, the encoded answer out.
 *
 * @throws GrpcError, also as a rejection
 */
export type GrpcHandler = (request: Uint8Array) => MaybePromise<Uint8Array>;

/** What a gRPC port serves, and how. */
export interface GrpcService {
  /** By path: `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, GrpcHandler>;
  /** The header `server` of every answer. */
  readonly server: string;
  /** Largest request; a larger one is answered RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
}
