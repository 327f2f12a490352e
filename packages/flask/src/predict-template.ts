import type { MessageBytes, TensorSpec } from '@aibench/core';
import { JsonTemplate, MultipartTemplate } from '@aibench/http';
import type { BodyKind } from './predict-path.js';

/** An inference's body, of which only the tensors change. */
export interface PredictTemplate {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body with these tensors in it.
   *
   * @throws AIBENCH_INPUT where one has the wrong size, or an element that JSON has no number for
   */
  encode(data: readonly Uint8Array[]): MessageBytes;
}

/** Makes bodies of a kind. */
export function predictTemplate(kind: BodyKind, tensors: readonly TensorSpec[]): PredictTemplate {
  return kind === 'json' ? new JsonTemplate(tensors) : new MultipartTemplate(tensors);
}
