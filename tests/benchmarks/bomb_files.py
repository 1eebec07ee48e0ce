"""Hostile specs, tables and values in files."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks.bomb_kinds import Bomb, Made, file, toml


def _lines(piece: str, length: int) -> Callable[[int], str]:
    """Lines with their number put in, about `length` characters each."""
    return lambda size: "\n".join(piece.format(i) for i in range(max(size // length, 1)))


def _explain_toml(text: Callable[[int], str]) -> Callable[[int], Made]:
    return lambda size: (["explain", file("a.toml", text(size)), "--json"], "")


def _explain_json(data: Callable[[int], Any]) -> Callable[[int], Made]:
    def made(size: int) -> Made:
        content = data(size)
        return ["explain", file("a.json", content if isinstance(content, str) else json.dumps(content))], ""

    return made


def _zeros(shape: str, dtype: str = "<f8") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"


def _npz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _audit(name: str, content: str | bytes, spec: str = "") -> Made:
    return ["audit", file("a.toml", spec or toml()), file(name, content)], ""


def _numbers(size: int) -> str:
    return ", ".join(["0.5"] * (size // 5))


_OPENED, _MANY = 1_000_000, 10_000

SPECS: dict[str, tuple[int, Callable[[int], Made]]] = {
    "unknown keys": (20_000, _explain_toml(lambda n: _lines("k{0} = 1", 1)(n) + "\n" + toml())),
    "unknown keys like known ones": (
        20_000,
        _explain_toml(lambda n: _lines("graph{0} = 1", 1)(n) + "\n" + toml()),
    ),
    "unknown keys of an input": (
        20_000,
        _explain_toml(
            lambda n: toml(inputs="x = {value = 3, " + ", ".join(f"k{i} = 1" for i in range(n)) + "}")
        ),
    ),
    "unknown tables": (20_000, _explain_toml(lambda n: toml(rest=_lines("[t{0}]\na = 1", 1)(n)))),
    "a table again and again": (20_000, _explain_toml(lambda n: toml(rest="[graph]\n" * n))),
    "a list of tables": (20_000, _explain_toml(lambda n: toml(rest="[[t]]\n" * n))),
    "deep keys": (_OPENED, _explain_toml(lambda n: "a." * (n // 2) + "a = 1")),
    "keys each deeper": (
        2_000,
        _explain_toml(lambda n: "\n".join("a." * i + f"b{i} = 1" for i in range(min(n, 2000)))),
    ),
    "unknown [expect] of inputs": (
        20_000,
        _explain_toml(lambda n: toml(rest="[expect.gradients]\n" + _lines("k{0} = 1", 1)(n))),
    ),
    "unknown [expect] values": (
        20_000,
        _explain_toml(lambda n: toml(rest="[expect]\n" + _lines("k{0} = 1", 1)(n))),
    ),
    "unknown claims": (20_000, _explain_toml(lambda n: toml(rest="[claims]\n" + _lines("k{0} = 1", 1)(n)))),
    "claims of many inputs": (
        2_000,
        lambda n: (
            [
                "gradcheck",
                file(
                    "a.toml",
                    toml(
                        "y = '" + " + ".join(f"x{i}" for i in range(n)) + "'",
                        _lines("x{0} = 3", 1)(n),
                        "[claims]\n" + _lines("x{0} = 1", 1)(n),
                    ),
                ),
            ],
            "",
        ),
    ),
    "inputs nobody uses": (
        50_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + _lines("k{0} = 1", 1)(n))),
    ),
    "inputs of a wrong type": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + _lines("k{0} = 'a'", 1)(n))),
    ),
    "inputs without a value": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + _lines("k{0} = {{}}", 1)(n))),
    ),
    "names that are none": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + _lines('"k {0}" = 1', 1)(n))),
    ),
    "steps that cannot be read": (20_000, _explain_toml(lambda n: toml(_lines('s{0} = "x +"', 1)(n)))),
    "steps of unknown names": (
        20_000,
        _explain_toml(lambda n: toml(_lines('s{0} = "abcdefg{0} + x"', 1)(n))),
    ),
    "steps in a cycle": (
        20_000,
        _explain_toml(lambda n: toml("\n".join(f's{i} = "s{(i + 1) % n}"' for i in range(n)))),
    ),
    "steps of ever more names": (
        1_000,
        _explain_toml(
            lambda n: toml(
                "\n".join(f's{i} = "' + "+".join(["x", *(f"s{j}" for j in range(i))]) + '"' for i in range(n))
            )
        ),
    ),
    "a chain": (
        20_000,
        _explain_toml(
            lambda n: toml("s0 = 'x'\n" + "\n".join(f's{i} = "s{i - 1}*1.0001"' for i in range(1, n)))
        ),
    ),
    "a chain backwards": (
        20_000,
        _explain_toml(
            lambda n: toml(
                "\n".join(f's{i} = "s{i - 1}*1.0001"' for i in range(n, 0, -1)) + "\ns0 = 'x'",
                top="output = 's9'",
            )
        ),
    ),
    "doublings": (
        1_000,
        _explain_toml(
            lambda n: toml(
                "s0 = 'x'\n" + "\n".join(f's{i} = "s{i - 1}*s{i - 1}/s{i - 1}"' for i in range(1, n))
            )
        ),
    ),
    "blocks in blocks": (
        200,
        _explain_toml(
            lambda n: toml(
                'y = "b0(x)"',
                rest="\n".join(
                    f"[blocks.b{i}]\nargs = ['x']\nvalue = 'b{i + 1}(x) + b{i + 1}(x)'" for i in range(n)
                )
                + f"\n[blocks.b{n}]\nargs = ['x']\nvalue = 'x'",
            )
        ),
    ),
    "blocks in a cycle": (
        2_000,
        _explain_toml(
            lambda n: toml(
                'y = "b0(x)"',
                rest="\n".join(f"[blocks.b{i}]\nargs = ['x']\nvalue = 'b{(i + 1) % n}(x)'" for i in range(n)),
            )
        ),
    ),
    "blocks of many calls": (
        20_000,
        _explain_toml(
            lambda n: toml(
                "y = '" + " + ".join(["f(x)"] * n) + "'", rest="[blocks.f]\nargs = ['x']\nvalue = 'x^2'"
            )
        ),
    ),
    "blocks of many args": (
        20_000,
        _explain_toml(
            lambda n: toml(
                rest="[blocks.f]\nargs = [" + ", ".join(f"'a{i}'" for i in range(n)) + "]\nvalue = 'a0'"
            )
        ),
    ),
    "unknown blocks": (20_000, _explain_toml(lambda n: toml(_lines('s{0} = "blok{0}(x)"', 1)(n)))),
    "ops in ops": (
        200,
        _explain_toml(
            lambda n: toml(
                'y = "o0(x)"',
                rest="\n".join(
                    f"[ops.o{i}]\nargs = ['x']\nvalue = 'o{i + 1}(x)*o{i + 1}(x)'\npartials = {{x = '1'}}"
                    for i in range(n)
                )
                + f"\n[ops.o{n}]\nargs = ['x']\nvalue = 'x'\npartials = {{x = '1'}}",
            )
        ),
    ),
    "ops that nobody calls": (
        2_000,
        _explain_toml(
            lambda n: toml(
                rest="\n".join(
                    f"[ops.o{i}]\nargs = ['x']\nvalue = 'x^2'\npartials = {{x = '2*x'}}" for i in range(n)
                )
            )
        ),
    ),
    "an op of many args": (
        2_000,
        _explain_toml(
            lambda n: toml(
                rest="[ops.f]\nargs = ["
                + ", ".join(f"'a{i}'" for i in range(n))
                + "]\nvalue = 'a0'\npartials = {a0 = '1'}"
            )
        ),
    ),
    "columns of a table": (
        20_000,
        _explain_toml(
            lambda n: toml(
                rest="[tables.t]\ncolumns = [" + ", ".join(f"'c{i}'" for i in range(n)) + "]\nrows = [[1]]"
            )
        ),
    ),
    "unknown columns": (
        20_000,
        _explain_toml(
            lambda n: toml(
                inputs="x = 3\nX = {table = 't', columns = ["
                + ", ".join(f"'cc{i}'" for i in range(n))
                + "]}",
                rest="[tables.t]\ncolumns = ['a', 'b']\nrows = [[1, 2]]",
            )
        ),
    ),
    "a table of ragged rows": (
        50_000,
        _explain_toml(lambda n: toml(rest="[tables.t]\ncolumns = ['a']\nrows = [" + "[1, 2], " * n + "]")),
    ),
    "a table of texts": (
        50_000,
        _explain_toml(lambda n: toml(rest="[tables.t]\ncolumns = ['a']\nrows = [" + "['b'], " * n + "]")),
    ),
    "numbers and an unknown name": (
        8_000_000,
        _explain_toml(lambda n: toml('y = "sum(xs)"', f"x = [{_numbers(n)}]")),
    ),
    "numbers": (
        8_000_000,
        lambda n: (
            [
                "convert",
                file("a.toml", toml('y = "sum(x)"', f"x = [{_numbers(n)}]")),
                "--to",
                "json",
                "-o",
                "b.json",
            ],
            "",
        ),
    ),
    "numbers, explained": (2_000_000, _explain_toml(lambda n: toml('y = "sum(x)"', f"x = [{_numbers(n)}]"))),
    "numbers in JSON": (
        8_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": [0.5] * (n // 5)}, "graph": {"y": "sum(xs)"}}),
    ),
    "rows in JSON": (
        8_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": [[0.5]] * (n // 7)}, "graph": {"y": "sum(xs)"}}),
    ),
    "texts among numbers": (
        1_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": ["a"] * (n // 5)}, "graph": {"y": "x"}}),
    ),
    "a list of one text": (
        1_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": ["a" * n]}, "graph": {"y": "x"}}),
    ),
    "nothing among numbers": (
        1_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": [None] * (n // 5)}, "graph": {"y": "x"}}),
    ),
    "empty lists": (
        1_000_000,
        _explain_json(lambda n: {"bpx": 1, "inputs": {"x": [[]] * (n // 4)}, "graph": {"y": "x"}}),
    ),
    "infinite numbers": (1_000_000, _explain_toml(lambda n: toml(inputs="x = [" + "inf, " * (n // 5) + "]"))),
    "huge whole numbers": (
        1_000_000,
        _explain_toml(lambda n: toml(inputs="x = [" + ("9" * 400 + ", ") * (n // 402) + "]")),
    ),
    "keys of JSON": (100_000, _explain_json(lambda n: {"bpx": 1, **{f"k{i}": 1 for i in range(n)}})),
    "a key of JSON again and again": (
        100_000,
        _explain_json(lambda n: '{"bpx": 1' + ', "graph": {}' * n + "}"),
    ),
    "keys of JSON again and again": (
        100_000,
        _explain_json(lambda n: '{"bpx": 1' + "".join(f', "k{i % (n // 2)}": 1' for i in range(n)) + "}"),
    ),
    "errors in one line of JSON": (
        4_000,
        _explain_json(
            lambda n: {"bpx": 1, "inputs": {"x": 3}, "graph": {f"s{i}": "x + * 2" for i in range(n)}}
        ),
    ),
    "halves of characters": (
        _OPENED,
        _explain_json(
            lambda n: '{"bpx": 1, "title": "' + "\\ud83d\\ude00" * (n // 12) + '", "graph": {"y": "1"}}'
        ),
    ),
    "escapes in a step": (
        _OPENED,
        _explain_json(
            lambda n: '{"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x' + "\\u0020" * (n // 6) + '"}}'
        ),
    ),
    "a title of 30 MB": (30_000_000, _explain_toml(lambda n: toml(top=f'title = "{"a" * n}"'))),
    "a title of signs": (10_000_000, _explain_toml(lambda n: toml(top=f'title = "{"é🙂" * (n // 6)}"'))),
    "a comment": (30_000_000, _explain_toml(lambda n: f"# {'a' * n}\n" + toml())),
    "comments": (30_000_000, _explain_toml(lambda n: "#a\n" * (n // 3) + toml())),
    "one quote": (30_000_000, _explain_toml(lambda n: 'bpx = 1\ntitle = "' + "a" * n)),
    "quotes in threes": (_OPENED, _explain_toml(lambda n: "bpx = 1\ntitle = " + '"' * n)),
    "backslashes": (_OPENED, _explain_toml(lambda n: 'bpx = 1\ntitle = "' + "\\" * n)),
    "equals signs in a line": (_OPENED, _explain_toml(lambda n: "bpx = 1\n[graph]\n" + "a =" * (n // 3))),
    "blanks before an error": (_OPENED, _explain_toml(lambda n: "bpx = 1\n[graph]\na" + " " * n + "b = 1")),
    "headers before an error": (
        _OPENED,
        _explain_toml(lambda n: "bpx = 1\n" + "\n".join(f"[a{i}]" for i in range(n // 8)) + "\nb c = 1"),
    ),
    "carriage returns": (_OPENED, _explain_toml(lambda n: "\r" * n)),
    "zero bytes": (_OPENED, _explain_toml(lambda n: "\0" * n)),
    "brackets of a header": (_OPENED, _explain_toml(lambda n: "[" * n)),
    "inline tables": (_OPENED, _explain_toml(lambda n: "bpx = 1\na = " + "{a = " * (n // 5))),
    "lists in lists": (
        _OPENED,
        _explain_toml(lambda n: "bpx = 1\n[inputs]\nx = " + "[" * (n // 2) + "]" * (n // 2)),
    ),
    "drawn: a list as shape": (
        _OPENED,
        _explain_toml(lambda n: toml(inputs="x = {normal = [" + "2, " * (n // 3) + "2], seed = 1}")),
    ),
    "drawn: a list of ones": (
        _OPENED,
        _explain_toml(lambda n: toml(inputs="x = {normal = [" + "1, " * (n // 3) + "1], seed = 1}")),
    ),
    "drawn: a wrong shape": (
        _OPENED,
        _explain_toml(lambda n: toml(inputs="x = {normal = [" + "'a', " * (n // 5) + "], seed = 1}")),
    ),
    "drawn: 67 million, twice": (
        2**26,
        _explain_toml(
            lambda n: toml(
                'y = "sum(x) + sum(z)"', f"x = {{normal = [{n}], seed = 1}}\nz = {{normal = [{n}], seed = 2}}"
            )
        ),
    ),
    "drawn: 50 million, eight times": (
        50_000_000,
        _explain_toml(
            lambda n: toml(
                'y = "x0"',
                "\n".join(f"x{i} = {{uniform = [{n}], low = 0, high = 1, seed = 1}}" for i in range(8)),
            )
        ),
    ),
    "drawn: 1e18": (10**18, _explain_toml(lambda n: toml(inputs=f"x = {{normal = [{n}], seed = 1}}"))),
    "drawn: a product of lengths": (
        2**16,
        _explain_toml(lambda n: toml(inputs=f"x = {{normal = [{n}, {n}, {n}, {n}], seed = 1}}")),
    ),
    "drawn: 10 million, explained": (
        10_000_000,
        _explain_toml(lambda n: toml('y = "sum(x^2)"', f"x = {{normal = [{n}], seed = 1}}")),
    ),
    "a kernel of 1e6": (
        1_000_000,
        _explain_toml(
            lambda n: toml(
                'y = "sum(conv1d(x, k))"',
                f"x = {{normal = [{2 * n}], seed = 1}}\nk = {{normal = [{n}], seed = 2}}",
            )
        ),
    ),
    "a kernel of 1e6, padded": (
        1_000_000,
        _explain_toml(
            lambda n: toml(
                f'y = "sum(conv1d(x, k, padding={n}))"',
                f"x = {{normal = [9], seed = 1}}\nk = {{normal = [{n}], seed = 2}}",
            )
        ),
    ),
    "a window of 1e6": (
        1_000_000,
        _explain_toml(
            lambda n: toml(f'y = "sum(max_pool1d(x, {n}))"', f"x = {{normal = [{2 * n}], seed = 1}}")
        ),
    ),
}

TABLES: dict[str, tuple[int, Callable[[int], Made]]] = {
    "columns of a CSV": (100_000, lambda n: _audit("a.csv", ",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" * n))),
    "a line of a CSV": (10_000_000, lambda n: _audit("a.csv", "x" * n)),
    "commas of a CSV": (10_000_000, lambda n: _audit("a.csv", "," * n)),
    "lines of a CSV": (10_000_000, lambda n: _audit("a.csv", "x,1\n" * (n // 4))),
    "names in a CSV": (20_000, lambda n: _audit("a.csv", _lines("k{0},1", 1)(n))),
    "entries of a CSV": (100_000, lambda n: _audit("a.csv", _lines("x[{0}],1", 1)(n))),
    "entries far out in a CSV": (10**12, lambda n: _audit("a.csv", f"x[{n}],1\n")),
    "quotes of a CSV": (1_000_000, lambda n: _audit("a.csv", '"' * n)),
    "quotes never closed in a CSV": (1_000_000, lambda n: _audit("a.csv", 'x,"' + "a\n" * (n // 2))),
    "names in JSON": (20_000, lambda n: _audit("a.json", json.dumps({f"k{i}": 1 for i in range(n)}))),
    "names like known ones": (5_000, lambda n: _audit("a.json", json.dumps({f"grad_x{i}": 1 for i in range(n)}), toml(inputs=_lines("x{0} = 3", 1)(n) + "\nx = 1"))),
    "brackets in JSON": (1_000_000, lambda n: _audit("a.json", '{"x": ' + "[" * n)),
    "numbers in JSON": (8_000_000, lambda n: _audit("a.json", '{"x": [' + _numbers(n) + "]}")),
    "a lying header": (10**15, lambda n: _audit("a.npy", _zeros(f"({n},)"))),
    "a header of many axes": (60_000, lambda n: _audit("a.npy", _zeros("(" + "1, " * (n // 3) + ")"))),
    "a header of brackets": (60_000, lambda n: _audit("a.npy", _zeros("(" * n))),
    "a zip of zeros": (2**28, lambda n: _audit("a.npz", _npz({"x.npy": _zeros(f"({n // 8},)") + b"\0" * n}))),
    "arrays in a zip": (2_000, lambda n: _audit("a.npz", _npz({f"k{i}.npy": _zeros("()") + b"\0" * 8 for i in range(n)}))),
    "empty arrays in a zip": (2_000, lambda n: _audit("a.npz", _npz({f"k{i}.npy": _zeros("(0,)") for i in range(n)}))),
    "a lying zip of inputs": (10**15, lambda n: (["explain", "x^2", "--inputs", file("a.npz", _npz({"x.npy": _zeros(f"({n},)")}))], "")),
    "a header of safetensors": (2**24, lambda n: _audit("a.safetensors", n.to_bytes(8, "little") + b"{" + b" " * n)),
    "a lying safetensors": (2**60, lambda n: _audit("a.safetensors", n.to_bytes(8, "little") + b"{}")),
    "tensors of safetensors": (20_000, lambda n: _audit("a.safetensors", _safetensors(n))),
    "a model that unpacks": (2**28, lambda n: (["explain", file("a.pt2", _npz({"a/models/model.json": b" " * n}))], "")),
    "a model of brackets": (_OPENED, lambda n: (["explain", file("a.pt2", _npz({"a/models/model.json": b"[" * n}))], "")),
    "a model of nothing": (_OPENED, lambda n: (["explain", file("a.onnx", b"\0" * n)], "")),
    "inputs of a spec": (8_000_000, lambda n: (["explain", "sum(x)", "--inputs", file("a.json", '{"x": [' + _numbers(n) + "]}"), "--json"], "")),
    "a notebook of cells": (2_000, lambda n: (["check", file("a.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": "$L = x^2$"}] * n, "nbformat": 4}))], "")),
    "a sheet of answers": (5_000, lambda n: (["practice", "grade", file("a.toml", "bpx = 1\n[answers]\n" + _lines("k{0} = 1", 1)(n))], "")),
    "code of brackets": (100_000, lambda n: (["explain", file("a.py", "x = " + "(" * n) + ":f"], "")),
    "code of sums": (100_000, lambda n: (["explain", file("a.py", "def f(x):\n    return x" + " + x" * (n // 4) + "\n") + ":f", "x=1"], "")),
    "code of a long loop": (10**9, lambda n: (["explain", file("a.py", f"def f(x):\n    for i in range({n}):\n        x = x * 1.0\n    return x\n") + ":f", "x=1"], "")),
    "code of functions": (5_000, lambda n: (["explain", file("a.py", _lines("def f{0}(x): return x", 1)(n)) + ":g", "x=1"], "")),
}  # fmt: skip


def _safetensors(count: int) -> bytes:
    header = json.dumps(
        {f"k{i}": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} for i in range(count)}
    )
    return len(header).to_bytes(8, "little") + header.encode() + b"\0" * 8


FILES = [Bomb(f"spec: {name}", size, made) for name, (size, made) in SPECS.items()]
FILES += [Bomb(f"file: {name}", size, made) for name, (size, made) in TABLES.items()]
