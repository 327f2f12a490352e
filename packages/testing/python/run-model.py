"""Runs one model's three forms, each by its own runtime, on the same inputs.

    run-model.py FOLDER < QUESTIONS

FOLDER has saved_model.pb, model.graphdef and model.onnx. QUESTIONS is JSON: a list of maps from
input names to {shape, data}, where data is float32 in base64. Prints JSON: for savedModel, graphDef
and onnx the list of maps from output names to {shape, data}.
"""

import base64
import json
import os
import sys

import numpy as np
import onnxruntime
import tensorflow as tf

folder = sys.argv[1]
questions = [
    {
        name: np.frombuffer(base64.b64decode(tensor["data"]), np.float32).reshape(tensor["shape"])
        for name, tensor in question.items()
    }
    for question in json.load(sys.stdin)
]


def written(outputs):
    return {
        name: {"shape": list(value.shape), "data": base64.b64encode(value.astype("<f4").tobytes()).decode()}
        for name, value in outputs.items()
    }


signature = tf.saved_model.load(folder, tags=["serve"]).signatures["serving_default"]
saved_model = [
    written({name: value.numpy() for name, value in signature(**{k: tf.constant(v) for k, v in question.items()}).items()})
    for question in questions
]

session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"), providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
onnx = [written(dict(zip(names, session.run(names, question)))) for question in questions]

graph = tf.Graph()
with open(os.path.join(folder, "model.graphdef"), "rb") as file, graph.as_default():
    tf.graph_util.import_graph_def(tf.compat.v1.GraphDef.FromString(file.read()), name="")
with tf.compat.v1.Session(graph=graph) as run:
    graph_def = [
        written(run.run({name: f"{name}:0" for name in names}, {f"{k}:0": v for k, v in question.items()}))
        for question in questions
    ]

json.dump({"savedModel": saved_model, "graphDef": graph_def, "onnx": onnx}, sys.stdout)
