"""TensorFlow Serving's protocol by the official stubs and real TensorFlow, for tests.

    tensorflow-server.py --model_config_file FILE [--port N] [--rest_api_port N]
        [--file_system_poll_wait_seconds S]

The flags are tensorflow_model_server's, whose binary no package registry has. Models are read
by TensorFlow from where the text file, a ModelServerConfig, says, and again when versions come
and go. Errors have TensorFlow Serving's status and words. Of the REST port only Prometheus'
page is there. Prints its two addresses as JSON once every model is loaded.
"""

import argparse
import http.server
import json
import os
import threading
import time
from concurrent import futures

import grpc
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import error_codes_pb2, saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

SIGNATURE = "serving_default"
State = get_model_status_pb2.ModelVersionStatus.State


class Failure(Exception):
    def __init__(self, status, details):
        super().__init__(details)
        self.status = status
        self.details = details


class Servable:
    """One version of a model."""

    def __init__(self, path):
        self.state, self.error = State.AVAILABLE, ""
        try:
            with open(os.path.join(path, "saved_model.pb"), "rb") as file:
                model = saved_model_pb2.SavedModel.FromString(file.read())
            self.signatures = model.meta_graphs[0].signature_def
            self.loaded = tf.saved_model.load(path, tags=["serve"])
        except Exception as error:  # Whatever is wrong with a model is told to those who ask for it.
            self.state, self.error = State.END, str(error)

    def predict(self, request):
        name = request.model_spec.signature_name or SIGNATURE
        if name not in self.signatures:
            raise Failure(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        signature = self.signatures[name]
        missing = sorted(set(signature.inputs) - set(request.inputs))
        superfluous = sorted(set(request.inputs) - set(signature.inputs))
        if missing or superfluous:
            raise Failure(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"input size does not match signature: {len(request.inputs)}!={len(signature.inputs)} len"
                f"({{{','.join(request.inputs)}}}) != len({{{','.join(signature.inputs)}}}). Sent extra: "
                f"{{{','.join(superfluous)}}}. Missing but required: {{{','.join(missing)}}}.",
            )
        inputs = {}
        for key, proto in request.inputs.items():
            wanted = signature.inputs[key].dtype
            if proto.dtype != wanted:
                wanted, given = (tf.dtypes.as_dtype(dtype).name for dtype in (wanted, proto.dtype))
                raise Failure(grpc.StatusCode.INVALID_ARGUMENT, f"Expects {key} to be {wanted} but {given} is provided")
            inputs[key] = tf.constant(tf.make_ndarray(proto))
        try:
            return self.loaded.signatures[name](**inputs)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise Failure(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error


class Models:
    """The models of a configuration file, as they lie on the disk now."""

    def __init__(self, config_path):
        self.config_path = config_path
        self.models = {}
        self.refresh()

    def refresh(self):
        config = model_server_config_pb2.ModelServerConfig()
        with open(self.config_path, encoding="utf-8") as file:
            text_format.Parse(file.read(), config)
        models = {}
        for model in config.model_config_list.config:
            if model.model_platform != "tensorflow":
                raise SystemExit(f"model {model.name} has the platform {model.model_platform!r}, not tensorflow")
            there = self.models.get(model.name, {})
            folders = {version: os.path.join(model.base_path, str(version)) for version in self.versions(model)}
            models[model.name] = {
                version: there.get(version) or Servable(folder) for version, folder in folders.items()
            }
        self.models = models

    @staticmethod
    def versions(model):
        names = os.listdir(model.base_path) if os.path.isdir(model.base_path) else []
        found = sorted(int(name) for name in names if name.isdigit())
        policy = model.model_version_policy
        if policy.HasField("all"):
            return found
        if policy.HasField("specific"):
            return [version for version in found if version in policy.specific.versions]
        return found[-(policy.latest.num_versions or 1) :]

    def find(self, spec):
        versions = {
            version: servable
            for version, servable in self.models.get(spec.name, {}).items()
            if servable.state == State.AVAILABLE
        }
        if spec.HasField("version"):
            version, wanted = spec.version.value, f"Specific({spec.name}, {spec.version.value})"
        else:
            version, wanted = max(versions, default=None), f"Latest({spec.name})"
        if version not in versions:
            raise Failure(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")
        return version, versions[version]


class Metrics:
    """What TensorFlow Serving counts of requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = {}
        self.latency = {}

    def add(self, model, status, seconds):
        with self.lock:
            self.count[model, status] = self.count.get((model, status), 0) + 1
            number, total = self.latency.get(model, (0, 0.0))
            self.latency[model] = (number + 1, total + seconds * 1e6)

    def page(self):
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        with self.lock:
            for (model, status), count in self.count.items():
                lines.append(f':tensorflow:serving:request_count{{model_name="{model}",status="{status}"}} {count}')
            lines.append("# TYPE :tensorflow:serving:request_latency histogram")
            for model, (count, total) in self.latency.items():
                labels = f'model_name="{model}",API="Predict",entrypoint="GRPC"'
                lines.append(f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}} {count}')
                lines.append(f":tensorflow:serving:request_latency_sum{{{labels}}} {total}")
                lines.append(f":tensorflow:serving:request_latency_count{{{labels}}} {count}")
        return "\n".join(lines) + "\n"


def answering(method):
    """A failure of the method's becomes the call's status."""

    def answer(self, request, context):
        try:
            return method(self, request)
        except Failure as failure:
            context.abort(failure.status, failure.details)

    return answer


class Service(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __init__(self, models, metrics):
        self.models = models
        self.metrics = metrics

    @answering
    def Predict(self, request):
        start = time.perf_counter()
        status = "OK"
        try:
            version, servable = self.models.find(request.model_spec)
            outputs = servable.predict(request)
        except Failure as failure:
            status = failure.status.name
            raise
        finally:
            self.metrics.add(request.model_spec.name, status, time.perf_counter() - start)
        wanted = request.output_filter or list(outputs)
        unknown = [name for name in wanted if name not in outputs]
        if unknown:
            raise Failure(grpc.StatusCode.INVALID_ARGUMENT, f"output tensor alias not found in signature: {unknown[0]}")
        response = predict_pb2.PredictResponse()
        self.tell(response.model_spec, request.model_spec, version)
        for name in wanted:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name].numpy()))
        return response

    @answering
    def GetModelMetadata(self, request):
        if not request.metadata_field:
            raise Failure(grpc.StatusCode.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise Failure(grpc.StatusCode.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
        version, servable = self.models.find(request.model_spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        self.tell(response.model_spec, request.model_spec, version)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response.metadata["signature_def"].Pack(signatures)
        return response

    @answering
    def GetModelStatus(self, request):
        spec = request.model_spec
        versions = self.models.models.get(spec.name, {})
        if spec.HasField("version"):
            versions = {version: servable for version, servable in versions.items() if version == spec.version.value}
        if not versions:
            raise Failure(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, servable in sorted(versions.items(), reverse=True):
            status = response.model_version_status.add(version=version, state=servable.state)
            if servable.error:
                status.status.error_code = error_codes_pb2.UNKNOWN
                status.status.error_message = servable.error
        return response

    @staticmethod
    def tell(ours, asked, version):
        ours.name = asked.name
        ours.version.value = version
        ours.signature_name = asked.signature_name or SIGNATURE


def start_metrics(metrics, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/monitoring/prometheus/metrics"
            body = metrics.page().encode() if found else b'{ "error": "Malformed request" }'
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_config_file", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rest_api_port", type=int, default=0)
    parser.add_argument("--file_system_poll_wait_seconds", type=float, default=1)
    args = parser.parse_args()

    models, metrics = Models(args.model_config_file), Metrics()
    service = Service(models, metrics)
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, server)
    port = server.add_insecure_port(f"127.0.0.1:{args.port}")
    rest_port = start_metrics(metrics, args.rest_api_port)
    server.start()
    print(json.dumps({"grpc": f"127.0.0.1:{port}", "rest": f"127.0.0.1:{rest_port}"}), flush=True)
    while True:
        time.sleep(args.file_system_poll_wait_seconds)
        models.refresh()


main()
