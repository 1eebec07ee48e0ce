"""`bpx convert --to numpy|torch|jax`: modules that run without bpx and agree with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from rows_of_a_table import every

import bpx
from bpx.cli.input.arguments import spec_argument
from bpx.explain.query.gradient_query import GradientQuery
from bpx.graph.graph import OPS, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.code.helpers import HELPERS, HELPERS_OF
from bpx.spec.writing.code.module import write_module
from bpx.spec.writing.code.rows import ROWS
from bpx.words.diagnostic import Source

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.toml"))
LIBRARIES = ("numpy", "torch", "jax")
EACH = 11  # of the cases of an op, one in so many
OF_OTHERS = 40  # for libraries whose calls take longer


def executed(text: str) -> dict[str, Any]:
    """What a module defines."""
    module: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), module)
    return module


def both_passes(text: str) -> tuple[Any, dict[str, Any]]:
    """The value and the gradients that a module gives at its inputs, for an upstream gradient of ones."""
    module = executed(text)
    library = module.get("np") or module.get("jnp") or module["torch"]
    with np.errstate(all="ignore"):
        output, cache = module["forward"](**module["inputs"]())
        return output, module["backward"](library.ones(tuple(np.shape(output))), cache)


def assert_same(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found, dtype=float), np.asarray(expected)
    assert found.shape == expected.shape
    scale = float(np.max(np.abs(expected), initial=1))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale)


def assert_agrees(spec: NamedGraph, library: str = "numpy") -> str:
    """The module gives the value and the gradients of bpx; its text."""
    text = write_module(spec, library)
    output, gradients = both_passes(text)
    query = GradientQuery(spec, None, None, None)
    assert_same(output, query.values[query.output])
    inputs = [leaf.node for leaf in spec.inputs]
    names = dict(zip(executed(text)["inputs"](), inputs, strict=True))
    for name, gradient in gradients.items():
        assert_same(gradient, query.gradient(names[name]))
    missing = set(query.wrt.values()) - {names[name] for name in gradients}
    assert all(not query.gradient(node).any() for node in missing)  # ids choose, and have no gradient
    return text


def spec_of(name: str, values: list[Any], settings: dict[str, Any]) -> NamedGraph:
    """A graph of one op."""
    graph, op = Graph(), OPS[name]
    arrays = [np.asarray(value, dtype=float) for value in values]
    handles = [graph.input(array.shape) for array in arrays]
    inputs = {f"x{at}": pair for at, pair in enumerate(zip(handles, arrays, strict=True))}
    return bpx.from_graph(graph.add(op, *handles, **settings), inputs)


def rows(step: int) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Every op, at some of its cases."""
    for name in dict.fromkeys(op.name for op in OPS.values()):
        op = OPS[name]
        if op.elementwise:
            points = oracle.points(op, 3)
            yield name, [list(column) for column in zip(*points, strict=True)], {}
        else:
            cases = oracle.cases(name)
            assert cases
            for shapes, settings in cases[::step]:
                yield name, oracle.args_of(name, shapes, seed=1), settings


@every("path", EXAMPLES)
def test_every_example_in_numpy(path: Path) -> None:
    spec = bpx.load(path)
    text = assert_agrees(spec)
    assert text == write_module(spec, "numpy")
    assert max(map(len, text.splitlines())) <= 120


@every("name, values, settings", rows(EACH))
def test_every_op_in_numpy(name: str, values: list[Any], settings: dict[str, Any]) -> None:
    assert_agrees(spec_of(name, values, settings))


@every("name, values, settings", rows(OF_OTHERS))
def test_every_op_in_torch(name: str, values: list[Any], settings: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    assert_agrees(spec_of(name, values, settings), "torch")


@every("name, values, settings", rows(OF_OTHERS))
def test_every_op_in_jax(name: str, values: list[Any], settings: dict[str, Any]) -> None:
    pytest.importorskip("jax")
    assert_agrees(spec_of(name, values, settings), "jax")


@every("library", LIBRARIES)
def test_a_module_imports_its_library_alone(library: str) -> None:
    imports = {"numpy": {"numpy"}, "torch": {"torch"}, "jax": {"jax", "jax.numpy"}}[library]
    for name in ("xor", "conv2d_4x4", "softmax_cross_entropy"):
        tree = ast.parse(write_module(bpx.load(name), library))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        assert {alias.name for node in nodes for alias in node.names} - {"math", "itertools"} == imports
        assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


@every("library", LIBRARIES)
def test_the_check_of_a_module(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(library)
    executed(write_module(bpx.load("logistic_regression"), library))["check"]()
    printed = capsys.readouterr().out
    assert "0.1393867582829" in printed
    errors = [
        float(line.split("within ")[1].split(" of ")[0]) for line in printed.splitlines() if "within" in line
    ]
    assert len(errors) == 3 and max(errors) < 1e-9


@every("name", ["mazur_network", "two_paths", "conv2d_4x4"])
def test_modules_can_be_checked_and_converted_again(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(write_module(bpx.load(name), "numpy"), encoding="utf-8")
    report = bpx.gradcheck(f"{file}:forward,backward")
    assert report.verdict == "agree" and "not-traced" not in [note.code for note in report.notes]
    again = spec_argument(f"{file}:forward", [])
    first, second = (GradientQuery(spec, None, None, None) for spec in (bpx.load(name), again))
    assert_same(second.values[second.output], first.values[first.output])


def test_each_line_reads_like_the_textbook() -> None:
    text = write_module(bpx.load("logistic_regression"), "numpy")
    backward = text[text.index("def backward") : text.index("def differences")]
    for line in (
        "da = -(dv8 * v4 / v5)  # ∂L/∂a, through 1 - a",
        "da = da + dv8 * y / a  # adds the contribution through log(a)",
        "dz = da * (a * v5)  # ∂L/∂z",
        "dw = dz * x  # ∂L/∂w",
    ):
        assert line in backward


HOSTILE = (
    '''bpx = 1
title = """a "quoted" title \\\\ with '''
    + "'''"
    + '''
\\u001b[1m and a second line: import os"""
output = "σ"

[inputs]
lambda = 2.0
x_ = 1.5
np = 0.5
"損失" = 3.0
forward = 1.25
sum = 0.75
"h.x" = 2.5
h_x = 1.5
"ﬁ" = 1.0

[graph]
cache = "lambda * x_ + np"
"σ" = "sigmoid(cache * forward) + sum * 損失 * h.x + h_x * ﬁ"
'''
)


def test_names_and_titles_are_only_text() -> None:
    spec = read_spec(Source("hostile.toml", HOSTILE), "toml")
    text = assert_agrees(spec)
    tree = ast.parse(text)
    names = [node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)]
    assert names == ["numpy"] and "\x1b" not in text
    (forward,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "forward"]
    args = [arg.arg for arg in forward.args.args]
    assert args == ["lambda_", "x_", "np_", "損失", "forward_", "sum_", "h_x", "h_x_", "fi"]


CLASHES = """bpx = 1
[inputs]
x = [[1.0, 2.0], [3.0, 5.0]]
g = [1.0, 2.0]
layer_norm_ = [[1.0, 2.0], [3.0, 5.0], [2.0, 2.5]]
outer_ = 0.5
[graph]
layer_norm = "sum(layer_norm(x, g, g) * x) + sum(layer_norm(layer_norm_, g, g) * layer_norm_)"
L = "layer_norm + my(outer_, 2 * outer_) + t(outer_)"
[ops.my]
args = ["g", "inner"]
value = "inner(inner) * inner(g) * t(g)"
partials = { g = "inner(inner) * 4 * g^3", inner = "2 * inner * inner(g) * t(g)" }
[ops.inner]
args = ["np"]
value = "np^2"
partials = { np = "2 * np" }
[ops.t]
args = ["forward"]
value = "sin(forward)/sin(forward)*forward^2"
partials = { forward = "2 * forward" }
"""


@every("library", LIBRARIES)
def test_no_variable_hides_a_function(library: str) -> None:
    pytest.importorskip(library)
    assert_agrees(read_spec(Source("clashes.toml", CLASHES), "toml"), library)


def test_numbers_that_are_written_in_another_way() -> None:
    for text, values in {
        "2^x + x^-2 + (-2)^2 - -x": {"x": 1.5},
        "e^x * pi - exp(1) / log(2)": {"x": 0.5},
        "(x > 0) + (x < 2) - (x == 1.5)": {"x": 1.5},
        "-(x > 0) * (x >= 1) * x": {"x": 1.5},
        "where(x - 1, x, 2)": {"x": 1.5},
        "x": {"x": 3.0},
        "0 * x + 3": {"x": 3.0},
        "sqrt(x) * (x > 1)": {"x": 0.0},
        "where(x > 0, sqrt(x), x)": {"x": 0.0},
        "[1, 2, 3] @ x + sum([[1, 2], [3, 4]])": {"x": [1.0, 2.0, 3.0]},
        "sum(x[::-2] * x[1:])": {"x": [1.0, 2.0, 4.0]},
        "a - (b - (c - a)) / (b / c) ^ (a * b)": {"a": 1.5, "b": 2.0, "c": 3.0},
    }.items():
        for library in LIBRARIES:
            try:
                __import__(library)
            except ImportError:
                continue
            assert_agrees(bpx.parse(text, **values), library)


def test_every_row_and_helper_is_used() -> None:
    known = {op.name for op in OPS.values()}
    assert known >= ROWS.keys()
    without = {name for name in known - ROWS.keys() if OPS[name].expands is None}
    assert not without  # an op without a row is a function of the module
    texts = " ".join(write_module(spec_of(*row), "numpy") for row in rows(OF_OTHERS))
    assert not [name for name in HELPERS if f"def {name}(" not in texts and name != "times"]
    assert HELPERS_OF["torch"].keys() <= {*HELPERS, "cbrt"}


def test_steps_at_a_kink_are_named_and_no_helper_stands_idle() -> None:
    module = write_module(bpx.load("relu_at_kink"), "numpy")
    assert [line for line in module.splitlines() if "print('  " in line] == [
        f"    print('  {step}')" for step in ("r = relu(u)", "a = abs(v)", "m = max(p, q)")
    ]
    assert "def elu" not in module
    assert "kink" not in write_module(bpx.load("sigmoid"), "numpy")


def test_a_step_is_at_a_kink_whatever_the_reverse_pass_holds(tmp_path: Path) -> None:
    # The guard of mod makes nodes of its own, which must not be taken for those of the reverse pass.
    spec = tmp_path / "spec.toml"
    inputs = "bpx = 1\n[inputs]\nx = [4.5, 4.0, 1.0]\ny = 2\na = [[1, 2], [3, 4]]\n"
    spec.write_text(f'{inputs}[graph]\nr = "mod(x, y)"\nL = "sum(r) + sum(a * tanh(a))"\n')
    assert "print('  r = mod(x, y)')" in write_module(bpx.load(spec), "numpy")
