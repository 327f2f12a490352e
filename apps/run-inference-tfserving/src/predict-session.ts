import type { PatchedMessage, Tensor, TensorSpec } from '@aibench/core';
import type { GrpcClient, UnaryMethod } from '@aibench/grpc';
import type { InferenceRequest, InferenceTask, Session, StageTimer } from '@aibench/harness';
import type { ReferenceReader } from '@aibench/redis';
import { predictError, readPredictResponse, tfServingMethods } from '@aibench/tfserving';

/** What a session works with. */
export interface PredictSessionOptions {
  readonly client: GrpcClient;
  /** Takes the task's inputs, then its references. */
  readonly template: PatchedMessage;
  /** The task's outputs, in the shapes that the model gives them in. */
  readonly outputs: readonly TensorSpec[];
  readonly references: InferenceTask['references'];
  /** The store of reference data; undefined where the task has none. */
  readonly reader: ReferenceReader | undefined;
}

/** Asks one server, fetching reference data first where the model takes it. */
export class PredictSession implements Session {
  readonly #options: PredictSessionOptions;
  readonly #predict: UnaryMethod;

  constructor(options: PredictSessionOptions) {
    this.#options = options;
    this.#predict = options.client.method(tfServingMethods.predict);
  }

  async infer({ id, inputs }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const { client, template, outputs, references, reader } = this.#options;
    const data = inputs.map((tensor) => tensor.data);
    if (reader !== undefined) {
      data.push(...(await reader.fetchAll(references, id)));
      stages.end('reference');
    }
    const message = template.encode(data);
    stages.end('encode');
    try {
      const answer = await this.#predict.call(message);
      stages.end('wait');
      const tensors = readPredictResponse(outputs, answer);
      stages.end('decode');
      return tensors;
    } catch (error) {
      throw predictError(client.address, error, id);
    }
  }

  backlogBytes(): number {
    return this.#options.client.backlogBytes() ?? 0;
  }

  async close(): Promise<void> {
    const { client, reader } = this.#options;
    await Promise.all([client.close(), reader?.close()]);
  }
}
