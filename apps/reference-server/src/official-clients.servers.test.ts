import { writeSavedModel } from '@aibench/models';
import { describeWithPython, runPython, temporaryFolder } from '@aibench/testing';
import { expect, it } from 'vitest';
import { additionGraph } from './testing/test-models.js';
import { startServer } from './testing/test-server.js';
import { newRepository, writeFiles } from './testing/triton-files.js';

/** Asks through TensorFlow Serving's own stubs, on gRPC's C core. */
const tfservingClient = `
import json, sys
import grpc, tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2, get_model_status_pb2, model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc)

channel = grpc.insecure_channel(sys.argv[1], options=[
    ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)])
predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

def predict(name, rows):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.inputs["a"].CopyFrom(tf.make_tensor_proto([[1.0, 2.0]] * rows, dtype=tf.float32))
    request.inputs["b"].CopyFrom(tf.make_tensor_proto([[10.0, 20.0]] * rows, dtype=tf.float32))
    answer = predictions.Predict(request, timeout=20)
    return tf.make_ndarray(answer.outputs["sum"]).tolist()

out = {"one": predict("add", 1)}
many = predict("add", 200000)
out["many"] = [len(many), many[0], many[-1]]
try:
    predict("no", 1)
except grpc.RpcError as error:
    out["error"] = [error.code().name, error.details()]
status = get_model_status_pb2.GetModelStatusRequest()
status.model_spec.name = "add"
answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(status, timeout=20)
out["status"] = [[v.version, v.State.Name(v.state)] for v in answer.model_version_status]
metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
metadata.model_spec.name = "add"
answer = predictions.GetModelMetadata(metadata, timeout=20)
signatures = get_model_metadata_pb2.SignatureDefMap()
answer.metadata["signature_def"].Unpack(signatures)
out["inputs"] = sorted(signatures.signature_def["serving_default"].inputs)
print(json.dumps(out))
`;

/** Asks through Triton's own client. */
const tritonClient = `
import json, sys
import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1])

def infer(name, rows):
    inputs = [triton.InferInput(n, [rows, 2], "FP32") for n in ("a", "b")]
    inputs[0].set_data_from_numpy(np.full([rows, 2], 1, dtype=np.float32))
    inputs[1].set_data_from_numpy(np.full([rows, 2], 10, dtype=np.float32))
    answer = client.infer(name, inputs, request_id="seven", outputs=[triton.InferRequestedOutput("sum")])
    return answer.get_response().id, answer.as_numpy("sum").tolist()

out = {"live": client.is_server_live(), "ready": client.is_model_ready("add"), "unready": client.is_model_ready("no")}
out["one"] = infer("add", 1)
many = infer("add", 200000)[1]
out["many"] = [len(many), many[-1]]
try:
    infer("no", 1)
except triton.InferenceServerException as error:
    out["error"] = [error.status(), error.message()]
out["name"] = client.get_server_metadata().name
out["platform"] = client.get_model_metadata("add").platform
out["config"] = [i.name for i in client.get_model_config("add").config.input]
out["index"] = [[m.name, m.version, m.state] for m in client.get_model_repository_index().models]
stats = client.get_inference_statistics("add").model_stats[0]
out["counts"] = [stats.inference_count, stats.inference_stats.success.count, len(stats.batch_stats)]
print(json.dumps(out))
`;

/** What a program prints. */
async function ask(python: string, program: string, address: string): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runPython(python, ['-c', program, address]);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

await describeWithPython('tensorflow', 'the official clients', (python) => {
  it("TensorFlow Serving's stubs get their answers", { timeout: 120_000 }, async () => {
    const tfservingModels = temporaryFolder();
    writeFiles(tfservingModels, { 'add/3/saved_model.pb': writeSavedModel(additionGraph) });
    const { addresses } = await startServer({ protocols: ['tfserving'], tfservingModels });
    expect(await ask(python, tfservingClient, addresses.tfserving!)).toEqual({
      one: [[11, 22]],
      many: [200_000, [11, 22], [11, 22]],
      error: ['NOT_FOUND', 'Servable not found for request: Latest(no)'],
      status: [[3, 'AVAILABLE']],
      inputs: ['a', 'b'],
    });
  });

  it("Triton's client gets its answers", { timeout: 120_000 }, async () => {
    const { addresses } = await startServer({ protocols: ['triton'], modelRepository: newRepository() });
    expect(await ask(python, tritonClient, addresses.triton!)).toEqual({
      ...{ live: true, ready: true, unready: false },
      one: ['seven', [[11, 11]]],
      many: [200_000, [11, 11]],
      error: ['StatusCode.NOT_FOUND', "Request for unknown model: 'no' is not found"],
      ...{ name: 'aibench-reference-server', platform: 'onnxruntime_onnx', config: ['a', 'b'] },
      index: [['add', '1', 'READY']],
      counts: [200_001, 2, 2],
    });
  });
});
