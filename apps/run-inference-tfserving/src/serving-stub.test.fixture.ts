import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import {
  DataType,
  GetModelMetadataResponse,
  GetModelStatusResponse,
  ModelVersionStatus_State,
  PredictResponse,
  SignatureDefMap,
  TensorProto,
  tfServingMethods,
} from '@aibench/tfserving';
import { onTestFinished } from 'vitest';

/** A tensor of a signature. */
export interface StubTensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** What a {@link startServingStub} says. */
export interface StubOptions {
  /** Default: those of the fraud model without reference data. */
  readonly inputs?: Readonly<Record<string, StubTensor>>;
  readonly outputs?: Readonly<Record<string, StubTensor>>;
  /** Default: AVAILABLE. */
  readonly state?: ModelVersionStatus_State;
  readonly stateError?: string;
  /** The answer to Predict: tensors, or a status and its message. Default: `out`, [0.5, 0.5]. */
  readonly predict?: Readonly<Record<string, TensorProto>> | readonly [status: number, message: string];
}

const float = DataType.DT_FLOAT;

/** What a tensor looks like that fits `out`. */
export function floats(shape: readonly number[], values: readonly number[]): TensorProto {
  return TensorProto.fromPartial({
    dtype: float,
    tensorShape: { dim: shape.map((size) => ({ size })) },
    floatVal: [...values],
  });
}

/**
 * A server of TensorFlow Serving's protocol that says what a test wants it to, by Node's own HTTP/2.
 *
 * @returns `127.0.0.1:<port>`
 */
export async function startServingStub(options: StubOptions = {}): Promise<string> {
  const {
    inputs = { transaction: { dtype: float, shape: [-1, 30] } },
    outputs = { out: { dtype: float, shape: [-1, 2] } },
    state = ModelVersionStatus_State.AVAILABLE,
    stateError = '',
    predict = { out: floats([1, 2], [0.5, 0.5]) },
  } = options;
  const answers: Readonly<Record<string, Uint8Array | readonly [number, string]>> = {
    [tfServingMethods.getModelStatus]: GetModelStatusResponse.encode(
      GetModelStatusResponse.fromPartial({
        modelVersionStatus: [{ version: 1, state, status: { errorMessage: stateError } }],
      }),
    ).finish(),
    [tfServingMethods.getModelMetadata]: encodeMetadata(inputs, outputs),
    [tfServingMethods.predict]: Array.isArray(predict)
      ? (predict as unknown as readonly [number, string])
      : PredictResponse.encode(
          PredictResponse.fromPartial({ outputs: predict as Record<string, TensorProto> }),
        ).finish(),
  };
  const server = createServer();
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    stream
      .resume()
      .on('end', () => respond(stream, answers[headers[':path'] ?? ''] ?? [12, 'unknown method']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function respond(stream: ServerHttp2Stream, answer: Uint8Array | readonly [number, string]): void {
  const [status, message] = answer instanceof Uint8Array ? [0, ''] : answer;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': `${status}`, 'grpc-message': encodeURIComponent(message) }),
  );
  if (!(answer instanceof Uint8Array)) {
    stream.end();
    return;
  }
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(answer.length, 1);
  stream.end(Buffer.concat([prefix, answer]));
}

function encodeMetadata(
  inputs: Readonly<Record<string, StubTensor>>,
  outputs: Readonly<Record<string, StubTensor>>,
): Uint8Array {
  const infos = (tensors: Readonly<Record<string, StubTensor>>) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape }]) => [
        name,
        { dtype, tensorShape: { dim: shape.map((size) => ({ size })) } },
      ]),
    );
  const value = SignatureDefMap.encode(
    SignatureDefMap.fromPartial({
      signatureDef: { serving_default: { inputs: infos(inputs), outputs: infos(outputs) } },
    }),
  ).finish();
  return GetModelMetadataResponse.encode(
    GetModelMetadataResponse.fromPartial({ metadata: { signature_def: { value } } }),
  ).finish();
}
