"""The folder of models: <name>/model.json, and beside it the file of each back end.

Every request sees the folder as it is: a model that is added, replaced or removed is noticed by the times, sizes and
inodes of its files, which are looked at each time, in every worker, without a word between them.
"""

import hashlib
import json
import os
import threading
import time

from tensors import BadInput, TensorSpec

DESCRIPTION = "model.json"

# A change that is younger may be followed by another with the same time.
SETTLED_NS = 2_000_000_000


class NoSuchModel(Exception):
    """A model was asked for that is not there; the text names those that are."""


class NotLoaded(Exception):
    """A model is there, but not in a form that can be run; the text says why."""


class Model:
    """A model as it lay in the folder when its stamp was taken."""

    def __init__(self, name, stamp, path, backend):
        self.name = name
        self.stamp = stamp
        self.inputs = self.outputs = ()
        self.error = None
        self.sha256 = None
        try:
            self._load(path, backend)
        except Exception as error:  # Whatever is wrong with a model is told to those who ask for it.
            self.error = " ".join(str(error).split()) or type(error).__name__

    def _load(self, path, backend):
        description = read_description(os.path.join(path, DESCRIPTION))
        self.inputs = read_tensors(description, "inputs")
        self.outputs = read_tensors(description, "outputs")
        # Files that the description does not name are those of a model that was here before.
        if backend.file not in description.get("files", [backend.file]):
            raise ValueError(f"it has no {backend.file}, which {backend.name} needs")
        try:
            with open(os.path.join(path, backend.file), "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        except FileNotFoundError:
            raise ValueError(f"it has no {backend.file}, which {backend.name} needs") from None
        self.run = backend.load(path, self.inputs, self.outputs)
        self.sha256 = digest

    def describe(self):
        return {
            "name": self.name,
            "inputs": [each.describe() for each in self.inputs],
            "outputs": [each.describe() for each in self.outputs],
            **({"sha256": self.sha256} if self.error is None else {"error": self.error}),
        }


class ModelFolder:
    """The models, as this worker has loaded them."""

    def __init__(self, path, backend):
        self._path = path
        self._backend = backend
        self._models = {}
        self._names = []
        self._folder_stamp = None
        self._lock = threading.Lock()

    def all(self):
        """Every model, as it lies there now."""
        self._look()
        return [model for name in self._names if (model := self._fresh(name)) is not None]

    def named(self, name):
        """The model of that name."""
        self._look()
        model = self._fresh(name) if name in self._names else None
        if model is None:
            there = ", ".join(each.name for each in self.all()) or "none"
            raise NoSuchModel(f'there is no model "{name}" here; there are: {there}')
        return self._usable(model)

    def taking(self, names):
        """The one model whose inputs have these names."""
        models = self.all()
        fitting = [model for model in models if sorted(each.name for each in model.inputs) == sorted(names)]
        # A model that cannot be loaded answers nobody, unless nobody else does.
        found = [model for model in fitting if model.error is None] or fitting
        if len(found) == 1:
            return self._usable(found[0])
        if len(found) > 1:
            several = ", ".join(model.name for model in found)
            raise BadInput(f"these inputs fit several models, {several}: name one, ?model=")
        takes = "; ".join(f"{model.name}: {', '.join(each.name for each in model.inputs)}" for model in models)
        given = ", ".join(names) or "none"
        raise BadInput(f"no model takes these inputs: {given}; there are: {takes or 'none'}")

    @staticmethod
    def _usable(model):
        if model.error is not None:
            raise NotLoaded(f'model "{model.name}" cannot be loaded: {model.error}')
        return model

    def _look(self):
        stamp = stamp_of(self._path)
        # Two changes within a tick of the file system's clock have the same time.
        is_settled = stamp is not None and time.time_ns() - stamp[0] > SETTLED_NS
        if is_settled and stamp == self._folder_stamp:
            return
        try:
            names = sorted(each for each in os.listdir(self._path) if not each.startswith("."))
        except OSError:
            names = []
        self._names = names
        self._folder_stamp = stamp

    def _fresh(self, name):
        path = os.path.join(self._path, name)
        stamp = self._stamp(path)
        model = self._models.get(name)
        if model is not None and model.stamp == stamp:
            return model
        with self._lock:
            # Taken before the files are read: what changes meanwhile is noticed by the next request.
            stamp = self._stamp(path)
            model = self._models.get(name)
            if model is not None and model.stamp == stamp:
                return model
            model = None if stamp[0] is None else Model(name, stamp, path, self._backend)
            self._models[name] = model
            return model

    def _stamp(self, path):
        return stamp_of(os.path.join(path, DESCRIPTION)), stamp_of(os.path.join(path, self._backend.file))


def read_description(path):
    with open(path, encoding="utf-8") as file:
        try:
            description = json.load(file)
        except ValueError:
            description = None
    if not isinstance(description, dict):
        raise ValueError("model.json is no JSON object")
    return description


def read_tensors(description, key):
    entries = description.get(key)
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"model.json names no {key}")
    return tuple(TensorSpec.read(each) for each in entries)


def stamp_of(path):
    """What changes when a file is written or replaced; None where it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
