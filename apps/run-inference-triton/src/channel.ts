import type { Tensor } from '@aibench/core';
import type { GrpcClient } from '@aibench/grpc';
import { type HttpAnswer, type HttpClient, statusError } from '@aibench/http';
import {
  headerLengthHeader,
  httpInferTemplate,
  type InferenceCall,
  InferResponseReader,
  inferTemplate,
  readHttpInferResponse,
  tritonMethod,
} from '@aibench/triton';

/** A way to one server for one worker's inferences, of which one is out at a time. */
export interface Channel {
  /** `host:port`. */
  readonly address: string;
  /**
   * Makes a request of the tensors' bytes.
   *
   * @returns sends it, and gives what reads the answer
   * @throws AIBENCH_INPUT where one has the wrong size
   */
  encode(data: readonly Uint8Array[]): () => Promise<AnswerReader>;
  /** Bytes sent that the kernel has not taken yet; undefined where that is not known. */
  backlogBytes(): number | undefined;
  /** Gives the connection up; a request that is out fails. */
  close(): Promise<void>;
}

/** Makes tensors of an answer. @throws AIBENCH_ANSWER, AIBENCH_SERVER */
export type AnswerReader = (requestId: number) => Tensor[];

/** Asks over gRPC. */
export function grpcChannel(client: GrpcClient, call: InferenceCall): Channel {
  const template = inferTemplate(call);
  const method = client.method(tritonMethod.modelInfer);
  const reader = new InferResponseReader(call.outputs, client.address);
  return {
    address: client.address,
    encode(data) {
      const message = template.encode(data);
      return async () => {
        const answer = await method.call(message);
        return (requestId) => reader.read(answer, requestId);
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
    address,
    encode(data) {
      const body = template.encode(data);
      return async () => {
        const answer = await route.send(body);
        return (requestId) => read(answer, requestId);
      };
    },
    backlogBytes: () => client.backlogBytes(),
    close: () => client.close(),
  };
}
