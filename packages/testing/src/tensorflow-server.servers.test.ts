import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithPython, runPython } from './python.js';
import { temporaryFolder } from './temporary-folder.js';
import { startTensorFlowServer } from './tensorflow-server.js';

/** Writes version N of a model that multiplies by N. */
const saveModel = `
import sys
import tensorflow as tf

class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def __call__(self, x):
        return {"y": x * float(sys.argv[2])}

model = Model()
tf.saved_model.save(model, sys.argv[1] + "/" + sys.argv[2], signatures=model.__call__)
`;

/** Asks by the official stubs, and prints what comes back. */
const ask = `
import sys
import grpc, tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus

def question(name="times", version=None, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request

x = tf.constant([1.5, -2.0])
request = get_model_status_pb2.GetModelStatusRequest()
request.model_spec.name = "times"
print([(each.version, each.state) for each in status(request).model_version_status])
for each in [
    question(x=x), question(version=1, x=x), question(version=7, x=x), question(name="other", x=x),
    question(z=x), question(x=tf.constant([1, 2])),
]:
    try:
        response = predict(each)
        print(response.model_spec.version.value, tf.make_ndarray(response.outputs["y"]).tolist())
    except grpc.RpcError as error:
        print(error.code().name, error.details())
`;

await describeWithPython('tensorflow', "TensorFlow behind TensorFlow Serving's stubs", (python) => {
  it('answers as TensorFlow Serving does, and comes back after a crash', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    const models = join(folder, 'models');
    for (const version of ['1', '3']) {
      const saved = await runPython(python, ['-c', saveModel, models, version]);
      expect(saved).toMatchObject({ exitCode: 0 });
    }
    const configFile = join(folder, 'models.config');
    writeFileSync(
      configFile,
      `model_config_list { config { name: "times" base_path: "${models}" model_platform: "tensorflow"
         model_version_policy { all {} } } }`,
    );
    const server = await startTensorFlowServer({ python, configFile });
    const { stdout } = await runPython(python, ['-c', ask, server.grpc]);
    expect(stdout.trim().split('\n')).toEqual([
      '[(3, 30), (1, 30)]',
      '3 [4.5, -6.0]',
      '1 [1.5, -2.0]',
      'NOT_FOUND Servable not found for request: Specific(times, 7)',
      'NOT_FOUND Servable not found for request: Latest(other)',
      expect.stringMatching(
        /^INVALID_ARGUMENT input size does not match signature: .*Missing but required: \{x\}/,
      ),
      'INVALID_ARGUMENT Expects x to be float32 but int32 is provided',
    ]);
    const metrics = await (await fetch(`http://${server.rest}/monitoring/prometheus/metrics`)).text();
    expect(metrics).toContain(':tensorflow:serving:request_count{model_name="times",status="OK"} 2');

    await server.stop();
    const again = await startTensorFlowServer({ python, configFile, insteadOf: server });
    expect(again.grpc).toBe(server.grpc);
    expect((await runPython(python, ['-c', ask, again.grpc])).stdout).toBe(stdout);
  });
});
