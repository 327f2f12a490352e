import type { ModelSpec } from '@aibench/tfserving';
import { GrpcError } from '../grpc/grpc-error.js';

/** The model that a request names. */
export interface RequestedModel {
  readonly name: string;
  /** Undefined: the newest. */
  readonly version: number | undefined;
}

/**
 * The model that a request names.
 *
 * @throws GrpcError in TensorFlow Serving's words
 */
export function requestedModel(spec: ModelSpec | undefined): RequestedModel {
  if (spec === undefined) throw new GrpcError('invalidArgument', 'Missing ModelSpec');
  if (spec.name === '') throw new GrpcError('invalidArgument', 'ModelSpec has no name specified.');
  const choice = spec.versionChoice;
  if (choice?.$case === 'versionLabel') {
    throw new GrpcError('invalidArgument', `Unrecognized servable version label: ${choice.value}`);
  }
  // A version message without a number in it is version 0.
  return { name: spec.name, version: choice === undefined ? undefined : (choice.value ?? 0) };
}

/** What TensorFlow Serving answers for a model that is not there. */
export function servableNotFound({ name, version }: RequestedModel): GrpcError {
  const wanted = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
  return new GrpcError('notFound', `Servable not found for request: ${wanted}`);
}

/** Where a length-delimited field of number 1 stands at the start of a message: its tag. */
const firstFieldTag = 0x0a;

/**
 * The bytes of a request's `model_spec`, without reading the rest, as a key: one
 * character a byte.
 *
 * @returns undefined where the request does not begin with it, as encoders write it, in under 128 bytes
 */
export function modelSpecKey(request: Uint8Array): string | undefined {
  const length = request[1];
  if (request[0] !== firstFieldTag || length === undefined || length >= 0x80) return undefined;
  return String.fromCharCode(...request.subarray(2, 2 + length));
}
