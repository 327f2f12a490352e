"""Compares descriptor sets of protos/ with the official descriptors of each format.

    check-protos.py [--official SET] SET...

A SET is what `buf build --output SET.binpb protos` writes. Every message, field
(number, type, label, oneof), enum value and service method that it declares must be
declared alike in the packages that the formats' owners publish, or, with --official,
in a set that was built of the owner's own definitions; what it leaves out is not
missed. Prints JSON: for each SET what was compared and each difference, by its full
name. Needs the Python environment `tensorflow`; with --official, any with protobuf.
"""

import argparse
import importlib
import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool

# Importing such a module declares its formats in the default pool.
OFFICIAL_MODULES = [
    "tensorflow.core.framework.graph_pb2",
    "tensorflow.core.protobuf.error_codes_pb2",
    "tensorflow.core.protobuf.meta_graph_pb2",
    "tensorflow.core.protobuf.saved_model_pb2",
    "tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow_serving.apis.model_service_pb2",
    "tensorflow_serving.apis.prediction_service_pb2",
    "tritonclient.grpc.model_config_pb2",
    "tritonclient.grpc.service_pb2",
    "onnx.onnx_ml_pb2",
]

FIELD = descriptor_pb2.FieldDescriptorProto


class Comparison:
    """What one descriptor set declares, beside what the pool's packages declare."""

    def __init__(self, pool):
        self.pool = pool
        self.counts = {"messages": 0, "fields": 0, "enumValues": 0, "methods": 0}
        self.differences = []

    def file(self, file):
        for message in file.message_type:
            self.message(f"{file.package}.{message.name}", message)
        for enum in file.enum_type:
            self.enum(f"{file.package}.{enum.name}", enum)
        for service in file.service:
            self.service(f"{file.package}.{service.name}", service)

    def message(self, name, ours):
        self.counts["messages"] += 1
        official = self.find(self.pool.FindMessageTypeByName, name, descriptor_pb2.DescriptorProto)
        if official is not None:
            if ours.options.map_entry != official.options.map_entry:
                self.differ(name, "is a map's entry in one of them only")
            theirs = {field.name: field for field in official.field}
            for field in ours.field:
                self.field(f"{name}.{field.name}", self.shape(ours, field), theirs.get(field.name), official)
        for nested in ours.nested_type:
            self.message(f"{name}.{nested.name}", nested)
        for enum in ours.enum_type:
            self.enum(f"{name}.{enum.name}", enum)

    def field(self, name, ours, theirs, official):
        self.counts["fields"] += 1
        if theirs is None:
            self.differ(name, "is no field of the official message")
            return
        for what, official_value in self.shape(official, theirs).items():
            if ours[what] != official_value:
                self.differ(name, f"has {what} {ours[what]}, officially {official_value}")

    def shape(self, message, field):
        """All of a field that the bytes and the generated code depend on."""
        oneof = field.HasField("oneof_index") and not field.proto3_optional
        return {
            "number": field.number,
            "type": field.type_name.lstrip(".") or FIELD.Type.Name(field.type),
            "label": FIELD.Label.Name(field.label),
            "oneof": message.oneof_decl[field.oneof_index].name if oneof else None,
        }

    def enum(self, name, ours):
        official = self.find(self.pool.FindEnumTypeByName, name, descriptor_pb2.EnumDescriptorProto)
        theirs = {} if official is None else {value.name: value.number for value in official.value}
        for value in ours.value:
            self.counts["enumValues"] += 1
            if official is None:
                continue
            if value.name not in theirs:
                self.differ(f"{name}.{value.name}", "is no value of the official enum")
            elif value.number != theirs[value.name]:
                self.differ(f"{name}.{value.name}", f"is {value.number}, officially {theirs[value.name]}")

    def service(self, name, ours):
        official = self.find(self.pool.FindServiceByName, name, descriptor_pb2.ServiceDescriptorProto)
        theirs = {} if official is None else {method.name: method for method in official.method}
        for method in ours.method:
            self.counts["methods"] += 1
            if official is None:
                continue
            if method.name not in theirs:
                self.differ(f"{name}.{method.name}", "is no method of the official service")
                continue
            for what in ("input_type", "output_type", "client_streaming", "server_streaming"):
                here, there = getattr(method, what), getattr(theirs[method.name], what)
                if here != there:
                    self.differ(f"{name}.{method.name}", f"has {what} {here}, officially {there}")

    def find(self, look_up, name, proto):
        try:
            found = proto()
            look_up(name).CopyToProto(found)
            return found
        except KeyError:
            self.differ(name, "is not declared officially")
            return None

    def differ(self, name, how):
        self.differences.append(f"{name} {how}")


def read_set(path):
    with open(path, "rb") as file:
        return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def official_pool(path):
    if path is None:
        for module in OFFICIAL_MODULES:
            importlib.import_module(module)
        return descriptor_pool.Default()
    pool = descriptor_pool.DescriptorPool()
    for file in read_set(path).file:
        pool.Add(file)
    return pool


def compare(pool, path):
    comparison = Comparison(pool)
    for file in read_set(path).file:
        if not file.name.startswith("google/protobuf/"):
            comparison.file(file)
    return {**comparison.counts, "differences": comparison.differences}


parser = argparse.ArgumentParser()
parser.add_argument("--official")
parser.add_argument("sets", nargs="+")
arguments = parser.parse_args()
pool = official_pool(arguments.official)
json.dump([compare(pool, path) for path in arguments.sets], sys.stdout)
