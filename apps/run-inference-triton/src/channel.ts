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

/** Asks over gRPC. */
export function grpcChannel(client: GrpcClient, call: InferenceCall): Channel {
  const template = inferTemplate(call);
  const method = client.method(tritonMethod.modelInfer);
  const reader = new InferResponseReader(call.outputs, client.address);
  return {
    encode(data, requestId) {
      const message = template.encode(data);
      return async () => {
        const answer = await method.call(message);
        return () => reader.read(answer, requestId);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}

/** Asks over HTTP. */
export function httpChannel(client: HttpClient, call: InferenceCall): Channel {
  const { path, headers, body: template } = httpInferTemplate(call);
  const { address } = client;
  const route = client.route({ method: 'POST', path, headers });
  const read = (answer: HttpAnswer, requestId: number) => {
    if (answer.status !== 200) throw statusError(address, answer);
    const headerLength = answer.headers[headerLengthHeader];
    return readHttpInferResponse(
      call.outputs,
      { headerLength: headerLength === undefined ? undefined : String(headerLength), body: answer.body },
      { address, requestId },
    );
  };
  return {
    encode(data, requestId) {
      const body = template.encode(data);
      return async () => {
        const answer = await route.send(body);
        return () => read(answer, requestId);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}
