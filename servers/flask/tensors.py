"""Tensors as they come in and as they go out: checked bytes or numbers, and lists."""

import itertools
import math

import numpy

DTYPES = (
    *("float32", "float64", "float16"),
    *("int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
)


class BadInput(Exception):
    """What a client has sent cannot be answered; the text says why."""


class TensorSpec:
    """An input or output: its name, element type, and shape, in which -1 is a free extent."""

    def __init__(self, name, dtype, shape):
        if dtype not in DTYPES:
            raise ValueError(f'"{name}" is {dtype}, which this service does not carry')
        if any(extent == -1 for extent in shape[1:]):
            raise ValueError(f'"{name}" has a free extent other than the first')
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.has_rows = len(shape) > 0 and shape[0] == -1
        self._type = numpy.dtype(dtype).newbyteorder("<")
        self._is_float = self._type.kind == "f"
        # Of a row, where rows are free; otherwise of the whole.
        self._count = math.prod(shape[1:] if self.has_rows else shape)
        self._size = self._count * self._type.itemsize

    @staticmethod
    def read(entry):
        """A tensor of a model.json, where a free extent may be null."""
        if not isinstance(entry, dict):
            raise ValueError("model.json has an entry that is no tensor")
        name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
        if not isinstance(name, str) or not isinstance(dtype, str) or not isinstance(shape, list):
            raise ValueError("model.json has an entry that is no tensor")
        shape = [-1 if extent is None else extent for extent in shape]
        if not all(type(extent) is int and (extent == -1 or extent > 0) for extent in shape):
            raise ValueError(f'"{name}" has a shape that is none')
        return TensorSpec(name, dtype, shape)

    def describe(self):
        return {"name": self.name, "dtype": self.dtype, "shape": self.shape}

    def from_bytes(self, data):
        """The tensor whose elements these are, little-endian; a view, no copy."""
        self._check(len(data), self._size, "bytes")
        return numpy.frombuffer(data, self._type).reshape(self.shape)

    def from_json(self, value):
        """The tensor of a list of numbers, or of lists of lists: only how many there are counts."""
        numbers = self._flat(value)
        self._check(len(numbers), self._count, "numbers")
        # Python's own types: True would pass for 1, and "1" for a number.
        types = set(map(type, numbers))
        if not types <= {int, float}:
            raise BadInput(f'input "{self.name}" has an element that is no number')
        if float in types and not self._is_float:
            if not all(type(each) is int or each.is_integer() for each in numbers):
                raise BadInput(f'input "{self.name}" has an element that is no whole number')
            numbers = list(map(int, numbers))
        try:
            with numpy.errstate(over="ignore"):
                array = numpy.array(numbers, self._type)
        except OverflowError:
            array = None
        # JSON has no infinity, but numbers that are larger than the type's.
        if array is None or (self._is_float and not numpy.isfinite(array).all()):
            raise BadInput(f'input "{self.name}" has a number that {self.dtype} cannot hold')
        return array.reshape(self.shape)

    def _flat(self, value):
        if not isinstance(value, list):
            raise BadInput(f'input "{self.name}" is no list of numbers')
        while value and isinstance(value[0], list):
            if not all(isinstance(each, list) for each in value):
                raise BadInput(f'input "{self.name}" has an element that is no number')
            value = list(itertools.chain.from_iterable(value))
        return value

    def _check(self, given, wanted, what):
        if not self.has_rows and given != wanted:
            raise BadInput(f'input "{self.name}" has {given} {what} instead of {wanted}')
        if self.has_rows and (given == 0 or given % wanted != 0):
            raise BadInput(f'input "{self.name}" has {given} {what} instead of {wanted} a row')
