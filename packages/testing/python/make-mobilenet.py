"""Makes a MobileNet V1 1.0 224 with TensorFlow's own operations, as if it had been trained.

    make-mobilenet.py FOLDER

Filters are random; batch normalisation has the statistics of the images. Writes to FOLDER:

    images.f32, answers.f32       two images [2,224,224,3] and what the network says of them [2,CLASSES]
    frozen.pb                     as TensorFlow 2 freezes it, padded as Keras does it, of 1000 classes
    saved_model/saved_model.pb    that graph as TensorFlow 1 saves it, no variables
    variables/saved_model.pb      as TensorFlow 2 saves it, weights in variables beside it
"""

import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

folder = sys.argv[1]
random = np.random.default_rng(7)
classes = 1000
blocks = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)] + [(1, 512)] * 5 + [(2, 1024), (1, 1024)]


class MobileNet(tf.Module):
    """The network; the first images it sees, in `fit`, give it its statistics."""

    def __init__(self):
        super().__init__()
        self.layers = []
        self.add("full", 2, 3, 32)
        channels = 32
        for stride, results in blocks:
            self.add("depthwise", stride, channels, channels)
            self.add("pointwise", 1, channels, results)
            channels = results
        self.matrix = tf.Variable(random.normal(0, 0.5, (1, 1, channels, classes)).astype(np.float32))
        self.bias = tf.Variable(random.normal(0, 1, classes).astype(np.float32))

    def add(self, kind, stride, channels, results):
        size = 1 if kind == "pointwise" else 3
        shape = (size, size, channels, 1 if kind == "depthwise" else results)
        inputs = size * size * (1 if kind == "depthwise" else channels)
        vector = lambda low, high: tf.Variable(random.uniform(low, high, results).astype(np.float32))
        self.layers.append(
            {
                "kind": kind,
                "stride": stride,
                "filters": tf.Variable(random.normal(0, inputs**-0.5, shape).astype(np.float32)),
                "gamma": vector(0.8, 1.2),
                "beta": vector(0.5, 1.5),
                "mean": vector(0, 0),
                "variance": vector(1, 1),
            }
        )

    def product(self, x, layer):
        stride = layer["stride"]
        padding = "SAME"
        if stride == 2:
            x, padding = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), "VALID"
        convolve = tf.raw_ops.DepthwiseConv2dNative if layer["kind"] == "depthwise" else tf.raw_ops.Conv2D
        return convolve(input=x, filter=layer["filters"], strides=[1, stride, stride, 1], padding=padding)

    def normalized(self, x, layer):
        y, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=layer["gamma"],
            offset=layer["beta"],
            mean=layer["mean"],
            variance=layer["variance"],
            epsilon=0.001,
            is_training=False,
        )
        return tf.nn.relu6(y)

    def fit(self, x):
        for layer in self.layers:
            product = self.product(x, layer)
            mean, variance = tf.nn.moments(product, [0, 1, 2])
            layer["mean"].assign(mean)
            layer["variance"].assign(variance)
            x = self.normalized(product, layer)

    @tf.function(input_signature=[tf.TensorSpec([None, 224, 224, 3], tf.float32, name="input_1")])
    def __call__(self, x):
        for layer in self.layers:
            x = self.normalized(self.product(x, layer), layer)
        x = tf.reduce_mean(x, [1, 2])
        x = tf.reshape(x, [tf.shape(x)[0], 1, 1, 1024])
        x = tf.nn.bias_add(tf.nn.conv2d(x, self.matrix, 1, "SAME"), self.bias)
        x = tf.reshape(x, [tf.shape(x)[0], classes])
        return tf.nn.softmax(x)


def photographs(count):
    """Smooth colours with some noise, in [0,1]."""
    coarse = tf.constant(random.uniform(0, 1, (count, 6, 6, 3)).astype(np.float32))
    smooth = tf.image.resize(coarse, (224, 224)).numpy()
    return np.clip(smooth + random.normal(0, 0.05, smooth.shape), 0, 1).astype(np.float32)


network = MobileNet()
network.fit(photographs(16))
images = photographs(2)
images.tofile(os.path.join(folder, "images.f32"))
network(tf.constant(images)).numpy().tofile(os.path.join(folder, "answers.f32"))

frozen = convert_variables_to_constants_v2(network.__call__.get_concrete_function())
graph_def = frozen.graph.as_graph_def()
tf.io.write_graph(graph_def, folder, "frozen.pb", as_text=False)

tf.saved_model.save(network, os.path.join(folder, "variables"))

graph = tf.Graph()
with graph.as_default():
    tf.graph_util.import_graph_def(graph_def, name="")
with tf.compat.v1.Session(graph=graph) as session:
    builder = tf.compat.v1.saved_model.builder.SavedModelBuilder(os.path.join(folder, "saved_model"))
    signature = tf.compat.v1.saved_model.predict_signature_def(
        {"image": graph.get_tensor_by_name(frozen.inputs[0].name)},
        {"classes": graph.get_tensor_by_name(frozen.outputs[0].name)},
    )
    builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
    builder.save()
