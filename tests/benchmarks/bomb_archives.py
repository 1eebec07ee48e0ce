"""Hostile models, archives of arrays, sheets and Python files."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks.bomb_files import OPENED, lines, numbers
from benchmarks.bomb_kinds import Bomb, Made, file, quoted, toml
from benchmarks.bomb_tables import audit, npz, zeros


# --- ONNX, written by hand: protobuf fields of a number and a payload ---------------------------------
def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(at: int, payload: bytes | str | int) -> bytes:
    if isinstance(payload, int):
        return _varint(at << 3) + _varint(payload)
    data = payload.encode() if isinstance(payload, str) else payload
    return _varint(at << 3 | 2) + _varint(len(data)) + data


def _node(op: str, args: list[str], out: str, attributes: bytes = b"") -> bytes:
    return _field(1, b"".join(_field(1, arg) for arg in args) + _field(2, out) + _field(4, op) + attributes)


def _tensor(name: str, dims: list[int], kind: int = 11, data: bytes = b"") -> bytes:
    return _field(
        5, b"".join(_field(1, n) for n in dims) + _field(2, kind) + _field(8, name) + _field(9, data)
    )


def _value(at: int, name: str, dims: list[int] | None = None) -> bytes:
    shape = b"".join(_field(1, _field(1, n)) for n in dims or [])
    type = _field(1, _field(1, 11) + _field(2, shape))
    return _field(at, _field(1, name) + _field(2, type))


def _ints(name: str, values: list[int]) -> bytes:
    return _field(5, _field(1, name) + b"".join(_field(8, n) for n in values) + _field(20, 7))


def _onnx(graph: bytes, more: bytes = b"") -> Made:
    model = _field(1, 8) + _field(8, _field(2, 17)) + _field(7, _field(2, "g") + graph) + more
    return ["explain", file("a.onnx", model)], ""


def _chain_of(op: str) -> Callable[[int], Made]:
    def made(size: int) -> Made:
        nodes = b"".join(_node(op, [f"v{i}"], f"v{i + 1}") for i in range(size))
        return _onnx(nodes + _value(11, "v0", [2]) + _value(12, f"v{size}", [2]))

    return made


def _one(
    op: str, dims: list[int], *tensors: bytes, attributes: bytes = b"", args: tuple[str, ...] = ("t",)
) -> Made:
    """One op on a tensor of these lengths that is stored, of eight bytes each."""
    stored = _tensor("x", dims, data=struct.pack("<d", 1.0) * max(1, min(dims[0] if dims else 1, 64)))
    return _onnx(_node(op, ["x", *args], "y", attributes) + stored + b"".join(tensors) + _value(12, "y"))


def _int64(name: str, values: list[int]) -> bytes:
    return _tensor(name, [len(values)], 7, struct.pack(f"<{len(values)}q", *values))


ONNX: dict[str, tuple[int, Callable[[int], Made]]] = {
    "a lying tensor": (10**12, lambda n: _one("Relu", [n], args=())),
    "a lying tensor of many lengths": (2**16, lambda n: _one("Relu", [n] * 4, args=())),
    "axes of a tensor": (100_000, lambda n: _one("Relu", [1] * n, args=())),
    "negative lengths": (2**64 - 1, lambda n: _one("Relu", [n], args=())),
    "a chain": (5_000, _chain_of("Relu")),
    "a chain beyond the limit": (60_000, _chain_of("Relu")),
    "unknown ops": (40_000, _chain_of("Nonsense")),
    "nodes of unknown args": (40_000, lambda n: _onnx(b"".join(_node("Relu", [f"k{i}"], f"v{i}") for i in range(n)) + _value(12, "v0"))),
    "a cycle": (40_000, lambda n: _onnx(b"".join(_node("Relu", [f"v{(i + 1) % n}"], f"v{i}") for i in range(n)) + _value(12, "v0"))),
    "stored tensors": (100_000, lambda n: _onnx(b"".join(_tensor(f"k{i}", [1], data=b"\0" * 8) for i in range(n)) + _node("Relu", ["k0"], "y") + _value(12, "y"))),
    "stored tensors, many": (1_000_000, lambda n: _onnx(_tensor("k", [1], data=b"\0" * 8) * n + _node("Relu", ["k"], "y") + _value(12, "y"))),
    "arguments": (100_000, lambda n: _onnx(b"".join(_value(11, f"k{i}", [1]) for i in range(n)) + _node("Relu", ["k0"], "y") + _value(12, "y"))),
    "empty nodes": (10_000_000, lambda n: _onnx(b"\x0a\x00" * (n // 2) + _value(12, "y"))),
    "empty tensors": (10_000_000, lambda n: _onnx(b"\x2a\x00" * (n // 2) + _value(12, "y"))),
    "numbers one by one": (8_000_000, lambda n: _onnx(_field(5, _field(1, n // 8) + _field(2, 11) + _field(8, "x") + _field(10, b"\0" * n)) + _node("Relu", ["x"], "y") + _value(12, "y"))),
    "an op of many args": (100_000, lambda n: _onnx(_node("Sum", ["x"] * n, "y") + _tensor("x", [1], data=b"\0" * 8) + _value(12, "y"))),
    "concat of many": (20_000, lambda n: _onnx(_node("Concat", ["x"] * n, "y", _field(5, _field(1, "axis") + _field(3, 0) + _field(20, 2))) + _tensor("x", [1], data=b"\0" * 8) + _value(12, "y"))),
    "expand": (10**12, lambda n: _one("Expand", [1], _int64("t", [n]))),
    "expand, axes": (100_000, lambda n: _one("Expand", [1], _int64("t", [1] * n))),
    "reshape": (100_000, lambda n: _one("Reshape", [1], _int64("t", [1] * n))),
    "constant of shape": (10**12, lambda n: _onnx(_node("ConstantOfShape", ["t"], "y") + _int64("t", [n]) + _value(12, "y"))),
    "range": (10**12, lambda n: _onnx(_tensor("a", [], 7, struct.pack("<q", 0)) + _tensor("b", [], 7, struct.pack("<q", n)) + _tensor("c", [], 7, struct.pack("<q", 1)) + _node("Range", ["a", "b", "c"], "y") + _value(12, "y"))),
    "tile": (10**9, lambda n: _one("Tile", [1], _int64("t", [n]))),
    "pad": (10**9, lambda n: _one("Pad", [1], _int64("t", [n, n]))),
    "split": (10_000, lambda n: _onnx(_node("Split", ["x", "t"], "y") + _tensor("x", [n], data=b"\0" * 8 * n) + _int64("t", [1] * n) + _value(12, "y"))),
    "one hot": (10**12, lambda n: _onnx(_tensor("i", [1], 7, b"\0" * 8) + _int64("t", [n]) + _tensor("v", [2], data=b"\0" * 16) + _node("OneHot", ["i", "t", "v"], "y") + _value(12, "y"))),
    "upsample": (10**6, lambda n: _onnx(_tensor("x", [1, 1, 2], data=b"\0" * 16) + _tensor("s", [3], data=struct.pack("<3d", 1, 1, n)) + _node("Resize", ["x", "", "s"], "y") + _value(12, "y"))),
    "a permutation": (1_000_000, lambda n: _one("Transpose", [1], attributes=_ints("perm", list(range(n))), args=())),
    "an einsum": (1_000_000, lambda n: _one("Einsum", [1], attributes=_field(5, _field(1, "equation") + _field(4, "i," * (n // 2) + "i->") + _field(20, 3)), args=())),
    "a loop": (10**9, lambda n: _one("LSTM", [1, 1, 1], args=("x", "x"), attributes=_field(5, _field(1, "hidden_size") + _field(3, n) + _field(20, 2)))),
    "a name": (10_000_000, lambda n: _onnx(_node("Relu", ["x"], "y" * n) + _tensor("x", [1], data=b"\0" * 8) + _value(12, "y" * n))),
    "an op's name": (10_000_000, lambda n: _onnx(_node("R" * n, ["x"], "y") + _tensor("x", [1], data=b"\0" * 8) + _value(12, "y"))),
    "groups in groups": (1_000_000, lambda n: _onnx(b"\x0b" * n)),
    "graphs in graphs": (50, lambda n: _onnx(_nested(n * 20))),
}  # fmt: skip


def _nested(depth: int) -> bytes:
    inner = _node("Relu", ["x"], "y")
    for _ in range(depth):
        inner = _node(
            "If", ["x"], "y", _field(5, _field(1, "then_branch") + _field(6, inner) + _field(20, 5))
        )
    return inner


# --- .pt2 ---------------------------------------------------------------------------------------------
def _pt2(content: str | bytes, more: dict[str, bytes] | None = None) -> Made:
    data = content.encode() if isinstance(content, str) else content
    return ["explain", file("a.pt2", npz({"a/models/model.json": data, **(more or {})}))], ""


def _program(
    nodes: list[Any], leaves: list[Any] | None = None, outputs: list[Any] | None = None, values: Any = None
) -> str:
    graph = {"nodes": nodes, "tensor_values": values or {"x": _meta([2])}}
    last = nodes[-1]["outputs"][0]["as_tensor"]["name"] if nodes else "x"
    signature = {
        "input_specs": leaves or [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}],
        "output_specs": outputs or [{"user_output": {"arg": {"as_tensor": {"name": last}}}}],
    }
    return json.dumps(
        {"schema_version": {"major": 8}, "graph_module": {"graph": graph, "signature": signature}}
    )


def _meta(sizes: list[int], strides: list[int] | None = None, offset: int = 0, kind: int = 8) -> Any:
    strides = strides if strides is not None else [1] * len(sizes)
    as_ints = [[{"as_int": n} for n in ns] for ns in (sizes, strides)]
    return {"dtype": kind, "sizes": as_ints[0], "strides": as_ints[1], "storage_offset": {"as_int": offset}}


def _call(target: str, out: str, **settings: Any) -> Any:
    inputs = [{"name": name, "arg": arg} for name, arg in settings.items()]
    return {"target": f"torch.ops.aten.{target}", "inputs": inputs, "outputs": [{"as_tensor": {"name": out}}]}


def _ref(name: str) -> Any:
    return {"as_tensor": {"name": name}}


def _calls(target: str) -> Callable[[int], Made]:
    return lambda n: _pt2(
        _program([_call(target, f"v{i}", self=_ref(f"v{i - 1}" if i else "x")) for i in range(n)])
    )


def _weight(meta: Any, data: bytes = b"\0" * 16) -> Made:
    config = {
        "config": {"w": {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": meta}}
    }
    leaves = [{"parameter": {"arg": {"name": "w"}, "parameter_name": "w"}}]
    members = {
        "a/data/weights/model_weights_config.json": json.dumps(config).encode(),
        "a/data/weights/weight_0": data,
    }
    return _pt2(_program([_call("sum.default", "y", self=_ref("w"))], leaves), members)


def _of_shape(target: str, key: str) -> Callable[[int], Made]:
    return lambda n: _pt2(_program([_call(target, "y", self=_ref("x"), **{key: {"as_ints": [n]}})]))


PT2: dict[str, tuple[int, Callable[[int], Made]]] = {
    "lists": (60_000_000, lambda n: _pt2("[" + "[]," * (n // 3) + "[]]")),
    "objects": (60_000_000, lambda n: _pt2("[" + '{"a":1},' * (n // 8) + "1]")),
    "numbers": (60_000_000, lambda n: _pt2('{"schema_version": [' + "0.5," * (n // 4) + "1]}")),
    "keys": (60_000_000, lambda n: _pt2("{" + ",".join(f'"k{i}":1' for i in range(n // 12)) + "}")),
    "a text": (60_000_000, lambda n: _pt2('"' + "a" * n + '"')),
    "a chain": (5_000, _calls("relu.default")),
    "a chain beyond the limit": (60_000, _calls("relu.default")),
    "unknown ops": (40_000, _calls("nonsense.default")),
    "nodes of unknown args": (40_000, lambda n: _pt2(_program([_call("relu.default", f"v{i}", self=_ref(f"k{i}")) for i in range(n)]))),
    "a cycle": (40_000, lambda n: _pt2(_program([_call("relu.default", f"v{i}", self=_ref(f"v{(i + 1) % n}")) for i in range(n)]))),
    "a lying weight": (10**12, lambda n: _weight(_meta([n]))),
    "a weight of no strides": (2**26, lambda n: _weight(_meta([n], [0]))),
    "a weight beyond the limit": (2**27, lambda n: _weight(_meta([n], [0]))),
    "strides out of the data": (2**62, lambda n: _weight(_meta([2], [n]))),
    "strides of many digits": (4_000, lambda n: _weight(_meta([2], [10**n]))),
    "an offset of many digits": (4_000, lambda n: _weight(_meta([2], [1], 10**n))),
    "axes of a weight": (100_000, lambda n: _weight(_meta([1] * n))),
    "a weight of zeros": (2**28, lambda n: _weight(_meta([n // 8]), b"\0" * n)),
    "parameters": (40_000, lambda n: _pt2(_program([], [{"parameter": {"arg": {"name": f"w{i}"}, "parameter_name": f"w{i}"}} for i in range(n)]))),
    "arguments": (40_000, lambda n: _pt2(_program([_call("relu.default", "y", self=_ref("x"))], [{"user_input": {"arg": {"as_tensor": {"name": f"x{i}"}}}} for i in range(n)], values={f"x{i}": _meta([1]) for i in range(n)}))),
    "outputs": (100_000, lambda n: _pt2(_program([_call("relu.default", "y", self=_ref("x"))], None, [{"user_output": {"arg": {"as_tensor": {"name": "y"}}}}] * n))),
    "expand": (10**12, _of_shape("expand.default", "size")),
    "view": (10**12, _of_shape("view.default", "size")),
    "full": (10**12, lambda n: _pt2(_program([_call("full.default", "y", size={"as_ints": [n]}, fill_value={"as_float": 1.0})]))),
    "arange": (10**12, lambda n: _pt2(_program([_call("arange.default", "y", end={"as_int": n})]))),
    "repeat": (10**12, _of_shape("repeat.default", "repeats")),
    "pad": (10**12, lambda n: _pt2(_program([_call("constant_pad_nd.default", "y", self=_ref("x"), pad={"as_ints": [n, n]})]))),
    "a view of axes": (100_000, lambda n: _pt2(_program([_call("view.default", "y", self=_ref("x"), size={"as_ints": [1] * n})]))),
    "cat of many": (20_000, lambda n: _pt2(_program([_call("cat.default", "y", tensors={"as_tensors": [{"name": "x"}] * n})]))),
    "a power": (10**9, lambda n: _pt2(_program([_call("pow.Tensor_Scalar", "y", self=_ref("x"), exponent={"as_int": n})]))),
    "a stack trace": (10_000_000, lambda n: _pt2(_program([{**_call("relu.default", "y", self=_ref("x")), "metadata": {"stack_trace": 'File "a", line 1\n' * (n // 17)}}]))),
    "a name": (10_000_000, lambda n: _pt2(_program([_call("relu.default", "y" * n, self=_ref("x"))]))),
    "a target": (10_000_000, lambda n: _pt2(_program([_call("r" * n, "y", self=_ref("x"))]))),
    "no graph": (10_000_000, lambda n: _pt2(json.dumps({"schema_version": {"major": "8" * n}}))),
    "members": (120_000, lambda n: _pt2("{}", {f"k{i}": b"" for i in range(n)})),
    "members that nobody needs": (60_000, lambda n: _pt2("{}", {f"k{i}": b"" for i in range(n)})),
    "configurations": (2_000, lambda n: _pt2(_program([]), {f"a/data/weights/{i}_config.json": b'{"config": {}}' for i in range(n)})),
    "configurations of zeros": (2**25, lambda n: _pt2(_program([]), {f"a/data/weights/{i}_config.json": b" " * n for i in range(20)})),
    "an end that lies": (OPENED, lambda n: (["explain", file("a.pt2", b"PK\x05\x06" + b"\xff" * n)], "")),
    "zeros": (OPENED, lambda n: (["explain", file("a.pt2", b"\0" * n)], "")),
}  # fmt: skip


# --- tables -------------------------------------------------------------------------------------------
def _tensors(header: str | bytes, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def _safe(header: str, data: bytes = b"\0" * 8) -> Made:
    return audit("a.safetensors", _tensors(header, data))


def _named(shape: str, first: int = 0, last: int = 8, kind: str = "F64") -> str:
    return f'{{"x": {{"dtype": "{kind}", "shape": {shape}, "data_offsets": [{first}, {last}]}}}}'


def _npy(shape: str, data: bytes = b"", dtype: str = "'<f8'") -> bytes:
    return zeros(shape, dtype) + data


def _stored(names: list[str]) -> bytes:
    """A ZIP file whose members all have the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(name, zeros("()") + b"\0" * 8)
    return out.getvalue()


def _patched(data: bytes, old: bytes, new: bytes) -> bytes:
    return data.replace(old, new)


def _many(n: int) -> str:
    return ", ".join(f'"k{i}": {{"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}' for i in range(n))


ARCHIVES: dict[str, tuple[int, Callable[[int], Made]]] = {
    "npz: 20,000 arrays": (20_000, lambda n: audit("a.npz", npz({f"k{i}.npy": zeros("()") + b"\0" * 8 for i in range(n)}))),
    "npz: 20,000 arrays like x": (20_000, lambda n: audit("a.npz", npz({f"x{i}.npy": zeros("()") + b"\0" * 8 for i in range(n)}))),
    "npz: one name again and again": (10_000, lambda n: audit("a.npz", _stored(["x.npy"] * n))),
    "npz: broken arrays": (20_000, lambda n: audit("a.npz", npz({f"k{i}.npy": b"\x93NUMPY" for i in range(n)}))),
    "npz: pickles": (20_000, lambda n: audit("a.npz", npz({f"k{i}.npy": _npy("(1,)", b"\0" * 8, "'|O'") for i in range(n)}))),
    "npz: a name": (60_000, lambda n: audit("a.npz", npz({"x" * n + ".npy": zeros("()") + b"\0" * 8}))),
    "npz: signs in a name": (60_000, lambda n: audit("a.npz", npz({"\x1b[31m" * (n // 5) + ".npy": zeros("()") + b"\0" * 8}))),
    "npz: folders": (20_000, lambda n: audit("a.npz", npz({f"k{i}/": b"" for i in range(n)}))),
    "npz: a zip of zeros in bzip2": (2**26, lambda n: audit("a.npz", _compressed(n, zipfile.ZIP_BZIP2))),
    "npz: a zip of zeros in LZMA": (2**26, lambda n: audit("a.npz", _compressed(n, zipfile.ZIP_LZMA))),
    "npz: sizes that lie": (2**28, lambda n: audit("a.npz", _patched(npz({"x.npy": zeros(f"({n // 8},)") + b"\0" * n}), n.to_bytes(4, "little"), (1000).to_bytes(4, "little")))),
    "npz: many zips of zeros": (2**24, lambda n: audit("a.npz", npz({f"k{i}.npy": zeros(f"({n // 8},)") + b"\0" * n for i in range(17)}))),
    "npz: overlapping members": (2**20, lambda n: audit("a.npz", _overlapping(n))),
    "npz: no end": (OPENED, lambda n: audit("a.npz", b"PK\x03\x04" * (n // 4))),
    "npz: ends": (OPENED, lambda n: audit("a.npz", b"PK\x05\x06" * (n // 4))),
    "npz: directories": (10_000_000, lambda n: audit("a.npz", b"PK\x01\x02" * (n // 4))),
    "npy: a type of fields": (60_000, lambda n: audit("a.npy", _npy("()", b"", "[" + ", ".join(f"('f{i}', '<f8')" for i in range(n // 20)) + "]"))),
    "npy: types in types": (60_000, lambda n: audit("a.npy", _npy("()", b"", "[('a', " * (n // 14) + "'<f8'" + ")]" * (n // 14)))),
    "npy: a product of lengths": (2**16, lambda n: audit("a.npy", _npy(f"({n}, {n}, {n}, {n})"))),
    "npy: no lengths": (10**18, lambda n: audit("a.npy", _npy(f"(0, {n})"))),
    "npy: digits": (60_000, lambda n: audit("a.npy", _npy(f"({'9' * n},)"))),
    "npy: minus signs": (60_000, lambda n: audit("a.npy", _npy(f"({'-' * n}1,)"))),
    "npy: a power": (10**6, lambda n: audit("a.npy", _npy(f"(9**{n},)"))),
    "npy: a text": (10**9, lambda n: audit("a.npy", _npy("(1,)", b"", f"'<U{n}'"))),
    "npy: bytes of nothing": (10**9, lambda n: audit("a.npy", _npy(f"({n},)", b"", "'|V0'"))),
    "npy: a header of version 3": (2**26, lambda n: audit("a.npy", b"\x93NUMPY\x03\x00" + n.to_bytes(4, "little") + b" " * n)),
    "npy: texts": (4_000_000, lambda n: audit("a.npy", _npy(f"({n // 4},)", b"a\0\0\0" * (n // 4), "'<U1'"))),
    "npy: numbers of x": (8_000_000, lambda n: audit("a.npy", _npy(f"({n // 8},)", b"\0" * (n // 8 * 8)))),
    "npy: not finite": (8_000_000, lambda n: audit("x.npy", _npy(f"({n // 8},)", b"\xff" * (n // 8 * 8)), toml('y = "sum(x)"', f"x = {{normal = [{n // 8}], seed = 1}}"))),
    "npy: complex": (8_000_000, lambda n: audit("x.npy", _npy(f"({n // 16},)", b"\0" * n, "'<c16'"))),
    "npy: integers too large": (8_000_000, lambda n: audit("x.npy", _npy(f"({n // 8},)", b"\xff\xff\xff\xff\xff\xff\xff\x7f" * (n // 8), "'<i8'"))),
    "npy: a table of many": (800_000, lambda n: audit("x.npy", _npy(f"({n // 8},)", b"\0" * n), toml('y = "sum(x*x)"', f"x = {{normal = [{n // 8}], seed = 1}}"))),
    "safetensors: lists": (16_000_000, lambda n: _safe('{"x": [' + "[]," * (n // 3) + "1]}")),
    "safetensors: objects": (16_000_000, lambda n: _safe('{"x": [' + '{"a":1},' * (n // 8) + "1]}")),
    "safetensors: keys": (16_000_000, lambda n: _safe("{" + ",".join(f'"k{i}":1' for i in range(n // 12)) + "}")),
    "safetensors: a key again and again": (16_000_000, lambda n: _safe("{" + '"k":1,' * (n // 6) + '"k":1}')),
    "safetensors: 20,000 tensors like x": (20_000, lambda n: _safe("{" + _many(n).replace('"k', '"x') + "}")),
    "safetensors: 200,000 tensors": (200_000, lambda n: _safe("{" + _many(n) + "}")),
    "safetensors: brackets": (1_000_000, lambda n: _safe("[" * n)),
    "safetensors: a name": (10_000_000, lambda n: _safe(_named("[1]").replace("x", "x" * n, 1))),
    "safetensors: axes": (1_000_000, lambda n: _safe(_named("[" + "1," * (n // 2) + "1]"))),
    "safetensors: digits": (4_000, lambda n: _safe(_named("[" + "9" * n + "]"))),
    "safetensors: offsets of digits": (4_000, lambda n: _safe(_named("[1]", 0, int("9" * n)))),
    "safetensors: digits beyond": (1_000_000, lambda n: _safe('{"x": {"dtype": "F64", "shape": [' + "9" * n + '], "data_offsets": [0, 8]}}')),
    "safetensors: no lengths": (10**18, lambda n: _safe(_named(f"[0, {n}]", 0, 0))),
    "safetensors: a type": (10_000_000, lambda n: _safe(_named("[1]", kind="F" * n))),
    "safetensors: the same numbers again": (200, lambda n: _safe("{" + ", ".join(f'"k{i}": {{"dtype": "F64", "shape": [1000000], "data_offsets": [0, 8000000]}}' for i in range(n)) + "}", b"\0" * 8_000_000)),
    "safetensors: one name again and again": (10_000, lambda n: _safe("{" + ", ".join(['"x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}'] * n) + "}")),
    "safetensors: other text": (1_000_000, lambda n: _safe(_named("[1]")[:-1] + ', "__metadata__": {' + ",".join(f'"k{i}": "v"' for i in range(n // 10)) + "}}")),
    "csv: names like known ones": (20_000, lambda n: audit("a.csv", lines("xx{0},1", 1)(n), toml('y = "' + " + ".join(f"x{i}" for i in range(1000)) + '"', lines("x{0} = 3", 1)(1000)))),
    "csv: entries again and again": (100_000, lambda n: audit("a.csv", "x,1\n" * n)),
    "csv: an index": (1_000_000, lambda n: audit("a.csv", "x[" + "1," * (n // 2) + "1],1\n")),
    "csv: digits": (1_000_000, lambda n: audit("a.csv", "x," + "9" * n + "\n")),
    "csv: blanks": (10_000_000, lambda n: audit("a.csv", " " * n)),
    "csv: empty lines": (10_000_000, lambda n: audit("a.csv", "\n" * n)),
    "csv: zero bytes": (10_000_000, lambda n: audit("a.csv", b"\0" * n)),
    "csv: not UTF-8": (10_000_000, lambda n: audit("a.csv", b"\xff" * n)),
    "json: objects": (20_000_000, lambda n: audit("a.json", '{"x": [' + '{"a":1},' * (n // 8) + "1]}")),
    "json: lists": (20_000_000, lambda n: audit("a.json", '{"x": [' + "[]," * (n // 3) + "1]}")),
    "json: texts": (20_000_000, lambda n: audit("a.json", '{"x": [' + '"a",' * (n // 4) + "1]}")),
    "audit: two tables": (20_000, lambda n: (["audit", file("a.json", json.dumps({f"k{i}": i for i in range(n)})), file("b.json", json.dumps({f"l{i}": i for i in range(n)}))], "")),
    "audit: two tables that differ": (20_000, lambda n: (["audit", file("a.json", json.dumps({f"k{i}": i for i in range(n)})), file("b.json", json.dumps({f"k{i}": -i - 1 for i in range(n)}))], "")),
    "audit: two tables, names like others": (5_000, lambda n: (["audit", file("a.json", json.dumps({f"grad_layer_{i}": i for i in range(n)})), file("b.json", json.dumps({f"grad_layr_{i}": i for i in range(n)}))], "")),
    "audit: --skip": (5_000, lambda n: (["audit", file("a.toml", toml()), file("a.json", '{"x": 6}'), "--skip", ",".join(f"k{i}" for i in range(n))], "")),
    "audit: --floats": (100_000, lambda n: (["audit", file("a.toml", toml()), file("a.json", '{"x": 6}'), "--floats", "f" * n], "")),
    "audit: --rtol": (100_000, lambda n: (["audit", file("a.toml", toml()), file("a.json", '{"x": 6}'), "--rtol", "9" * n], "")),
    "audit: --digits": (10**12, lambda n: (["audit", file("a.toml", toml()), file("a.json", '{"x": 6}'), "--digits", str(n)], "")),
}  # fmt: skip


def _compressed(size: int, kind: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        archive.writestr("x.npy", zeros(f"({size // 8},)") + b"\0" * size)
    return out.getvalue()


def _overlapping(size: int) -> bytes:
    """Many entries of the directory that lead to the bytes of one member."""
    data = npz({"x.npy": zeros(f"({size // 8},)") + b"\0" * size})
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry, count = data[at:end], 1000
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, at, 0)
    return data[:at] + entry * count + tail


# --- sheets -------------------------------------------------------------------------------------------
def _sheet(
    answers: str,
    asked: str = '["out"]',
    spec: str = 'bpx = 1\noutput = "out"\n[inputs]\nx = 1.0\n[graph]\nout = "x^2"\n',
    more: str = "",
) -> Made:
    text = f"[answers]\n{answers}\n[sheet]\nbpx-sheet = 1\ndigits = 3\nseed = 0\nasked = {asked}\nspec = {quoted(spec)}\n{more}\n"
    return ["practice", "grade", file("a.toml", text)], ""


SHEETS: dict[str, tuple[int, Callable[[int], Made]]] = {
    "unknown answers": (20_000, lambda n: _sheet(lines("k{0} = 1", 1)(n))),
    "a long answer": (OPENED, lambda n: _sheet(f'out = "{"9" * n}"')),
    "brackets": (OPENED, lambda n: _sheet(f'out = "{"(" * n}"')),
    "a formula": (100_000, lambda n: _sheet(f'out = "{"x+" * (n // 2)}x"')),
    "unknown names": (100_000, lambda n: _sheet(f'out = "{"+".join(f"k{i}" for i in range(n // 6))}"')),
    "asked": (20_000, lambda n: _sheet('out = "1"', "[" + ", ".join(f'"k{i}"' for i in range(n)) + "]")),
    "asked again and again": (20_000, lambda n: _sheet('out = "1"', "[" + ", ".join(['"out"'] * n) + "]")),
    "no answers": (20_000, lambda n: _sheet("")),
    "a chain": (2_000, lambda n: _sheet('out = "1"', spec=toml("s0 = 'x'\n" + "\n".join(f's{i} = "s{i - 1}*1.01"' for i in range(1, n)) + f"\nout = 's{n - 1}'", "x = 1"))),
    "a chain, all asked": (2_000, lambda n: _sheet("\n".join(f's{i} = "1"' for i in range(n)), "[" + ", ".join(f'"s{i}"' for i in range(n)) + "]", toml("s0 = 'x*1.0'\n" + "\n".join(f's{i} = "s{i - 1}*1.01"' for i in range(1, n)), "x = 1"))),
    "a spec of brackets": (OPENED, lambda n: _sheet('out = "1"', spec=toml(f"y = '{'(' * n}'"))),
    "a spec of numbers": (8_000_000, lambda n: _sheet('out = "1"', spec=toml("out = 'sum(x)'", f"x = [{numbers(n)}]"))),
    "shown": (20_000, lambda n: _sheet('out = "1"', more="[shown]\n" + lines("k{0} = 1", 1)(n))),
    "digits": (10**12, lambda n: (["practice", "grade", file("a.toml", f"[answers]\n[sheet]\nbpx-sheet = 1\ndigits = {n}\nspec = 'bpx = 1'")], "")),
    "a rate of digits": (400, lambda n: _sheet('out = "1"', more=f"rate = {'9' * n}")),
    "Markdown": (OPENED, lambda n: (["practice", "grade", file("a.md", "```toml bpx\n" * (n // 12))], "")),
    "Markdown fences": (OPENED, lambda n: (["practice", "grade", file("a.md", "| a | b |\n" * (n // 10))], "")),
    "a notebook": (OPENED, lambda n: (["practice", "grade", file("a.ipynb", '{"cells": ' + "[" * n)], "")),
    "a notebook of cells": (20_000, lambda n: (["practice", "grade", file("a.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": "a"}] * n, "nbformat": 4}))], "")),
    "code": (OPENED, lambda n: (["practice", "grade", file("a.py", "x = 1\n" * (n // 6))], "")),
    "code that runs": (10**9, lambda n: (["practice", "grade", file("a.py", f"for i in range({n}):\n    pass\n")], "")),
    "topics": (100_000, lambda n: (["practice", "a" * n], "")),
    "blanks of a wide graph": (500, lambda n: (["practice", "+".join(f"x{i}" for i in range(n)), *(f"x{i}=1" for i in range(n)), "--blanks", "all", "-o", "a.toml"], "")),
    "an array": (10_000, lambda n: (["practice", "sum(x^2)", f"--random=x:({n},)", "--blanks", "all", "-o", "a.toml"], "")),
}  # fmt: skip


# --- Python files -------------------------------------------------------------------------------------
_F = "def f(x):\n    return x*x\n"


def _code(text: str, *args: str, name: str = "f", command: str = "explain") -> Made:
    return [command, file("a.py", text) + f":{name}", *(args or ("x=1",))], ""


def _body(line: str, *args: str, command: str = "explain") -> Callable[[int], Made]:
    return lambda n: _code(
        f"import numpy as np\ndef f(x):\n    {line.format(n=n)}\n    return x*x\n", *args, command=command
    )


def _pair(backward: str) -> Callable[[int], Made]:
    return lambda n: (
        [
            "gradcheck",
            file(
                "a.py",
                f"import numpy as np\ndef f(x):\n    return np.sum(x*x)\ndef g(x, up):\n{backward.format(n=n)}\n",
            )
            + ":f,g",
            "x=[1, 2]",
        ],
        "",
    )


CODE: dict[str, tuple[int, Callable[[int], Made]]] = {
    "a line of 1 MB": (OPENED, lambda n: _code(f"# {'a' * n}\n{_F}")),
    "a text of 10 MB": (10_000_000, lambda n: _code(f"s = '{'a' * n}'\n{_F}")),
    "10,000 functions": (10_000, lambda n: _code(lines("def f{0}(x): return x", 1)(n) + "\n" + _F)),
    "10,000 functions like f": (10_000, lambda n: _code(lines("def ff{0}(x): return x", 1)(n), name="fff")),
    "lines": (100_000, lambda n: _code("x = 1\n" * n + _F)),
    "statements": (5_000, lambda n: _code("def f(x):\n" + "    x = x * 1.0001\n" * n + "    return x\n")),
    "statements, checked": (2_000, lambda n: _code("def f(x):\n" + "    x = x * 1.0001\n" * n + "    return x\n", command="gradcheck")),
    "nested blocks": (90, lambda n: _code("def f(x):\n" + "".join("    " + " " * i + "if True:\n" for i in range(n)) + "    " + " " * n + "x = 2 * x\n    return x\n")),
    "nested brackets": (100, lambda n: _code("def f(x):\n    return " + "(" * n + "x" + ")" * n + "\n")),
    "nested lambdas": (80, lambda n: _code("f = " + "lambda x: " * n + "x\n")),
    "minus signs": (100_000, lambda n: _code("def f(x):\n    return " + "-" * n + "x\n")),
    "an error at the end": (OPENED, lambda n: _code("x = 1\n" * (n // 6) + "def f(x:\n")),
    "zero bytes": (OPENED, lambda n: _code("\0" * n)),
    "not UTF-8": (OPENED, lambda n: (["explain", file("a.py", b"\xff" * n) + ":f", "x=1"], "")),
    "form feeds": (OPENED, lambda n: _code("\f" * n + _F)),
    "tabs": (OPENED, lambda n: _code("def f(x):\n" + "\t" * n + "return x\n")),
    "continued lines": (OPENED, lambda n: _code("x = 1 " + "\\\n" * (n // 2) + "\n" + _F)),
    "an enormous constant": (10**12, _body("x = x + np.zeros({n}).sum()")),
    "a constant of 67 million": (2**26, lambda n: _code(f"import numpy as np\nC = np.zeros({n})\ndef f(x):\n    return np.sum(x * C)\n")),
    "a constant of 140 million": (140_000_000, lambda n: _code(f"import numpy as np\nC = np.zeros({n})\ndef f(x):\n    return np.sum(x * C)\n")),
    "an integer": (10**6, _body("x = x * (10**{n})")),
    "a text as a constant": (10**8, _body("x = x * len('a' * {n})")),
    "a loop of operations": (10**9, _body("for i in range({n}): x = x * 1.0001")),
    "a loop of operations, checked": (10**9, _body("for i in range({n}): x = x * 1.0001", command="gradcheck")),
    "an endless recursion": (10**9, lambda n: _code("def f(x):\n    return f(x)\n")),
    "an endless recursion of two": (10**9, lambda n: _code("def g(x):\n    return f(x)\ndef f(x):\n    return g(x) + 1\n", command="gradcheck")),
    "an exception of 10 MB": (10_000_000, _body("raise ValueError('a' * {n})")),
    "an exception of lines": (10_000_000, _body("raise ValueError('a\\n' * ({n} // 2))")),
    "a name of 1 MB": (OPENED, lambda n: _code(f"def {'f' * n}(x):\n    return x*x\n", name="g")),
    "args": (5_000, lambda n: _code(f"def f({', '.join(f'x{i}' for i in range(n))}):\n    return x0\n")),
    "args, given": (1_000, lambda n: _code(f"def f({', '.join(f'x{i}' for i in range(n))}):\n    return {' + '.join(f'x{i}*x{i}' for i in range(n))}\n", *(f"x{i}=1" for i in range(n)))),
    "outputs": (100_000, _body("return [x] * {n}")),
    "an output of text": (10_000_000, _body("return 'a' * {n}")),
    "an output of objects": (1_000_000, _body("return np.array([object()] * {n})")),
    "lists in an output": (100_000, lambda n: _code(f"def f(x):\n    y = x\n    for i in range({n}): y = [y]\n    return y\n")),
    "printing": (10_000_000, _body("print('a' * {n})")),
    "a name of a function": (100_000, lambda n: _code(_F, name="f" * n)),
    "names of functions": (20_000, lambda n: _code(_F, name=",".join(f"f{i}" for i in range(n)))),
    "gradients of a wrong shape": (10**7, _pair("    return np.zeros({n})")),
    "gradients of text": (10_000_000, _pair("    return 'a' * {n}")),
    "many gradients": (1_000_000, _pair("    return [2*x*up] * {n}")),
    "gradients in a dict": (100_000, _pair("    return {{f'k{{i}}': up for i in range({n})}}")),
    "a gradient that raises": (10_000_000, _pair("    raise ValueError('a' * {n})")),
    "a wrong line among many": (1_000, lambda n: (["gradcheck", file("a.py", "import numpy as np\ndef f(x):\n    return np.sum(x*x)\ndef g(x, up):\n    g = 3*x*up\n" + "    g = g * 1.0\n" * n + "    return g\n") + ":f,g", "x=[1, 2]"], "")),
    "a wrong loop": (100_000, lambda n: (["gradcheck", file("a.py", f"import numpy as np\ndef f(x):\n    return np.sum(x*x)\ndef g(x, up):\n    g = 3*x*up\n    for i in range({n}): g = g * 1.0\n    return g\n") + ":f,g", "x=[1, 2]"], "")),
    "inputs of a file": (8_000_000, lambda n: ([*_code("import numpy as np\ndef f(x):\n    return np.sum(x*x)\n", "--inputs")[0], file("a.npz", npz({"x.npy": zeros(f"({n // 8},)") + b"\0" * n}))], "")),
    "inputs of unknown names": (10_000, lambda n: ([*_code(_F, "--inputs")[0], file("a.npz", npz({f"k{i}.npy": zeros("()") + b"\0" * 8 for i in range(n)}))], "")),
    "inputs of a function": (10**9, lambda n: _code(f"import numpy as np\ndef f(x):\n    return np.sum(x*x)\ndef inputs():\n    return {{'x': np.zeros({n})}}\n", "--inputs", "inputs")),
}  # fmt: skip


# --- what is written, drawn and swept -----------------------------------------------------------------
def _wide(*args: str) -> Callable[[int], Made]:
    def made(n: int) -> Made:
        spec = toml("y = '" + " + ".join(f"x{i}^2" for i in range(n)) + "'", lines("x{0} = 3", 1)(n))
        return [args[0], file("a.toml", spec), *args[1:]], ""

    return made


def _tree(*args: str) -> Callable[[int], Made]:
    """A tree of so many leaves, added in pairs."""

    def made(n: int) -> Made:
        text = "x"
        for _ in range(max(n.bit_length() - 1, 1)):
            text = f"sin({text} + {text})"
        return [args[0], file("a.toml", toml(f"y = '{text}'")), *args[1:]], ""

    return made


WRITTEN: dict[str, tuple[int, Callable[[int], Made]]] = {
    **{f"a tree, {' '.join(args)}": (4_096, _tree(*args)) for args in (("explain",), ("explain", "--tree"), ("explain", "--paths=*"), ("explain", "--short"), ("explain", "--second"), ("explain", "--order", "4"), ("draw", "-o", "a.svg"), ("draw", "-o", "a.dot"), ("explain", "-f", "html", "-o", "a.html"), ("gradcheck",), ("convert", "--to", "numpy"), ("convert", "--to", "jax"), ("train", "--wrt", "x", "--steps", "20"), ("sweep", "--over", "x=0..1"))},
    **{f"wide, {' '.join(args)}": (1_000, _wide(*args)) for args in (("convert", "--to", "numpy"), ("convert", "--to", "torch"), ("convert", "--to", "jax"), ("convert", "--to", "toml"), ("train", "--steps", "20"), ("train", "--steps", "20", "--json"), ("train", "--steps", "5", "--show-steps", "5"), ("train", "--steps", "5", "--check", "1"), ("sweep", "--over", "x0=0..1", "--gradient"), ("draw", "-o", "a.html"), ("draw", "-o", "a.mmd"), ("draw", "-o", "a.tex"), ("explain", "--order", "2"), ("explain", "--second"), ("gradcheck", "--order", "2"), ("gradcheck", "--points", "20"), ("gradcheck", "-f", "html", "-o", "a.html"), ("gradcheck", "-f", "svg", "-o", "a.svg"), ("gradcheck", "-f", "junit"), ("gradcheck", "--draw", "a.svg"), ("gradcheck", "--why", "x7"), ("practice", "--blanks", "all", "-o", "b.toml"))},
    "sweep: 1e6 of two, as html": (1_000, lambda n: (["sweep", "x*y", "x=1", "y=2", f"--over=x=0..1:{n}", f"--over=y=0..1:{n}", "-o", "a.html"], "")),
    "sweep: 1e6 of two, as svg": (1_000, lambda n: (["sweep", "x*y", "x=1", "y=2", f"--over=x=0..1:{n}", f"--over=y=0..1:{n}", "-o", "a.svg"], "")),
    "sweep: 1e6 of two, as json": (1_000, lambda n: (["sweep", "x*y", "x=1", "y=2", f"--over=x=0..1:{n}", f"--over=y=0..1:{n}", "-o", "a.json"], "")),
    "sweep: 1e6, with gradients": (10**6, lambda n: (["sweep", "x^2", "x=1", f"--over=x=0..1:{n}", "--gradient", "-o", "a.csv"], "")),
    "sweep: of an array": (10**6, lambda n: (["sweep", "sum(w*x)", "w=1", "--random=x:(1000,)", f"--over=w=0..1:{n}"], "")),
    "sweep: --descend": (10**6, lambda n: (["sweep", "x^2", "x=1", "--over=x=0..1", "--descend", str(n)], "")),
    "train: 1e6 steps": (10**6, lambda n: (["train", "x^2", "x=3", "--wrt", "x", "--steps", str(n)], "")),
    "train: --target": (400, lambda n: (["train", "x^2", "x=3", "--wrt", "x", "--target", "9" * n], "")),
    "train: --schedule": (OPENED // 10, lambda n: (["train", "x^2", "x=3", "--wrt", "x", "--schedule", "c" * n], "")),
    "train: --optimizer": (OPENED // 10, lambda n: (["train", "x^2", "x=3", "--wrt", "x", "--optimizer", "s" * n], "")),
    "train: --momentum": (OPENED // 10, lambda n: (["train", "x^2", "x=3", "--wrt", "x", "--momentum", "9" * n], "")),
    "train: --wrt": (10_000, lambda n: (["train", "x^2", "x=3", "--wrt", ",".join(f"k{i}" for i in range(n))], "")),
    "convert: numbers": (2_000_000, lambda n: (["convert", file("a.toml", toml("y = 'sum(x)'", f"x = [{numbers(n)}]")), "--to", "numpy", "-o", "b.py"], "")),
    "convert: --to": (OPENED // 10, lambda n: (["convert", "x^2", "x=3", "--to", "t" * n], "")),
    "gradcheck: --why": (OPENED // 10, lambda n: (["gradcheck", "x^2", "x=3", "--why", "x[" + "1," * (n // 2) + "]"], "")),
    "gradcheck: --sort": (OPENED // 10, lambda n: (["gradcheck", "x^2", "x=3", "--sort", "x" * n], "")),
    "gradcheck: --hint": (OPENED // 10, lambda n: (["gradcheck", "x^2", "x=3", "--hint", "9" * n], "")),
    "gradcheck: --rtol": (OPENED // 10, lambda n: (["gradcheck", "x^2", "x=3", "--rtol", "9" * n], "")),
    "gradcheck: --draw": (200, lambda n: (["gradcheck", "x^2", "x=3", "--draw", "a/" * n + "a.svg"], "")),
    "an output's name": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "-o", "a" * n + ".md"], "")),
    "a format": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "-f", "a" * n], "")),
    "--part": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "--part", "a" * n], "")),
    "--notation": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "--notation", "a" * n], "")),
    "--step": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "--step", "9" * n], "")),
    "--lang": (OPENED // 10, lambda n: (["--lang", "e" * n, "explain", "x^2", "x=3"], "")),
    "schema": (OPENED // 10, lambda n: (["schema", "s" * n], "")),
    "examples": (OPENED // 10, lambda n: (["examples", "s" * n], "")),
    "learn --format": (OPENED // 10, lambda n: (["learn", "--format", "s" * n], "")),
    "an array of texts in --set": (OPENED // 10, lambda n: (["explain", "sum(x)", "--set", "x=[" + "'a'," * (n // 4) + "]"], "")),
    "--inputs of brackets": (OPENED, lambda n: (["explain", "sum(x)", "--inputs", file("a.json", '{"x":' + "[" * n)], "")),
    "--inputs of a CSV": (OPENED, lambda n: (["explain", "sum(x)", "--inputs", file("a.csv", "x\n" * (n // 2))], "")),
    "--inputs of many names": (20_000, lambda n: (["explain", "sum(x)", "--inputs", file("a.json", json.dumps({f"k{i}": 1 for i in range(n)}))], "")),
    "--inputs of texts": (OPENED, lambda n: (["explain", "sum(x)", "--inputs", file("a.json", '{"x": [' + '"a",' * (n // 4) + '"b"]}')], "")),
    "--upstream of texts": (OPENED // 10, lambda n: (["explain", "x^2", "x=3", "--upstream", "a" * n], "")),
    "--random of lengths": (2**16, lambda n: (["explain", "sum(x)", f"--random=x:({n},{n},{n})"], "")),
    "--random of digits": (OPENED // 10, lambda n: (["explain", "sum(x)", f"--random=x:({'9' * n},)"], "")),
}  # fmt: skip

ARCHIVE_FILES = [
    Bomb(f"{group}: {name}", size, made)
    for group, bombs in (("ONNX", ONNX), ("pt2", PT2), ("table", ARCHIVES), ("sheet", SHEETS), ("code", CODE), ("written", WRITTEN))
    for name, (size, made) in bombs.items()
]  # fmt: skip
