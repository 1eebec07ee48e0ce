"""`.pt2` files of `torch.export.save`: a ZIP file of JSON and raw numbers, read without torch.

Format: torch/_export/serde/schema.yaml and torch/export/pt2_archive of PyTorch (schema 8). Sample inputs, and
weights of older files, are pickles, which could run anything: they are never loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bpx.graph.arrays import MOST_AXES
from bpx.spec.models.archive import Archive
from bpx.spec.models.model import MOST_NODES, Leaf, Model, ModelError, Operation, Ref
from bpx.spec.models.stack_traces import place_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCHEMA = 8  # the major version of the schema
_OPS = "torch.ops."
MOST_REPEATED = 2**20  # elements of a tensor that repeats fewer stored ones, as an expanded mask does
# The numbers of the types in the schema. Bfloat16 is the upper half of a float32.
_BOOL, _BFLOAT16 = 12, 13
_DTYPES = {
    1: "u1",
    2: "i1",
    3: "i2",
    4: "i4",
    5: "i8",
    6: "f2",
    7: "f4",
    8: "f8",
    _BOOL: "?",
    _BFLOAT16: "u2",
}
_FLOATS = {6, 7, 8, _BFLOAT16}
# Operations that compute nothing.
_CHECKS = ("aten._assert", "aten.sym_constrain", "_assert")
_MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def read_pt2(path: Path) -> Model:
    """The model in a file. Raises `ModelError`, or `OSError` where the file cannot be opened."""
    with Archive(path) as archive:
        data = archive.json(_member(archive))
        try:
            return _Reading(archive, data).model(str(path))
        except _MALFORMED as error:
            raise ModelError("model-broken", reason=f"{type(error).__name__}: {error}") from None


def _member(archive: Archive) -> str:
    """Where the graph stands: that called `model`, or the only one."""
    models = [name for name in archive.names("models") if name.endswith(".json")]
    if "models/model.json" in models:
        return "models/model.json"
    if len(models) == 1:
        return models[0]
    old = archive.has("serialized_exported_program.json") or archive.has("serialized_state_dict.pt")
    raise ModelError("model-old" if old else "model-no-program", "save-again")


class _Reading:
    """The reading of one file."""

    def __init__(self, archive: Archive, data: Any) -> None:
        major = data["schema_version"]["major"]
        if major != _SCHEMA:
            raise ModelError("model-version", "save-again", found=major, known=_SCHEMA)
        self.archive = archive
        self.graph = data["graph_module"]["graph"]
        self.signature = data["graph_module"]["signature"]
        self.order: Literal["<", ">"] = "<"
        if archive.has("byteorder") and archive.read("byteorder").strip() == b"big":
            self.order = ">"
        self.tied: dict[str, str] = {}
        self.first: dict[str, str] = {}  # what is stored of a parameter → the first one that it is of
        self.tensors = {**self._config("weights"), **self._config("constants")}

    def _config(self, folder: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Name → folder and description of what is stored there."""
        names = [name for name in self.archive.names(f"data/{folder}") if name.endswith("_config.json")]
        entries = {}
        for name in names:
            for key, entry in self.archive.json(name)["config"].items():
                entries[key] = (folder, entry)
        return entries

    def model(self, file: str) -> Model:
        """The whole model."""
        if len(self.graph["nodes"]) > MOST_NODES:
            raise ModelError("model-too-long", most=MOST_NODES)
        leaves = [leaf for spec in self.signature["input_specs"] for leaf in self._leaves(spec)]
        outputs = [
            argument["as_tensor"]["name"]
            for spec in self.signature["output_specs"]
            if (argument := _output(spec)) and "as_tensor" in argument
        ]
        return Model(file, "aten", leaves, list(self._operations()), outputs, self.tied)

    def _operations(self) -> Iterator[Operation]:
        for node in self.graph["nodes"]:
            operation = _operation(node)
            if not operation.op.startswith(_CHECKS):
                yield operation._replace(settings={**operation.settings, **self._of_types(operation)})

    def _of_types(self, operation: Operation) -> dict[str, Any]:
        """Settings that the types of the args decide."""
        settings = operation.settings
        if operation.op.startswith("aten.rms_norm") and settings.get("eps") is None:
            kind = self.graph["tensor_values"][settings["input"].name]["dtype"]
            return {"eps": float(np.finfo(_DTYPES[kind] if kind != _BFLOAT16 else "f4").eps)}
        mask = settings.get("attn_mask")
        if isinstance(mask, Ref):
            return {"flags": self.graph["tensor_values"][mask.name]["dtype"] == _BOOL}
        return {}

    def _leaves(self, spec: Mapping[str, Any]) -> Iterator[Leaf]:
        ((kind, entry),) = spec.items()
        if kind == "user_input":
            if "as_tensor" in entry["arg"]:
                yield self._argument(entry["arg"]["as_tensor"]["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            name, ref = entry[f"{kind}_name"], entry["arg"]["name"]
            if kind == "parameter" and (first := self._first(name, ref)) != ref:
                self.tied[ref] = first
                return
            value, is_float = self._tensor(name)
            role = "parameter" if kind == "parameter" else "data"
            # PyTorch gives buffers no gradient, and a mask among them must be known.
            yield Leaf(ref, name, value, value.shape, is_float and kind == "parameter", role)
        elif kind != "constant_input":
            raise ModelError("model-input-kind", kind=kind)

    def _first(self, name: str, ref: str) -> str:
        """The first parameter of those that share the numbers of this one."""
        return self.first.setdefault(json.dumps(self.tensors.get(name, name), sort_keys=True), ref)

    def _argument(self, ref: str) -> Leaf:
        meta = self.graph["tensor_values"][ref]
        shape = tuple(_length(size) for size in meta["sizes"])
        return Leaf(ref, ref, None, shape, _kind(ref, meta) in _FLOATS, "data")

    def _tensor(self, name: str) -> tuple[NDArray[Any], bool]:
        """A stored tensor, and whether it is one of floats."""
        if name not in self.tensors:
            raise ModelError("model-lacks", member=name)
        folder, entry = self.tensors[name]
        if entry["use_pickle"]:
            raise ModelError("model-pickle", "save-again", tensor=name)
        meta = entry["tensor_meta"]
        kind = _kind(name, meta)
        dtype = np.dtype(_DTYPES[kind]).newbyteorder(self.order)
        data = self.archive.read(f"data/{folder}/{entry['path_name']}")
        array = _strided(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype, meta, name)
        if kind == _BFLOAT16:
            array = (array.astype(np.uint32) << 16).view(np.float32)
        return array, kind in _FLOATS


def _kind(name: str, meta: Mapping[str, Any]) -> int:
    kind = meta["dtype"]
    if not isinstance(kind, int) or kind not in _DTYPES:
        raise ModelError("model-dtype", tensor=name)
    return kind


def _strided(data: bytes, dtype: np.dtype[Any], meta: Mapping[str, Any], name: str) -> NDArray[Any]:
    """The elements of a tensor: a copy, made after it is certain that all of them are there."""
    shape = tuple(int(size["as_int"]) for size in meta["sizes"])
    strides = tuple(int(stride["as_int"]) for stride in meta["strides"])
    offset = int(meta["storage_offset"]["as_int"])
    flat = np.frombuffer(data, dtype)
    count = 1
    for length in shape:
        count *= length
    if len(shape) != len(strides) or len(shape) > MOST_AXES or min((0, offset, *shape, *strides)) < 0:
        raise ModelError("model-broken", reason=f"{name}: shape {shape}, strides {strides}")
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if count > max(flat.size, MOST_REPEATED) or (count and last >= flat.size):
        raise ModelError("model-short", tensor=name, wanted=max(last + 1, count), found=flat.size)
    steps = tuple(stride * dtype.itemsize for stride in strides)
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, steps) if count else np.zeros(shape, dtype)
    return np.array(view, dtype.newbyteorder("="), order="C")


def _length(size: Mapping[str, Any]) -> int | None:
    return int(size["as_int"]) if "as_int" in size else None


def _output(spec: Mapping[str, Any]) -> Any:
    """What a model returns; None for what it writes into its buffers."""
    ((kind, entry),) = spec.items()
    return entry["arg"] if kind in ("user_output", "loss_output") else None


# --- operations ---------------------------------------------------------------------------------


def _operation(node: Mapping[str, Any]) -> Operation:
    metadata = node.get("metadata") or {}
    return Operation(
        str(node["target"]).removeprefix(_OPS),
        (),
        {entry["name"]: _value(entry["arg"]) for entry in node["inputs"]},
        list(_outputs(node["outputs"])),
        place_in(str(metadata.get("stack_trace", ""))),
        _module(str(metadata.get("nn_module_stack", ""))),
    )


def _module(stack: str) -> str:
    """The path of the innermost module of `key,path,class;key,path,class`."""
    parts = stack.rpartition(";")[2].split(",")
    return parts[1] if len(parts) == 3 else ""


def _outputs(outputs: Any) -> Iterator[str]:
    for output in outputs:
        ((kind, value),) = output.items()
        if kind == "as_tensors":
            yield from (tensor["name"] for tensor in value)
        elif kind in ("as_tensor", "as_optional_tensor"):
            yield str(value["name"])
        else:
            yield str(value.get("as_name", "")) if isinstance(value, dict) else ""


def _value(arg: Mapping[str, Any]) -> Any:
    """An argument: a number, text, flag, reference, or a list of these."""
    ((kind, value),) = arg.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Ref(str(value["name"]))
        case "as_tensors":
            return [Ref(str(tensor["name"])) for tensor in value]
        case "as_optional_tensors" | "as_sym_ints" | "as_sym_floats":
            return [_value(item) for item in value]
        case "as_sym_int" | "as_sym_bool" | "as_sym_float" | "as_optional_tensor":
            return _value(value)
        case "as_name":
            return Ref(str(value))
        case "as_float":
            return float(value)
        case "as_floats":
            return [float(item) for item in value]
        case "as_scalar_type":
            return np.dtype(_DTYPES[value]) if value in _DTYPES and value != _BFLOAT16 else np.dtype("f4")
        case "as_graph" | "as_custom_obj" | "as_operator" | "as_complex":
            return Unreadable(kind)
        case _:
            return value


class Unreadable(str):
    """An argument that no operation of bpx takes, such as a graph inside of a graph."""
