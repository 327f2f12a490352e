"""What runs the models: ONNX Runtime or TensorFlow, whichever AIBENCH_BACKEND names; the other need not be installed."""

import os

import numpy


class OnnxRuntime:
    name = "onnxruntime"
    file = "model.onnx"

    def __init__(self, threads):
        import onnxruntime

        self._library = onnxruntime
        self._threads = threads
        self.version = onnxruntime.__version__

    def load(self, folder, inputs, outputs):
        """Gives what runs the model: tensors by name in, a list of tensors out, in the order of the outputs."""
        options = self._library.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Threads that spin for work would take the CPU from the other workers.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = self._library.InferenceSession(
            os.path.join(folder, self.file), options, providers=["CPUExecutionProvider"]
        )
        check_names("inputs", inputs, [each.name for each in session.get_inputs()])
        check_names("outputs", outputs, [each.name for each in session.get_outputs()])
        names = [each.name for each in outputs]
        return lambda tensors: session.run(names, tensors)


class TensorFlow:
    name = "tensorflow"
    file = "saved_model.pb"

    def __init__(self, threads):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self._library = tensorflow
        self.version = tensorflow.__version__

    def load(self, folder, inputs, outputs):
        """As above, of a SavedModel with the signature serving_default."""
        constant = self._library.constant
        loaded = self._library.saved_model.load(folder, tags=["serve"])
        signature = loaded.signatures["serving_default"]
        check_names("inputs", inputs, signature.structured_input_signature[1])
        check_names("outputs", outputs, signature.structured_outputs)
        names = [each.name for each in outputs]

        def run(tensors):
            answer = signature(**{name: constant(tensor) for name, tensor in tensors.items()})
            return [answer[name].numpy() for name in names]

        # The signature works only as long as what it was loaded with is there.
        run.loaded = loaded
        return run


def check_names(what, specs, names):
    declared = sorted(each.name for each in specs)
    if declared != sorted(names):
        raise ValueError(f"its {what} are {', '.join(sorted(names))}, those of model.json {', '.join(declared)}")


def backend_of_environment():
    name = os.environ.get("AIBENCH_BACKEND", OnnxRuntime.name)
    found = {each.name: each for each in (OnnxRuntime, TensorFlow)}.get(name)
    if found is None:
        # An error ends Gunicorn; a worker that only exits would be started again and again.
        raise ValueError(f'AIBENCH_BACKEND is "{name}": onnxruntime or tensorflow')
    return found(int(os.environ.get("AIBENCH_INTRA_OP_THREADS", "1")))


def to_list(array):
    """An answer's tensor as nested lists of Python's numbers; ValueError where JSON cannot say it."""
    if array.dtype.kind == "f" and not numpy.isfinite(array).all():
        raise ValueError("has a number that is not finite")
    return array.tolist()
