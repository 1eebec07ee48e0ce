"""The table of `bpx help limits` has the numbers of the code, and each limit is enforced."""

from __future__ import annotations

import math
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from invoking import RUNNER
from pages import DOCS

from bpx.check.numeric.tolerances import (
    MOST_CALLS,
    MOST_EXACT_OPERATIONS,
    MOST_JOBS,
    MOST_POINTS,
    MOST_QUICK_NODES,
    MOST_QUICK_OPERATIONS,
    MOST_WRONG_CLAIMS,
)
from bpx.check.report.results import MOST_ENTRIES
from bpx.cli.main import app
from bpx.explain.measures.sensitivity import MOST_ENTRIES as MOST_CHANGED
from bpx.explain.measures.sensitivity import MOST_SHOWN as MOST_CHANGES_SHOWN
from bpx.explain.picture.picture import MOST_IN_CIRCUIT
from bpx.explain.sections.higher import HIGHEST
from bpx.explain.sections.higher import LARGEST as MOST_OF_AN_ORDER
from bpx.explain.sections.higher import MOST_NODES as MOST_HIGHER_NODES
from bpx.explain.sections.second import LARGEST_HESSIAN
from bpx.explain.short.short_forms import MOST_SHORT
from bpx.graph.arrays import LARGEST_DRAWN, LARGEST_GRAPH, LARGEST_NODE, MOST_AXES
from bpx.graph.named.draw import MOST_DRAWN
from bpx.graph.named.recipe import LARGEST_SEED
from bpx.graph.numbers import LARGEST_SHOWN, MOST_DIGITS
from bpx.ops.values.gamma import MOST_DERIVATIVES_OF_FLOATS as MOST_OF_GAMMA
from bpx.ops.values.sinc import MOST_DERIVATIVES_OF_FLOATS as MOST_OF_SINC
from bpx.passes.paths import MOST_SHOWN
from bpx.render.blocks import MOST_ROWS
from bpx.render.picture.layout import MOST_CARDS, MOST_PASSED
from bpx.render.picture.raster import MOST_PIXELS
from bpx.render.picture.tikz import MOST_PIXELS as MOST_OF_TIKZ
from bpx.spec.code.gradients import MOST_RESULTS
from bpx.spec.code.inputs import LARGEST_FILE
from bpx.spec.code.lines.line_blame import MOST_RUNS
from bpx.spec.derivations.check import MOST_FORMULAS
from bpx.spec.models.archive import LARGEST_JSON, LARGEST_MODEL, MOST_MEMBERS, MOST_VALUES
from bpx.spec.models.model import MOST_NODES as MOST_OPERATIONS
from bpx.spec.models.onnx_file import MOST_FIELDS
from bpx.spec.models.rows.aten_layers import MOST_STEPS as MOST_RECURRENT
from bpx.spec.notations.latex.source import MOST_NESTED as MOST_GROUPS
from bpx.spec.notations.python.read import LONGEST as LONGEST_PYTHON
from bpx.spec.notations.python.read import MOST_NESTED as MOST_IN_PYTHON
from bpx.spec.notations.read import LONGEST_TRANSLATED
from bpx.spec.notations.translation.grammar import LONGEST_TRIED
from bpx.spec.notations.translation.grammar import MOST_NESTED as MOST_IN_TEXTBOOKS
from bpx.spec.practice.code.in_a_process import LARGEST_OUTPUT, MOST_PRINTED, SECONDS
from bpx.spec.practice.exercise import MOST_DIGITS as MOST_ANSWERED
from bpx.spec.practice.practice import MOST_BLANKS, MOST_PLANTED
from bpx.spec.reading.blocks import LARGEST
from bpx.spec.reading.custom import LARGEST as MOST_IN_OPS
from bpx.spec.reading.documents.locate import MOST_DEPTH, MOST_PARTS
from bpx.spec.reading.target import LARGEST_SPEC, LONGEST_PATH
from bpx.spec.tables.claims import MOST_PARTS as MOST_RUNS_OF_ENTRIES
from bpx.spec.tables.csv_table import MOST_COLUMNS
from bpx.spec.tables.safetensors import LARGEST_HEADER
from bpx.spec.tables.table import LARGEST_TABLE, MOST_ARRAYS, MOST_CELLS
from bpx.spec.text.build import MOST_GRADIENTS
from bpx.spec.text.cursor import MOST_PROBLEMS as MOST_IN_A_FORMULA
from bpx.spec.text.parser import LONGEST_FORMULA, MOST_SIGNS
from bpx.spec.text.problems import MOST_READ
from bpx.spec.text.tokens import MOST_DOTS
from bpx.spec.trace.tape import MOST_NODES as MOST_TRACED
from bpx.train.settings import MOST_STEPS
from bpx.train.sweep.axes import MOST_POINTS as MOST_SWEPT
from bpx.train.sweep.result import MOST_ROWS as MOST_SWEPT_ROWS
from bpx.words.diagnostic import MOST_PROBLEMS
from bpx.words.say import LONGEST_FACT

CODE = Path(__file__).parents[2] / "examples/code/two_layer_net.py"
SQUARE = ["x^2", "x=3"]


def _spec(text: str, *options: str) -> Callable[[], list[str]]:
    def made() -> list[str]:
        Path("a.toml").write_text(f"bpx = 1\n{text}")
        return ["explain", "a.toml", *options]

    return made


def _csv(text: str) -> Callable[[], list[str]]:
    def made() -> list[str]:
        Path("a.csv").write_text(text)
        return ["audit", "logistic_regression", "a.csv"]

    return made


def _safetensors(header: str, length: int | None = None) -> Callable[[], list[str]]:
    """A table of this header, of so many bytes."""

    def made() -> list[str]:
        size = len(header) if length is None else length
        Path("a.safetensors").write_bytes(size.to_bytes(8, "little") + header.ljust(size).encode())
        return ["audit", "logistic_regression", "a.safetensors"]

    return made


def _drawn(shape: str, y: str = "1", seed: int = 1) -> Callable[[], list[str]]:
    return _spec(f'[graph]\ny = "{y}"\n[inputs]\nx = {{ normal = [{shape}], seed = {seed} }}')


_TWO_DRAWN = "\n".join(f"{name} = {{ normal = [{LARGEST_DRAWN // 2 + 1}], seed = 1 }}" for name in "xz")


def _sparse(name: str, size: int, *args: str) -> Callable[[], list[str]]:
    """A file of so many bytes that takes no room on the disk."""

    def made() -> list[str]:
        with Path(name).open("wb") as file:
            file.truncate(size)
        return [*args, name]

    return made


_DOUBLINGS = "\n".join(f"[blocks.b{i}]\nargs = ['x']\nvalue = 'b{i + 1}(x) + b{i + 1}(x)'" for i in range(20))
_BLOCKS = f"[graph]\ny = 'b0(1)'\n{_DOUBLINGS}\n[blocks.b20]\nargs = ['x']\nvalue = 'x'\n"

_NESTED = "\n".join(f"[blocks.b{i}]\nargs = ['x']\nvalue = 'b{i + 1}(x) + 1'" for i in range(MOST_DOTS + 2))
_DEEP = f"[graph]\ny = 'b0(1)'\n{_NESTED}\n[blocks.b{MOST_DOTS + 2}]\nargs = ['x']\nvalue = 'x'\n"
_UNREADABLE = "\n".join(f's{i} = "x +"' for i in range(MOST_READ + 2))
_MANY = [f"x{i}" for i in range(12)]


def _args(*args: str) -> Callable[[], list[str]]:
    return lambda: list(args)


_OPS = "[graph]\ny = 'o0(1)'\n" + "\n".join(
    f"[ops.o{i}]\nargs = ['x']\nvalue = '{value}'\npartials = {{x = '1'}}"
    for i, value in enumerate([*(f"o{i}(x)*o{i}(x)" for i in range(1, 21)), "x"])
)


def _scattered() -> list[str]:
    text = "name,value\n" + "\n".join(f"x[{2 * i}],1" for i in range(MOST_RUNS_OF_ENTRIES + 1))
    Path("a.csv").write_text(text)
    Path("a.toml").write_text("bpx = 1\n[graph]\ny = 'sum(x)'\n[inputs]\nx = { normal = [1000], seed = 1 }")
    return ["audit", "a.toml", "a.csv"]


def _program(text: str, times: int) -> Callable[[], list[str]]:
    """A model whose program is a text again and again."""

    def made() -> list[str]:
        with zipfile.ZipFile("a.pt2", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.writestr("a/models/model.json", text * times)
        return ["explain", "a.pt2"]

    return made


def _practice(option: str) -> Callable[[], list[str]]:
    return _args("practice", *SQUARE, option)


def _chain(length: int) -> str:
    return "[inputs]\ns0 = 1\n[graph]\n" + "\n".join(f"s{i + 1} = 's{i}*2'" for i in range(length))


def _passing(length: int) -> str:
    """A chain with lines from its start to each of its steps."""
    steps = [f"s{i + 1} = 's{i}*s0'" for i in range(length)]
    return "[inputs]\ns0 = 1\n[graph]\n" + "\n".join(steps)


def _draw(text: str) -> Callable[[], list[str]]:
    def made() -> list[str]:
        Path("a.toml").write_text(f"bpx = 1\n{text}")
        return ["draw", "a.toml", "-o", "a.svg"]

    return made


# What the row is about → the constant, the code of the refusal, and a command line that is beyond it.
# No command line: to reach it takes seconds, so the refusal is tested where the limit can be lowered.
LIMITS: dict[str, tuple[int, str, Callable[[], list[str]] | None]] = {
    "a spec, standard input": (LARGEST_SPEC, "too-big", _sparse("a.toml", LARGEST_SPEC + 1, "explain")),
    "the name of a file": (LONGEST_PATH, "missing-file", None),
    "a table of gradients": (
        LARGEST_TABLE,
        "too-big",
        _sparse("a.csv", LARGEST_TABLE + 1, "audit", "logistic_regression"),
    ),
    "cells of a CSV": (MOST_CELLS, "table-cells", None),
    "names in the first line": (MOST_COLUMNS, "table-columns", _csv("a," * (MOST_COLUMNS + 1))),
    "separate runs": (MOST_RUNS_OF_ENTRIES, "table-scattered", _scattered),
    "arrays of a": (
        MOST_ARRAYS,
        "table-too-many",
        _safetensors("{" + ",".join(f'"k{i}":1' for i in range(MOST_ARRAYS + 1)) + "}"),
    ),
    "the header of a": (LARGEST_HEADER, "table-broken", _safetensors("", LARGEST_HEADER + 1)),
    "a file of inputs": (
        LARGEST_FILE,
        "too-big",
        _sparse("a.npy", LARGEST_FILE + 1, "gradcheck", f"{CODE}:forward,backward", "--inputs"),
    ),
    "a model": (LARGEST_MODEL, "too-big", _sparse("a.pt2", LARGEST_MODEL + 1, "explain")),
    "members of": (MOST_MEMBERS, "model-members", None),
    "the program of": (LARGEST_JSON, "too-big", _program(" ", LARGEST_JSON + 1)),
    "values of that program": (MOST_VALUES, "model-values", _program(",", MOST_VALUES + 1)),
    "fields of an ONNX": (MOST_FIELDS, "model-fields", None),
    "steps of a recurrent": (MOST_RECURRENT, "model-steps", None),
    "operations of a model": (MOST_OPERATIONS, "model-too-long", None),
    "operations of a traced function": (MOST_TRACED, "trace-too-long", None),
    "numbers and arrays that": (MOST_RESULTS, "too-many-results", None),
    "keys of a spec": (
        MOST_PARTS,
        "too-many-parts",
        _spec(f"[inputs]\nx = [{'0x1, ' * (MOST_PARTS + 2)}]"),
    ),
    "keys inside one another": (MOST_DEPTH, "too-deep", _spec("a." * MOST_DEPTH + "a = 1")),
    "digits of an integer": (
        sys.get_int_max_str_digits(),
        "number-too-long",
        _spec(f"[inputs]\nx = {'9' * (sys.get_int_max_str_digits() + 1)}"),
    ),
    "one formula": (
        LONGEST_FORMULA,
        "formula-too-long",
        _spec(f"[graph]\ny = '{'1' * (LONGEST_FORMULA + 1)}'"),
    ),
    "one formula in LaTeX": (
        LONGEST_TRANSLATED,
        "formula-too-long",
        _args("explain", "x+" * (LONGEST_TRANSLATED // 2) + "x", "x=1", "--notation=latex"),
    ),
    "operators and brackets": (
        MOST_SIGNS,
        "too-many-signs",
        _spec(f"[inputs]\nx = 1\n[graph]\ny = '{'-' * (MOST_SIGNS + 1)}x'"),
    ),
    "a formula in the notation": (
        LONGEST_PYTHON,
        "unknown-op",
        _args("explain", f"np.sin({'x + ' * (LONGEST_PYTHON // 4)}x)", "x=1"),
    ),
    "brackets inside one another in the notation": (
        MOST_IN_PYTHON,
        "unknown-op",
        _args("explain", f"np.sin({'-(' * MOST_IN_PYTHON}x{')' * MOST_IN_PYTHON})", "x=1"),
    ),
    "groups inside": (
        MOST_GROUPS,
        "unreadable-formula",
        _args("explain", f"\\sin {'{' * (MOST_GROUPS + 1)}x{'}' * (MOST_GROUPS + 1)}", "x=1"),
    ),
    "marks of a formula": (
        LONGEST_TRIED,
        "unreadable-formula",
        _args("explain", "\\sin x" + " + x" * LONGEST_TRIED, "x=1"),
    ),
    "brackets inside one another in these": (
        MOST_IN_TEXTBOOKS,
        "unreadable-formula",
        _args("explain", f"\\sin {'(' * (MOST_IN_TEXTBOOKS + 1)}x{')' * (MOST_IN_TEXTBOOKS + 1)}", "x=1"),
    ),
    "calls of `grad`": (
        MOST_GRADIENTS,
        "too-many-gradients",
        _spec(f"[inputs]\nx = 1\n[graph]\ny = '{'+'.join(['grad(x, x)'] * (MOST_GRADIENTS + 1))}'"),
    ),
    "problems of one formula": (MOST_IN_A_FORMULA, "more-problems", None),
    "problems of a spec": (MOST_READ, "more-problems", _spec(f"[inputs]\nx = 1\n[graph]\n{_UNREADABLE}")),
    "problems shown": (
        MOST_PROBLEMS,
        "more-problems",
        _spec("\n".join(f"k{i} = 1" for i in range(MOST_PROBLEMS + 2)) + "\n[graph]\ny = '1'"),
    ),
    "formulas behind": (MOST_FORMULAS, "too-many-formulas", None),
    "blocks of a spec": (LARGEST, "blocks-too-large", _spec(_BLOCKS)),
    "blocks inside": (MOST_DOTS, "blocks-too-deep", _spec(_DEEP)),
    "nodes of the ops": (MOST_IN_OPS, "op-too-large", _spec(_OPS)),
    "`seed`": (LARGEST_SEED, "seed-out-of-range", _drawn("2", seed=LARGEST_SEED + 1)),
    "numbers that `--random`": (
        MOST_DRAWN,
        "too-many-drawn",
        _args("explain", "sum(x)", f"--random=x:({MOST_DRAWN + 1},)"),
    ),
    "axes of an array": (MOST_AXES, "input-too-large", _drawn("1, " * (MOST_AXES + 1))),
    "elements of a node": (LARGEST_NODE, "input-too-large", _drawn(str(LARGEST_NODE + 1))),
    "elements that the inputs": (
        LARGEST_DRAWN,
        "input-too-large",
        _spec(f"[inputs]\n{_TWO_DRAWN}\n[graph]\ny = 'sum(x) + sum(z)'"),
    ),
    "elements of all nodes": (
        LARGEST_GRAPH,
        "too-large",
        _drawn(str(math.isqrt(LARGEST_NODE)), "sum(outer(x, x) + 1)"),
    ),
    "`n` of `polygamma": (
        MOST_OF_GAMMA,
        "bad-derivative-order",
        _args("explain", f"polygamma({MOST_OF_GAMMA + 1}, x)", "x=3"),
    ),
    "`n` of `sinc": (
        MOST_OF_SINC,
        "bad-derivative-order",
        _args("explain", f"sinc_derivative({MOST_OF_SINC + 1}, x)", "x=3"),
    ),
    "`--second`": (
        LARGEST_HESSIAN,
        "too-many-second",
        _args("explain", "sum(x^2)", f"--random=x:({LARGEST_HESSIAN + 1},)", "--second"),
    ),
    "`--short`": (
        MOST_SHORT,
        "too-many-short",
        _spec(
            "[inputs]\ns0 = 1\n[graph]\n" + "\n".join(f"s{i + 1} = 's{i}*2'" for i in range(MOST_SHORT)),
            "--short",
        ),
    ),
    "`--order`": (HIGHEST, "bad-highest-order", _args("explain", *SQUARE, f"--order={HIGHEST + 1}")),
    "derivatives of one order": (
        MOST_OF_AN_ORDER,
        "too-many-higher",
        _args("explain", "*".join(_MANY), *(f"{name}=1" for name in _MANY), "--order=3"),
    ),
    "nodes of the graph": (MOST_HIGHER_NODES, "higher-too-large", None),
    "`--sensitivity`": (
        MOST_CHANGED,
        "too-many-changes",
        _args("explain", "sum(x)", f"--random=x:({MOST_CHANGED + 1},)", "--sensitivity"),
    ),
    "`--digits`": (MOST_DIGITS, "bad-option-value", _args("explain", *SQUARE, f"--digits={MOST_DIGITS + 1}")),
    "`--points`": (MOST_POINTS, "bad-points", _args("gradcheck", *SQUARE, f"--points={MOST_POINTS + 1}")),
    "`--jobs`": (MOST_JOBS, "bad-jobs", _args("gradcheck", *SQUARE, f"--jobs={MOST_JOBS + 1}")),
    "`--steps`": (MOST_STEPS, "bad-steps", _args("train", *SQUARE, "--wrt=x", f"--steps={MOST_STEPS + 1}")),
    "points of a sweep": (
        MOST_SWEPT,
        "too-many-points",
        _args("sweep", *SQUARE, f"--over=x=0..1:{MOST_SWEPT + 1}"),
    ),
    "`--blanks`": (MOST_BLANKS, "bad-practice-option", _practice(f"--blanks={MOST_BLANKS + 1}")),
    "`--plant`": (MOST_PLANTED, "bad-practice-option", _practice(f"--plant={MOST_PLANTED + 1}")),
    "`--digits` of `practice`": (
        MOST_ANSWERED,
        "bad-option-value",
        _practice(f"--digits={MOST_ANSWERED + 1}"),
    ),
    "CPU time": (SECONDS, "sheet-endless", None),
    "bytes that such": (LARGEST_OUTPUT, "sheet-died", None),
    "cards of": (
        MOST_IN_CIRCUIT,
        "circuit-too-large",
        _args("draw", "+".join(f"x^{i + 2}" for i in range(30)), "x=1", "--style=circuit", "-o", "a.svg"),
    ),
    "cards of a picture": (MOST_CARDS, "picture-too-many", _draw(_chain(MOST_CARDS + 1))),
    "columns of cards": (MOST_PASSED, "picture-long-lines", _draw(_passing(200))),
    "pixels of a side of a PNG": (MOST_PIXELS, "picture-too-large", None),
    "pixels of a side of a TikZ": (MOST_OF_TIKZ, "picture-too-large", None),
}
# What is cut and not refused: the numbers of the table alone; who cuts tests it.
CUT = {
    "nodes of a graph that": MOST_QUICK_NODES,
    "operations of it": MOST_QUICK_OPERATIONS,
    "operations on numbers": MOST_EXACT_OPERATIONS,
    "calls of a function": MOST_CALLS,
    "runs of a backward": MOST_RUNS,
    "paths": MOST_SHOWN,
    "entries in a report": MOST_ENTRIES,
    "wrong claims": MOST_WRONG_CLAIMS,
    "rows of a table": MOST_ROWS,
    "rows of a table of a sweep": MOST_SWEPT_ROWS,
    "entries shown": MOST_CHANGES_SHOWN,
    "elements of an array": LARGEST_SHOWN,
    "a text": LONGEST_FACT,
    "what a sheet": MOST_PRINTED,
}
ROWS = re.findall(r"^\| (.+?) \| ([\d,]+) \| .+ \|$", (DOCS / "limits.md").read_text("utf-8"), re.MULTILINE)


def test_each_row_has_a_limit() -> None:
    keys = [*LIMITS, *CUT]
    longest_first = sorted(keys, key=len, reverse=True)
    assert [next((key for key in longest_first if row.startswith(key)), row) for row, _ in ROWS] == keys
    stated = dict(zip(keys, (int(number.replace(",", "")) for _, number in ROWS), strict=True))
    assert stated == {key: most for key, (most, _, _) in LIMITS.items()} | CUT


@pytest.mark.parametrize("key", [key for key, (_, _, beyond) in LIMITS.items() if beyond])
def test_limit(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, code, beyond = LIMITS[key]
    assert beyond
    args = beyond()
    result = RUNNER.invoke(app, args if args[0] == "draw" else [*args, "--json"])
    assert result.exit_code == 2
    assert code in result.output
