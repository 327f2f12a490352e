import { AibenchError, ByRowCount, type TensorSpec } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import { type InferenceTask, type RequestTensors, requestTensors } from '@aibench/harness';
import {
  type HttpAnswer,
  type HttpClient,
  JsonTemplate,
  MultipartTemplate,
  readJsonOutputs,
} from '@aibench/http';
import type { Channel } from '@aibench/reference-store';
import { predictionOf, predictionsTemplate, readRawOutputs, torchServeMethod } from '@aibench/torchserve';
import type { TorchServeFlags } from './flags.js';
import type { ModelChoice } from './model-choice.js';
import { answerError, predictionError } from './server-errors.js';

/** What is asked. */
export interface PredictionCall {
  readonly choice: ModelChoice;
  readonly task: RequestTensors & Pick<InferenceTask, 'batchSize'>;
  readonly body: TorchServeFlags['body'];
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks over HTTP. */
export function httpChannel(client: HttpClient, { body, choice, headers, task }: PredictionCall): Channel {
  const { address } = client;
  const forms = new ByRowCount((rowCount) => {
    const { inputs, outputs, references } = requestTensors(task, rowCount);
    const tensors = [...inputs, ...references];
    const template = body === 'json' ? new JsonTemplate(tensors) : new MultipartTemplate(tensors);
    const route = client.route({
      method: 'POST',
      path: choice.path,
      headers: { ...template.headers, ...headers },
    });
    return { template, route, outputs };
  });
  const read = (outputs: readonly TensorSpec[], answer: HttpAnswer, requestId: number) => {
    if (answer.status !== 200) throw answerError(address, answer);
    const context = { address, requestId, flag: '--torchserve-host' };
    return body === 'json'
      ? readJsonOutputs(outputs, answer.body, context)
      : readRawOutputs(outputs, answer.body, context);
  };
  return {
    encode(data, { id, rowCount }) {
      const { template, route, outputs } = forms.get(rowCount);
      const message = template.encode(data);
      return async () => {
        const answer = await route.send(message);
        return () => read(outputs, answer, id);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}

/** Asks over gRPC. */
export function grpcChannel(client: GrpcClient, { choice, task }: PredictionCall): Channel {
  const { address } = client;
  const forms = new ByRowCount((rowCount) => {
    const { inputs, outputs, references } = requestTensors(task, rowCount);
    return { template: predictionsTemplate({ ...choice, inputs: [...inputs, ...references] }), outputs };
  });
  const method = client.method(torchServeMethod.predictions);
  return {
    encode(data, { id, rowCount }) {
      const { template, outputs } = forms.get(rowCount);
      const message = template.encode(data);
      return async () => {
        const answer = await method.call(message).catch((error: unknown) => {
          throw error instanceof AibenchError ? predictionError(error) : error;
        });
        const context = { address, requestId: id };
        return () => readRawOutputs(outputs, predictionOf(answer, context), context);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}
