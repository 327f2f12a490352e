import type { PatchedMessage, TensorSpec } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import type { Channel } from '@aibench/reference-store';
import { predictError, readPredictResponse, tfServingMethods } from '@aibench/tfserving';

/**
 * Asks by Predict.
 *
 * @param template takes the task's inputs, then its references
 * @param outputs the task's, in the shapes that the model gives them in
 */
export function predictChannel(
  client: GrpcClient,
  template: PatchedMessage,
  outputs: readonly TensorSpec[],
): Channel {
  const predict = client.method(tfServingMethods.predict);
  return {
    encode(data, requestId) {
      const message = template.encode(data);
      return async () => {
        try {
          const answer = await predict.call(message);
          return () => read(answer, requestId);
        } catch (error) {
          throw predictError(client.address, error, requestId);
        }
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };

  function read(answer: Uint8Array, requestId: number) {
    try {
      return readPredictResponse(outputs, answer);
    } catch (error) {
      throw predictError(client.address, error, requestId);
    }
  }
}
