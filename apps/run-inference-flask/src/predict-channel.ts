import { ByRowCount, type TensorSpec } from '@aibench/core';
import { predictTemplate } from '@aibench/flask';
import { type InferenceTask, type RequestTensors, requestTensors } from '@aibench/harness';
import { type HttpAnswer, type HttpClient, readJsonOutputs, statusError } from '@aibench/http';
import type { Channel } from '@aibench/reference-store';
import type { RequestForm } from './request-form.js';
import { hostFlag } from './service-addresses.js';

/** What helps against an answer that is no success. */
const hints: Readonly<Record<number, string>> = {
  400: 'does the service take these inputs? see --body, --model and --enable-reference-data-redis',
  404: 'is it the right path, and is the model set up? see --restapi-request-uri and --model',
  405: 'is it the right path? see --restapi-request-uri',
  503: 'it has more requests than workers: give it more, or lower --workers',
};

/** Asks one service. */
export function predictChannel(
  client: HttpClient,
  { path, body, headers }: RequestForm,
  task: RequestTensors & Pick<InferenceTask, 'batchSize'>,
): Channel {
  const { address } = client;
  const forms = new ByRowCount((rowCount) => {
    const tensors = requestTensors(task, rowCount);
    const template = predictTemplate(body, [...tensors.inputs, ...tensors.references]);
    const route = client.route({ method: 'POST', path, headers: { ...headers, ...template.headers } });
    const outputs: readonly TensorSpec[] = tensors.outputs.map(({ name, dtype, shape }) => ({
      ...{ name, dtype, shape },
    }));
    return { template, route, outputs };
  });
  const read = (outputs: readonly TensorSpec[], answer: HttpAnswer, requestId: number) => {
    if (answer.status !== 200) throw statusError(address, answer, hints[answer.status]);
    return readJsonOutputs(outputs, answer.body, { address, requestId, flag: hostFlag });
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
