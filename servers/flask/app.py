"""The Flask service of the suite: models in a folder, asked over HTTP.

    POST /v1/predict   {"transaction": [30 numbers], "reference": [256 numbers]}
    POST /v2/predict   multipart/form-data, a file of raw little-endian bytes for each input
    GET  /health       who this is, and which models there are

?model=NAME says which model; otherwise the names of the inputs do. Settings are environment variables: AIBENCH_MODELS,
AIBENCH_BACKEND, AIBENCH_INTRA_OP_THREADS, AIBENCH_MAX_BODY_BYTES. Served by Gunicorn: gunicorn.conf.py.
"""

import io
import json
import os
import platform
from importlib.metadata import version

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from backends import backend_of_environment, to_list
from model_folder import ModelFolder, NoSuchModel, NotLoaded
from tensors import BadInput

NAME = "aibench-flask"


class MemoryRequest(Request):
    """Files stay in memory, whatever their size: a batch of images need not go through a disk."""

    def _get_file_stream(self, total_content_length, content_type, filename=None, content_length=None):
        return io.BytesIO()

    def make_form_data_parser(self):
        parser = super().make_form_data_parser()
        # What is wrong with a body is said, not swallowed.
        parser.silent = False
        return parser


class Service(Flask):
    request_class = MemoryRequest


def create_app():
    app = Service(NAME, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = int(os.environ.get("AIBENCH_MAX_BODY_BYTES", str(64 << 20)))
    backend = backend_of_environment()
    models = ModelFolder(os.environ.get("AIBENCH_MODELS", "models"), backend)
    identity = {
        "service": NAME,
        "flask": version("flask"),
        "python": platform.python_version(),
        "backend": {
            "name": backend.name,
            "version": backend.version,
            "intraOpThreads": int(os.environ.get("AIBENCH_INTRA_OP_THREADS", "1")),
        },
        # How it is served, which Gunicorn's settings know.
        **json.loads(os.environ.get("AIBENCH_SERVED_BY", "{}")),
    }

    @app.post("/v1/predict")
    def predict_json():
        return answer(models, read_json(), lambda tensor, value: tensor.from_json(value))

    @app.post("/v2/predict")
    def predict_multipart():
        return answer(models, read_multipart(), lambda tensor, value: tensor.from_bytes(value))

    @app.get("/health")
    def health():
        described = [model.describe() for model in models.all()]
        failed = any("error" in each for each in described)
        return send({"status": "degraded" if failed else "ok", **identity, "models": described})

    for kind, status in ((BadInput, 400), (NoSuchModel, 404), (NotLoaded, 500)):
        app.register_error_handler(kind, lambda error, status=status: send({"error": str(error)}, status))
    app.register_error_handler(HTTPException, http_error)

    # Before the first request, which would have to wait for it otherwise.
    models.all()
    return app


def read_json():
    try:
        inputs = json.loads(request.get_data(cache=False), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is not JSON") from error
    if not isinstance(inputs, dict):
        raise BadInput("the body is no JSON object of inputs")
    return inputs


def refuse_constant(text):
    """Python's own JSON would take NaN and Infinity, which are none."""
    raise BadInput(f"the body is not JSON: {text} is no number")


def read_multipart():
    if request.mimetype != "multipart/form-data":
        raise BadInput("the body is not multipart/form-data")
    try:
        files, form = request.files, request.form
    except ValueError as error:
        raise BadInput("the body is not multipart/form-data") from error
    for name in form:
        raise BadInput(f'input "{name}" is no file: its part has no filename')
    inputs = {}
    for name, file in files.items(multi=True):
        if name in inputs:
            raise BadInput(f'input "{name}" comes twice')
        inputs[name] = file.stream.getbuffer()
    return inputs


def answer(models, inputs, read):
    name = request.args.get("model")
    model = models.taking(inputs) if name is None else models.named(name)
    check_names(model, inputs)
    tensors = {each.name: read(each, inputs[each.name]) for each in model.inputs}
    check_rows(model, tensors)
    try:
        outputs = model.run(tensors)
    except Exception as error:
        return send({"error": f'model "{model.name}" failed: {" ".join(str(error).split())}'}, 500)
    try:
        lists = {each.name: to_list(output) for each, output in zip(model.outputs, outputs)}
    except ValueError as error:
        return send({"error": f'the answer of model "{model.name}" {error}'}, 500)
    return send({"outputs": next(iter(lists.values())) if len(lists) == 1 else lists})


def check_names(model, inputs):
    for each in model.inputs:
        if each.name not in inputs:
            raise BadInput(f'model "{model.name}" needs the input "{each.name}"')
    known = {each.name for each in model.inputs}
    for name in inputs:
        if name not in known:
            raise BadInput(f'model "{model.name}" has no input "{name}"')


def check_rows(model, tensors):
    counts = [(each.name, len(tensors[each.name])) for each in model.inputs if each.has_rows]
    for name, count in counts[1:]:
        if count != counts[0][1]:
            raise BadInput(f'inputs have different numbers of rows: "{counts[0][0]}" {counts[0][1]}, "{name}" {count}')


def send(value, status=200):
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(text, status, mimetype="application/json")


def http_error(error):
    headers = [(name, value) for name, value in error.get_headers() if name.lower() == "allow"]
    words = {
        404: f"there is no {request.path} here",
        405: f"{request.method} does not go with {request.path}",
        413: f"the body is larger than {request.max_content_length} bytes",
    }
    response = send({"error": words.get(error.code, error.description)}, error.code)
    response.headers.extend(headers)
    return response


app = create_app()
