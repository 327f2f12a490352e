import { AibenchError } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import {
  type HttpAnswer,
  type HttpClient,
  JsonTemplate,
  MultipartTemplate,
  readJsonOutputs,
} from '@aibench/http';
import type { Channel } from '@aibench/reference-store';
import { predictionOf, predictionsTemplate, readRawOutputs, torchServeMethod } from '@aibench/torchserve';
import type { InferenceTask } from '@aibench/usecases';
import type { TorchServeFlags } from './flags.js';
import type { ModelChoice } from './model-choice.js';
import { answerError, predictionError } from './server-errors.js';

/** What is asked. */
export interface PredictionCall {
  readonly choice: ModelChoice;
  readonly task: Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;
  readonly body: TorchServeFlags['body'];
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks over HTTP. */
export function httpChannel(client: HttpClient, { body, choice, headers, task }: PredictionCall): Channel {
  const { address } = client;
  const inputs = [...task.inputs, ...task.references];
  const template = body === 'json' ? new JsonTemplate(inputs) : new MultipartTemplate(inputs);
  const route = client.route({
    method: 'POST',
    path: choice.path,
    headers: { ...template.headers, ...headers },
  });
  const read = (answer: HttpAnswer, requestId: number) => {
    if (answer.status !== 200) throw answerError(address, answer);
    const context = { address, requestId, flag: '--torchserve-host' };
    return body === 'json'
      ? readJsonOutputs(task.outputs, answer.body, context)
      : readRawOutputs(task.outputs, answer.body, context);
  };
  return {
    encode(data, requestId) {
      const message = template.encode(data);
      return async () => {
        const answer = await route.send(message);
        return () => read(answer, requestId);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}

/** Asks over gRPC. */
export function grpcChannel(client: GrpcClient, { choice, task }: PredictionCall): Channel {
  const { address } = client;
  const template = predictionsTemplate({ ...choice, inputs: [...task.inputs, ...task.references] });
  const method = client.method(torchServeMethod.predictions);
  return {
    encode(data, requestId) {
      const message = template.encode(data);
      return async () => {
        const answer = await method.call(message).catch((error: unknown) => {
          throw error instanceof AibenchError ? predictionError(error) : error;
        });
        const context = { address, requestId };
        return () => readRawOutputs(task.outputs, predictionOf(answer, context), context);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}
