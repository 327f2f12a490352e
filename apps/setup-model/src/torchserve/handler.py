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

        def attempt(index, work, *arguments):
            try:
                return work(*arguments)
            except PredictionException as error:
                answers[index] = refuse(error, index, len(requests), context)
                return None

        groups = {}
        for index, parts in enumerate(requests):
            request = attempt(index, read_request, parts, self.inputs)
            if request is not None:
                tensors, is_json = request
                key = tuple(tensor.shape for tensor in tensors) if self.joins else index
                groups.setdefault(key, []).append((index, tensors, is_json))
        for group in groups.values():
            for (index, _, is_json), outputs in zip(group, self.infer([tensors for _, tensors, _ in group])):
                answer = attempt(index, write_answer, outputs, self.outputs, is_json)
                if answer is not None:
                    answers[index] = answer
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
    values = read_json(parts["body"]) if is_json else parts
    names = [spec["name"] for spec in specs]
    for name in names:
        if name not in values:
            raise bad_input(f"input {name} is missing, there are {', '.join(values) or 'none'}")
    for name in values:
        if name not in names:
            raise bad_input(f"there is no input {name}, but {', '.join(names)}")
    read = read_numbers if is_json else read_bytes
    return [read(values[spec["name"]], spec) for spec in specs], is_json


def read_json(body):
    """TorchServe has parsed what says that it is JSON, and hands on as bytes what is none, or doesn't say so."""
    if isinstance(body, (bytes, bytearray, str)):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            raise bad_input("the body is no JSON") from None
    if not isinstance(body, dict):
        raise bad_input("the body is no JSON object")
    return body


def read_bytes(value, spec):
    array = None
    if isinstance(value, (bytes, bytearray)) and len(value) % spec["dtype"].itemsize == 0:
        array = give_shape(np.frombuffer(value, spec["dtype"]), spec["shape"])
    if array is None:
        raise bad_input(f"input {spec['name']} has {len(value)} bytes, which are no {describe(spec)}")
    return array


def read_numbers(value, spec):
    name, dtype = spec["name"], spec["dtype"]
    try:
        given = np.asarray(value)
    except ValueError:
        given = np.asarray(None)
    if given.size > 0 and given.dtype.kind not in "iuf":
        raise bad_input(f"input {name} has an element that is no number")
    array = give_shape(given, spec["shape"])
    if array is None:
        raise bad_input(f"input {name} has {given.size} numbers, which are no {describe(spec)}")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    is_exact = np.isfinite(converted).all() if dtype.kind == "f" else (converted == array).all()
    if not is_exact:
        raise bad_input(f"input {name} has a number that is no {dtype.name}")
    return converted


def give_shape(array, shape):
    """The array in the model's shape, whose free extent follows from the number of elements; None where they don't fit."""
    fixed = math.prod(extent for extent in shape if extent != -1)
    free = shape.count(-1)
    fits = array.size == fixed if free == 0 else free == 1 and array.size > 0 and array.size % fixed == 0
    return array.reshape(shape) if fits else None


def describe(spec):
    return f"{spec['dtype'].name} [{','.join(str(extent) for extent in spec['shape'])}]"


def write_answer(outputs, specs, is_json):
    if not is_json:
        return b"".join(
            np.ascontiguousarray(output, spec["dtype"]).tobytes() for output, spec in zip(outputs, specs)
        )
    for output, spec in zip(outputs, specs):
        if not np.isfinite(output).all():
            raise PredictionException(f"output {spec['name']} has a number that JSON has none for", 500)
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
