import { type ModelSpec, PredictRequest, PredictResponse } from '@aibench/tfserving';
import { GrpcError } from '../grpc/grpc-error.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import type { ServedModel } from '../model-repository/served-model.js';
import { readTensorProto, typeName, writeTensorProto } from './tensor-proto.js';

/** The signature that a request means which names none. */
export const defaultSignature = 'serving_default';

/** @throws GrpcError INTERNAL, as gRPC answers what it cannot parse */
export function decodePredictRequest(bytes: Uint8Array): PredictRequest {
  try {
    return PredictRequest.decode(bytes);
  } catch (cause) {
    throw new GrpcError('internal', 'the request is no PredictRequest', { cause });
  }
}

/**
 * A request's tensors in the order of the model's inputs.
 *
 * @throws GrpcError in TensorFlow Serving's words where they are not those of the signature
 */
export function readInputs(request: PredictRequest, { inputs }: ServedModel): ServerTensor[] {
  const signature = request.modelSpec?.signatureName || defaultSignature;
  if (signature !== defaultSignature) {
    throw new GrpcError('failedPrecondition', `Serving signature key "${signature}" not found.`);
  }
  const given = Object.keys(request.inputs).sort();
  const wanted = inputs.map(({ name }) => name).sort();
  if (given.length !== wanted.length) {
    const extra = given.filter((name) => !wanted.includes(name));
    const missing = wanted.filter((name) => !given.includes(name));
    throw invalid(
      `input size does not match signature: ${given.length}!=${wanted.length} len({${given}}) != len({${wanted}}). ` +
        `Sent extra: {${extra}}. Missing but required: {${missing}}.`,
    );
  }
  return inputs.map(({ name, type }, index) => {
    const proto = request.inputs[name];
    if (proto === undefined) {
      throw invalid(
        `input tensor alias not found in signature: ${given.find((other) => !wanted.includes(other))}. ` +
          `Inputs expected to be in the set {${wanted}}.`,
      );
    }
    const tensor = readTensorProto(proto);
    if (tensor === undefined) throw invalid(`tensor parsing error: ${name}`);
    if (tensor.type !== type) {
      throw invalid(`Expects arg[${index}] to be ${typeName(type)} but ${typeName(tensor.type)} is provided`);
    }
    return tensor;
  });
}

/**
 * Indices of the outputs that a request asks for; without a filter all of them.
 *
 * @throws GrpcError in TensorFlow Serving's words
 */
export function chosenOutputs(request: PredictRequest, { outputs }: ServedModel): number[] {
  if (request.outputFilter.length === 0) return outputs.map((_, index) => index);
  const names = outputs.map(({ name }) => name);
  return request.outputFilter.map((alias, position, all) => {
    const index = names.indexOf(alias);
    if (index === -1) {
      throw invalid(
        `output tensor alias not found in signature: ${alias} Outputs expected to be in the set {${names.sort()}}.`,
      );
    }
    if (all.indexOf(alias) !== position) throw invalid(`duplicate output tensor alias: ${alias}`);
    return index;
  });
}

/** @param outputs by the names that the request is to see */
export function encodePredictResponse(
  name: string,
  version: number,
  outputs: readonly (readonly [string, ServerTensor])[],
): Uint8Array {
  const modelSpec: ModelSpec = {
    name,
    versionChoice: { $case: 'version', value: version },
    signatureName: defaultSignature,
  };
  const tensors = Object.fromEntries(outputs.map(([alias, tensor]) => [alias, writeTensorProto(tensor)]));
  return PredictResponse.encode({ modelSpec, outputs: tensors }).finish();
}

function invalid(message: string): GrpcError {
  return new GrpcError('invalidArgument', message);
}
