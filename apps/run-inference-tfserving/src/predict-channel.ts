import type { ByRowCount, PatchedMessage, TensorSpec } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import type { Channel } from '@aibench/reference-store';
import { predictError, readPredictResponse, tfServingMethods } from '@aibench/tfserving';

/** How requests of some number of rows are asked for. */
export interface PredictForm {
  /** Takes the task's inputs, then its references. */
  readonly template: PatchedMessage;
  /** The task's, in the shapes that the model gives them in. */
  readonly outputs: readonly TensorSpec[];
}

/** Asks by Predict. */
export function predictChannel(client: GrpcClient, forms: ByRowCount<PredictForm>): Channel {
  const predict = client.method(tfServingMethods.predict);
  return {
    encode(data, { id, rowCount }) {
      const { template, outputs } = forms.get(rowCount);
      const message = template.encode(data);
      return async () => {
        try {
          const answer = await predict.call(message);
          return () => read(outputs, answer, id);
        } catch (error) {
          throw predictError(client.address, error, id);
        }
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };

  function read(outputs: readonly TensorSpec[], answer: Uint8Array, requestId: number) {
    try {
      return readPredictResponse(outputs, answer);
    } catch (error) {
      throw predictError(client.address, error, requestId);
    }
  }
}
