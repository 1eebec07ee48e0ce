"""Hostile specs in files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from benchmarks.bomb_kinds import Bomb, Made, file, toml

from bpx.graph.arrays import LARGEST_DRAWN


def lines(piece: str, length: int) -> Callable[[int], str]:
    """Lines with their number put in, about `length` characters each."""
    return lambda size: "\n".join(piece.format(i) for i in range(max(size // length, 1)))


def _explain_toml(text: Callable[[int], str]) -> Callable[[int], Made]:
    return lambda size: (["explain", file("a.toml", text(size)), "--json"], "")


def _drawn(size: int) -> str:
    return f"x = {{normal = [{size}], seed = 1}}"


def _explain_json(data: Callable[[int], Any]) -> Callable[[int], Made]:
    def made(size: int) -> Made:
        content = data(size)
        return ["explain", file("a.json", content if isinstance(content, str) else json.dumps(content))], ""

    return made


def numbers(size: int) -> str:
    return ", ".join(["0.5"] * (size // 5))


OPENED = 1_000_000

SPECS: dict[str, tuple[int, Callable[[int], Made]]] = {
    "unknown keys": (20_000, _explain_toml(lambda n: lines("k{0} = 1", 1)(n) + "\n" + toml())),
    "unknown keys like known ones": (
        20_000,
        _explain_toml(lambda n: lines("graph{0} = 1", 1)(n) + "\n" + toml()),
    ),
    "unknown keys of an input": (
        20_000,
        _explain_toml(
            lambda n: toml(inputs="x = {value = 3, " + ", ".join(f"k{i} = 1" for i in range(n)) + "}")
        ),
    ),
    "unknown tables": (20_000, _explain_toml(lambda n: toml(rest=lines("[t{0}]\na = 1", 1)(n)))),
    "a table again and again": (20_000, _explain_toml(lambda n: toml(rest="[graph]\n" * n))),
    "a list of tables": (20_000, _explain_toml(lambda n: toml(rest="[[t]]\n" * n))),
    "deep keys": (OPENED, _explain_toml(lambda n: "a." * (n // 2) + "a = 1")),
    "keys each deeper": (
        2_000,
        _explain_toml(lambda n: "\n".join("a." * i + f"b{i} = 1" for i in range(min(n, 2000)))),
    ),
    "unknown [expect] of inputs": (
        20_000,
        _explain_toml(lambda n: toml(rest="[expect.gradients]\n" + lines("k{0} = 1", 1)(n))),
    ),
    "unknown [expect] values": (
        20_000,
        _explain_toml(lambda n: toml(rest="[expect]\n" + lines("k{0} = 1", 1)(n))),
    ),
    "unknown claims": (20_000, _explain_toml(lambda n: toml(rest="[claims]\n" + lines("k{0} = 1", 1)(n)))),
    "claims of many inputs": (
        2_000,
        lambda n: (
            [
                "gradcheck",
                file(
                    "a.toml",
                    toml(
                        "y = '" + " + ".join(f"x{i}" for i in range(n)) + "'",
                        lines("x{0} = 3", 1)(n),
                        "[claims]\n" + lines("x{0} = 1", 1)(n),
                    ),
                ),
            ],
            "",
        ),
    ),
    "inputs nobody uses": (
        50_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + lines("k{0} = 1", 1)(n))),
    ),
    "inputs of a wrong type": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + lines("k{0} = 'a'", 1)(n))),
    ),
    "inputs without a value": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + lines("k{0} = {{}}", 1)(n))),
    ),
    "names that are none": (
        20_000,
        _explain_toml(lambda n: toml(inputs="x = 3\n" + lines('"k {0}" = 1', 1)(n))),
    ),
    "steps that cannot be read": (20_000, _explain_toml(lambda n: toml(lines('s{0} = "x +"', 1)(n)))),
    "steps of unknown names": (
        20_000,
        _explain_toml(lambda n: toml(lines('s{0} = "abcdefg{0} + x"', 1)(n))),
    ),
    "steps in a cycle": (
        20_000,
        _explain_toml(lambda n: toml("\n".join(f's{i} = "s{(i + 1) % n}"' for i in range(n)))),
    ),
    "steps of ever more names": (
        500_000,  # names: the steps are as many as their root
        _explain_toml(
            lambda n: toml(
                "\n".join(
                    f's{i} = "' + "+".join(["x", *(f"s{j}" for j in range(i))]) + '"'
                    for i in range(math.isqrt(2 * n))
                )
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
    "unknown blocks": (20_000, _explain_toml(lambda n: toml(lines('s{0} = "blok{0}(x)"', 1)(n)))),
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
        _explain_toml(lambda n: toml('y = "sum(xs)"', f"x = [{numbers(n)}]")),
    ),
    "numbers": (
        8_000_000,
        lambda n: (
            [
                "convert",
                file("a.toml", toml('y = "sum(x)"', f"x = [{numbers(n)}]")),
                "--to",
                "json",
                "-o",
                "b.json",
            ],
            "",
        ),
    ),
    "numbers, explained": (2_000_000, _explain_toml(lambda n: toml('y = "sum(x)"', f"x = [{numbers(n)}]"))),
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
        OPENED,
        _explain_json(
            lambda n: '{"bpx": 1, "title": "' + "\\ud83d\\ude00" * (n // 12) + '", "graph": {"y": "1"}}'
        ),
    ),
    "escapes in a step": (
        OPENED,
        _explain_json(
            lambda n: '{"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x' + "\\u0020" * (n // 6) + '"}}'
        ),
    ),
    "a title of 30 MB": (30_000_000, _explain_toml(lambda n: toml(top=f'title = "{"a" * n}"'))),
    "a title of signs": (10_000_000, _explain_toml(lambda n: toml(top=f'title = "{"é🙂" * (n // 6)}"'))),
    "a comment": (30_000_000, _explain_toml(lambda n: f"# {'a' * n}\n" + toml())),
    "comments": (30_000_000, _explain_toml(lambda n: "#a\n" * (n // 3) + toml())),
    "one quote": (30_000_000, _explain_toml(lambda n: 'bpx = 1\ntitle = "' + "a" * n)),
    "quotes in threes": (OPENED, _explain_toml(lambda n: "bpx = 1\ntitle = " + '"' * n)),
    "backslashes": (OPENED, _explain_toml(lambda n: 'bpx = 1\ntitle = "' + "\\" * n)),
    "equals signs in a line": (OPENED, _explain_toml(lambda n: "bpx = 1\n[graph]\n" + "a =" * (n // 3))),
    "blanks before an error": (OPENED, _explain_toml(lambda n: "bpx = 1\n[graph]\na" + " " * n + "b = 1")),
    "headers before an error": (
        OPENED,
        _explain_toml(lambda n: "bpx = 1\n" + "\n".join(f"[a{i}]" for i in range(n // 8)) + "\nb c = 1"),
    ),
    "carriage returns": (OPENED, _explain_toml(lambda n: "\r" * n)),
    "zero bytes": (OPENED, _explain_toml(lambda n: "\0" * n)),
    "brackets of a header": (OPENED, _explain_toml(lambda n: "[" * n)),
    "inline tables": (OPENED, _explain_toml(lambda n: "bpx = 1\na = " + "{a = " * (n // 5))),
    "lists in lists": (
        OPENED,
        _explain_toml(lambda n: "bpx = 1\n[inputs]\nx = " + "[" * (n // 2) + "]" * (n // 2)),
    ),
    "drawn: a list as shape": (
        OPENED,
        _explain_toml(lambda n: toml(inputs="x = {normal = [" + "2, " * (n // 3) + "2], seed = 1}")),
    ),
    "drawn: a list of ones": (
        OPENED,
        _explain_toml(lambda n: toml(inputs="x = {normal = [" + "1, " * (n // 3) + "1], seed = 1}")),
    ),
    "drawn: a wrong shape": (
        OPENED,
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
    "drawn: all that may be, in a graph too large": (
        LARGEST_DRAWN,
        _explain_toml(lambda n: toml('y = "sin(sin(sin(sin(sin(sin(x))))))"', _drawn(n))),
    ),
    "drawn: all that may be, by a name nobody has": (
        LARGEST_DRAWN,
        lambda n: (["explain", file("a.toml", toml('y = "sum(x)"', _drawn(n))), "--wrt", "q"], ""),
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

FILES = [Bomb(f"spec: {name}", size, made) for name, (size, made) in SPECS.items()]
