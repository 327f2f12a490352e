import { ByRowCount, type TensorSpec } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import { type HttpAnswer, type HttpClient, statusError } from '@aibench/http';
import type { Channel } from '@aibench/reference-store';
import {
  headerLengthHeader,
  httpInferTemplate,
  type InferenceCall,
  InferResponseReader,
  inferTemplate,
  readHttpInferResponse,
  tritonMethod,
} from '@aibench/triton';

/** How requests of some number of rows are asked for. */
export type CallOfRows = (rowCount: number) => InferenceCall;

/** Asks over gRPC. */
export function grpcChannel(client: GrpcClient, callOf: CallOfRows): Channel {
  const method = client.method(tritonMethod.modelInfer);
  const forms = new ByRowCount((rowCount) => {
    const call = callOf(rowCount);
    return {
      template: inferTemplate(call),
      reader: new InferResponseReader(call.outputs, client.address),
    };
  });
  return {
    encode(data, { id, rowCount }) {
      const { template, reader } = forms.get(rowCount);
      const message = template.encode(data);
      return async () => {
        const answer = await method.call(message);
        return () => reader.read(answer, id);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}

/** Asks over HTTP. */
export function httpChannel(client: HttpClient, callOf: CallOfRows): Channel {
  const { address } = client;
  const forms = new ByRowCount((rowCount) => {
    const call = callOf(rowCount);
    const { path, headers, body } = httpInferTemplate(call);
    return { template: body, route: client.route({ method: 'POST', path, headers }), outputs: call.outputs };
  });
  const read = (outputs: readonly TensorSpec[], answer: HttpAnswer, requestId: number) => {
    if (answer.status !== 200) throw statusError(address, answer);
    const headerLength = answer.headers[headerLengthHeader];
    return readHttpInferResponse(
      outputs,
      { headerLength: headerLength === undefined ? undefined : String(headerLength), body: answer.body },
      { address, requestId },
    );
  };
  return {
    encode(data, { id, rowCount }) {
      const { template, route, outputs } = forms.get(rowCount);
      const body = template.encode(data);
      return async () => {
        const answer = await route.send(body);
        return () => read(outputs, answer, id);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}
