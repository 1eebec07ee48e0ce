"""Hostile tables, archives, models and code in files."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

from benchmarks.bomb_files import OPENED, lines, numbers
from benchmarks.bomb_kinds import Bomb, Made, file, toml


def zeros(shape: str, dtype: str = "<f8") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"


def npz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def audit(name: str, content: str | bytes, spec: str = "") -> Made:
    return ["audit", file("a.toml", spec or toml()), file(name, content)], ""


TABLES: dict[str, tuple[int, Callable[[int], Made]]] = {
    "columns of a CSV": (100_000, lambda n: audit("a.csv", ",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" * n))),
    "a line of a CSV": (10_000_000, lambda n: audit("a.csv", "x" * n)),
    "commas of a CSV": (10_000_000, lambda n: audit("a.csv", "," * n)),
    "lines of a CSV": (10_000_000, lambda n: audit("a.csv", "x,1\n" * (n // 4))),
    "names in a CSV": (20_000, lambda n: audit("a.csv", lines("k{0},1", 1)(n))),
    "entries of a CSV": (100_000, lambda n: audit("a.csv", lines("x[{0}],1", 1)(n))),
    "entries far out in a CSV": (10**12, lambda n: audit("a.csv", f"x[{n}],1\n")),
    "quotes of a CSV": (1_000_000, lambda n: audit("a.csv", '"' * n)),
    "quotes never closed in a CSV": (1_000_000, lambda n: audit("a.csv", 'x,"' + "a\n" * (n // 2))),
    "names in JSON": (20_000, lambda n: audit("a.json", json.dumps({f"k{i}": 1 for i in range(n)}))),
    "names like known ones": (5_000, lambda n: audit("a.json", json.dumps({f"grad_x{i}": 1 for i in range(n)}), toml(inputs=lines("x{0} = 3", 1)(n) + "\nx = 1"))),
    "brackets in JSON": (1_000_000, lambda n: audit("a.json", '{"x": ' + "[" * n)),
    "numbers in JSON": (8_000_000, lambda n: audit("a.json", '{"x": [' + numbers(n) + "]}")),
    "a lying header": (10**15, lambda n: audit("a.npy", zeros(f"({n},)"))),
    "a header of many axes": (60_000, lambda n: audit("a.npy", zeros("(" + "1, " * (n // 3) + ")"))),
    "a header of brackets": (60_000, lambda n: audit("a.npy", zeros("(" * n))),
    "a zip of zeros": (2**28, lambda n: audit("a.npz", npz({"x.npy": zeros(f"({n // 8},)") + b"\0" * n}))),
    "arrays in a zip": (2_000, lambda n: audit("a.npz", npz({f"k{i}.npy": zeros("()") + b"\0" * 8 for i in range(n)}))),
    "broken arrays in a zip": (60_000, lambda n: audit("a.npz", npz({f"k{i}.npy": b"" for i in range(n)}))),
    "empty arrays in a zip": (2_000, lambda n: audit("a.npz", npz({f"k{i}.npy": zeros("(0,)") for i in range(n)}))),
    "a lying zip of inputs": (10**15, lambda n: (["explain", "x^2", "--inputs", file("a.npz", npz({"x.npy": zeros(f"({n},)")}))], "")),
    "a header of safetensors": (2**24, lambda n: audit("a.safetensors", n.to_bytes(8, "little") + b"{" + b" " * n)),
    "a lying safetensors": (2**60, lambda n: audit("a.safetensors", n.to_bytes(8, "little") + b"{}")),
    "tensors of safetensors": (20_000, lambda n: audit("a.safetensors", _safetensors(n))),
    "a model that unpacks": (2**28, lambda n: (["explain", file("a.pt2", npz({"a/models/model.json": b" " * n}))], "")),
    "a model of brackets": (OPENED, lambda n: (["explain", file("a.pt2", npz({"a/models/model.json": b"[" * n}))], "")),
    "a model of nothing": (OPENED, lambda n: (["explain", file("a.onnx", b"\0" * n)], "")),
    "inputs of a spec": (8_000_000, lambda n: (["explain", "sum(x)", "--inputs", file("a.json", '{"x": [' + numbers(n) + "]}"), "--json"], "")),
    "a notebook of cells": (2_000, lambda n: (["check", file("a.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": "$L = x^2$"}] * n, "nbformat": 4}))], "")),
    "a sheet of answers": (5_000, lambda n: (["practice", "grade", file("a.toml", "bpx = 1\n[answers]\n" + lines("k{0} = 1", 1)(n))], "")),
    "code of brackets": (100_000, lambda n: (["explain", file("a.py", "x = " + "(" * n) + ":f"], "")),
    "code of sums": (100_000, lambda n: (["explain", file("a.py", "def f(x):\n    return x" + " + x" * (n // 4) + "\n") + ":f", "x=1"], "")),
    "code of a long loop": (10**9, lambda n: (["explain", file("a.py", f"def f(x):\n    for i in range({n}):\n        x = x * 1.0\n    return x\n") + ":f", "x=1"], "")),
    "code of functions": (5_000, lambda n: (["explain", file("a.py", lines("def f{0}(x): return x", 1)(n)) + ":g", "x=1"], "")),
}  # fmt: skip


def _safetensors(count: int) -> bytes:
    header = json.dumps(
        {f"k{i}": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} for i in range(count)}
    )
    return len(header).to_bytes(8, "little") + header.encode() + b"\0" * 8


TABLE_FILES = [Bomb(f"file: {name}", size, made) for name, (size, made) in TABLES.items()]
