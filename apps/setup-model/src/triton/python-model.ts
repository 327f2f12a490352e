/**
 * A `model.py` for Triton's Python back end, which runs the `model.onnx` beside
 * it with ONNX Runtime: for builds of Triton without a back end for ONNX, as
 * the one in the Python package registry. Where the model has a batch
 * dimension, the requests that Triton gives it together are one run.
 */
export const pythonModel = `"""Runs the model.onnx beside this file with ONNX Runtime.

Needs numpy and onnxruntime in the Python of Triton's Python back end.
Written by aibench-setup-model.
"""

import json
import os

import numpy
import onnxruntime
import triton_python_backend_utils as backend


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.joins_requests = config["max_batch_size"] > 0
        options = onnxruntime.SessionOptions()
        threads = config["parameters"].get("intra_op_thread_count")
        if threads is not None:
            options.intra_op_num_threads = int(threads["string_value"])
        # Threads that spin for work would take the CPU from the server's own.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        if args["model_instance_kind"] == "GPU":
            device = {"device_id": args["model_instance_device_id"]}
            providers.insert(0, ("CUDAExecutionProvider", device))
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=providers)
        self.inputs = [each["name"] for each in config["input"]]
        self.outputs = [each["name"] for each in config["output"]]

    def execute(self, requests):
        feeds = [self.feed(request) for request in requests]
        if not self.joins_requests or len(feeds) == 1:
            return [self.response(self.session.run(self.outputs, feed)) for feed in feeds]
        joined = {name: numpy.concatenate([feed[name] for feed in feeds]) for name in self.inputs}
        answers = self.session.run(self.outputs, joined)
        ends = numpy.cumsum([len(feed[self.inputs[0]]) for feed in feeds])[:-1]
        parts = zip(*(numpy.split(answer, ends) for answer in answers))
        return [self.response(part) for part in parts]

    def feed(self, request):
        return {
            name: backend.get_input_tensor_by_name(request, name).as_numpy()
            for name in self.inputs
        }

    def response(self, answers):
        tensors = [
            backend.Tensor(name, numpy.ascontiguousarray(answer))
            for name, answer in zip(self.outputs, answers)
        ]
        return backend.InferenceResponse(tensors)
`;
