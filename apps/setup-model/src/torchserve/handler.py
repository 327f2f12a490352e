"""TorchServe's handler for the models of aibench, and for your own that take and give the same tensors.

It lies in the archive of a model, with the model, an ONNX file run by ONNX Runtime or a
TorchScript file (.pt) run by PyTorch, and with `model.json`, which says what it takes and gives:

    {"inputs": [{"name": .., "dtype": .., "shape": [..]}], "outputs": [..], "intraOpThreads": 1}

with -1 for an extent that is free.

A request has every input by its name. As JSON, {"transaction": [..], "reference": [..]}, each
is a list of numbers, nested or flat, and so is the answer, {"outputs": [[..]]}: the output where
there is one, otherwise each by its name. As parts of multipart/form-data, or over gRPC, each
input is its little-endian bytes, and the answer is those of the outputs, one after another.

Requests that TorchServe has put together (batch_size) are run as one where they have the same
shapes and the first extent of every tensor is free; otherwise one after another. What is
wrong with one of them is answered to that one alone.
"""

import json
import math
import os

import numpy as np
from ts.utils.util import PredictionException

DTYPES = {"float32": "<f4", "uint8": "|u1", "int64": "<i8", "uint64": "<u8"}


class Handler:
    """TorchServe takes the only class of the module, makes one for each worker, and calls these two."""

    def initialize(self, context):
        """Loads the model. What goes wrong ends the worker; the server's log says why."""
        properties = context.system_properties
        folder = properties["model_dir"]
        with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
            description = json.load(file)
        self.inputs = [read_spec(entry) for entry in description["inputs"]]
        self.outputs = [read_spec(entry) for entry in description["outputs"]]
        self.joins = all(spec["shape"][:1] == [-1] for spec in self.inputs + self.outputs)
        path = os.path.join(folder, context.manifest["model"]["serializedFile"])
        load = load_torch_script if path.endswith(".pt") else load_onnx
        self.run = load(path, self.inputs, self.outputs, description["intraOpThreads"], properties.get("gpu_id"))

    def handle(self, requests, context):
        """Answers the requests of one batch, each in its place."""
        answers = [None] * len(requests)
        groups = {}
        for index, parts in enumerate(requests):
            try:
                tensors, is_json = read_request(parts, self.inputs)
            except PredictionException as error:
                answers[index] = refuse(error, index, len(requests), context)
                continue
            key = tuple(tensor.shape for tensor in tensors) if self.joins else index
            groups.setdefault(key, []).append((index, tensors, is_json))
        for group in groups.values():
            for (index, _, is_json), outputs in zip(group, self.infer([tensors for _, tensors, _ in group])):
                answers[index] = write_answer(outputs, self.outputs, is_json)
                kind = "application/json" if is_json else "application/octet-stream"
                context.set_response_content_type(index, kind)
        return answers

    def infer(self, requests):
        """Runs requests of the same shapes as one. Returns the outputs of each."""
        if len(requests) == 1:
            return [self.run(requests[0])]
        outputs = self.run([np.concatenate(tensors) for tensors in zip(*requests)])
        shares = [np.split(output, len(requests)) for output in outputs]
        return list(zip(*shares))


def read_spec(entry):
    return {"name": entry["name"], "dtype": np.dtype(DTYPES[entry["dtype"]]), "shape": list(entry["shape"])}


def read_request(parts, specs):
    """Returns the inputs as arrays, and whether they came as JSON."""
    is_json = "body" in parts and all(spec["name"] != "body" for spec in specs)
    values = parts["body"] if is_json else parts
    if not isinstance(values, dict):
        raise bad_input("the body is no JSON object with the inputs by name")
    names = [spec["name"] for spec in specs]
    for name in values:
        if name not in names:
            raise bad_input(f"there is no input {name}, but {', '.join(names)}")
    return [read_tensor(values, spec, is_json) for spec in specs], is_json


def read_tensor(values, spec, is_json):
    name, dtype = spec["name"], spec["dtype"]
    if name not in values:
        raise bad_input(f"input {name} is missing")
    value = values[name]
    if is_json:
        array = read_numbers(value, name, dtype)
    elif not isinstance(value, (bytes, bytearray)):
        raise bad_input(f"input {name} does not come as bytes")
    elif len(value) % dtype.itemsize != 0:
        raise bad_input(f"input {name} has {len(value)} bytes, which are no whole {dtype.name} elements")
    else:
        array = np.frombuffer(value, dtype)
    return give_shape(array, spec)


def read_numbers(value, name, dtype):
    try:
        array = np.asarray(value) if isinstance(value, list) else None
    except ValueError:
        array = None
    if array is None or array.dtype.kind not in "iuf":
        raise bad_input(f"input {name} is no list of numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    is_exact = np.isfinite(converted).all() if dtype.kind == "f" else (converted == array).all()
    if not is_exact:
        raise bad_input(f"input {name} has a number that is no {dtype.name}")
    return converted


def give_shape(array, spec):
    """A request has one extent, at most, that follows from the number of its elements."""
    shape = spec["shape"]
    fixed = math.prod(extent for extent in shape if extent != -1)
    free = shape.count(-1)
    if free > 1 and array.ndim == len(shape) and all(a in (-1, b) for a, b in zip(shape, array.shape)):
        return array
    fits = array.size == fixed if free == 0 else array.size > 0 and array.size % fixed == 0 and free == 1
    if not fits:
        name = spec["name"]
        wanted = "x".join("n" if extent == -1 else str(extent) for extent in shape)
        raise bad_input(f"input {name} has {array.size} elements, the model takes {wanted}")
    return array.reshape(shape)


def write_answer(outputs, specs, is_json):
    if not is_json:
        return b"".join(
            np.ascontiguousarray(output, spec["dtype"]).tobytes() for output, spec in zip(outputs, specs)
        )
    lists = {spec["name"]: output.tolist() for spec, output in zip(specs, outputs)}
    return json.dumps({"outputs": lists if len(lists) > 1 else lists[specs[0]["name"]]})


def bad_input(message):
    return PredictionException(message, 400)


def refuse(error, index, count, context):
    """Answers one request of several with an error, in the form that TorchServe gives its own."""
    if count == 1:
        raise error
    context.set_response_status(error.error_code, "", index)
    context.set_response_content_type(index, "application/json")
    return json.dumps({"code": error.error_code, "type": "InternalServerException", "message": error.message})


def load_onnx(path, inputs, outputs, threads, gpu):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Workers share the cores: threads that spin while they wait take them from others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    if gpu is not None and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": gpu}))
    session = onnxruntime.InferenceSession(path, options, providers=providers)
    names = [spec["name"] for spec in inputs]
    wanted = [spec["name"] for spec in outputs]
    has = [tensor.name for tensor in session.get_inputs()]
    gives = [tensor.name for tensor in session.get_outputs()]
    if set(has) != set(names) or not set(wanted) <= set(gives):
        raise ValueError(f"the model takes {has} and gives {gives}, instead of {names} and {wanted}")
    return lambda tensors: session.run(wanted, dict(zip(names, tensors)))


def load_torch_script(path, inputs, outputs, threads, gpu):
    import torch

    torch.set_num_threads(threads)
    device = torch.device("cpu" if gpu is None or not torch.cuda.is_available() else f"cuda:{gpu}")
    model = torch.jit.load(path, map_location=device).eval()

    def run(tensors):
        # PyTorch wants arrays that it might write to; those of a request's bytes are not.
        arguments = [torch.from_numpy(np.array(tensor)).to(device) for tensor in tensors]
        with torch.inference_mode():
            results = model(*arguments)
        if isinstance(results, dict):
            results = [results[spec["name"]] for spec in outputs]
        elif not isinstance(results, (tuple, list)):
            results = [results]
        return [result.cpu().numpy() for result in results]

    return run
