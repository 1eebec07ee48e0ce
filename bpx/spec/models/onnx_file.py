"""ONNX files, read with the package onnx, which is loaded here only.

Format: https://onnx.ai/onnx/repo-docs/IR.html. Nothing in it can run; tensors in other files are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.graph.arrays import LARGEST_NODE, MOST_AXES
from bpx.spec.models.archive import LARGEST_MODEL
from bpx.spec.models.model import MOST_NODES, Leaf, Model, ModelError, Operation, Place, Ref
from bpx.spec.models.protobuf import has_more_fields
from bpx.spec.models.stack_traces import place_in
from bpx.words.files import bytes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FIELDS = 500_000  # of all messages of a file: an op has some 10, each takes up to 160 bytes
_LEAST_OPSET = 13  # from here on axes are inputs and softmax acts along one axis
_DOMAINS = ("", "ai.onnx")
_STACK_TRACE = "pkg.torch.onnx.stack_trace"
_FLOATS = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
_MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RuntimeError)


def read_onnx(path: Path) -> Model:
    """The model in a file. Raises `ModelError`, and `BpxError` where the file cannot be read."""
    try:
        onnx: Any = import_module("onnx")
    except ImportError:
        raise ModelError("no-onnx", "install-onnx") from None
    data = bytes_of(path, LARGEST_MODEL)
    if has_more_fields(data, MOST_FIELDS):  # before there is an object of each message
        raise ModelError("model-fields", most=f"{MOST_FIELDS:,}")
    try:
        proto = onnx.load_model_from_string(data)
    except Exception as error:  # of protobuf, whose classes are not ours to name
        raise ModelError("model-broken", reason=_line(error)) from None
    try:
        return _Reading(onnx, proto).model(str(path))
    except _MALFORMED as error:
        raise ModelError("model-broken", reason=_line(error)) from None


def _line(error: Exception) -> str:
    """The first line of what an exception says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200].lower()


class _Reading:
    """The reading of one file."""

    def __init__(self, onnx: Any, proto: Any) -> None:
        self.onnx, self.proto, self.graph = onnx, proto, proto.graph
        resizing = [node for node in self.graph.node if node.op_type == "Resize"]
        self._factors = {name for node in resizing for name in node.input[1:]}

    def model(self, file: str) -> Model:
        """The whole model."""
        opset = max(
            (entry.version for entry in self.proto.opset_import if entry.domain in _DOMAINS), default=0
        )
        if opset < _LEAST_OPSET:
            code = "model-opset" if self.graph.node else "model-no-program"
            raise ModelError(
                code, "convert-opset" if self.graph.node else None, found=opset, known=_LEAST_OPSET
            )
        if len(self.graph.node) > MOST_NODES:
            raise ModelError("model-too-long", most=MOST_NODES)
        stored = [self._stored(tensor) for tensor in self.graph.initializer]
        names = {leaf.ref for leaf in stored}
        arguments = [self._argument(value) for value in self.graph.input if value.name not in names]
        outputs = [value.name for value in self.graph.output]
        return Model(file, "onnx", [*stored, *arguments], list(self._operations()), outputs)

    def _is_float(self, type: int) -> bool:
        return self.onnx.TensorProto.DataType.Name(type) in _FLOATS

    def _stored(self, tensor: Any) -> Leaf:
        array = self._array(tensor)
        # Numbers alone, and factors of lengths, are settings that the exporter wrote as tensors.
        is_setting = array.ndim == 0 or tensor.name in self._factors
        is_float = self._is_float(tensor.data_type) and not is_setting
        return Leaf(tensor.name, tensor.name, array, array.shape, is_float, "parameter")

    def _array(self, tensor: Any) -> NDArray[Any]:
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            raise ModelError("model-external", "save-inside", tensor=tensor.name)
        count = 1
        for length in tensor.dims:
            count *= length
        if len(tensor.dims) > MOST_AXES or min(tensor.dims, default=0) < 0 or count > LARGEST_NODE:
            raise ModelError("model-short", tensor=tensor.name, wanted=count, found=len(tensor.raw_data))
        array: NDArray[Any] = np.asarray(self.onnx.numpy_helper.to_array(tensor))
        return array.astype(np.float64) if self._is_float(tensor.data_type) else array

    def _argument(self, value: Any) -> Leaf:
        type = value.type.tensor_type
        dims = type.shape.dim if type.HasField("shape") else None
        shape = None if dims is None else tuple(dim.dim_value or None for dim in dims)
        return Leaf(value.name, value.name, None, shape, self._is_float(type.elem_type), "data")

    def _operations(self) -> Iterator[Operation]:
        for node in self.graph.node:
            op = node.op_type if node.domain in _DOMAINS else f"{node.domain}.{node.op_type}"
            settings = {attribute.name: self._setting(attribute) for attribute in node.attribute}
            args = [Ref(name) if name else None for name in node.input]
            while args and args[-1] is None:
                args.pop()
            yield Operation(op, args, settings, list(node.output), _place(node), "")

    def _setting(self, attribute: Any) -> Any:
        value = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(value, self.onnx.TensorProto):
            return self._array(value)
        return value.decode(errors="replace") if isinstance(value, bytes) else value


def _place(node: Any) -> Place | None:
    """The line that the exporter recorded."""
    entries = {entry.key: entry.value for entry in node.metadata_props}
    return place_in(entries.get(_STACK_TRACE, ""))
