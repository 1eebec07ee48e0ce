"""What `import bpx` hands out."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rows_of_a_table import every

import bpx
from bpx import ops
from bpx.words.diagnostic import BpxError

TOML = 'bpx = 1\ntitle = "A test"\n[inputs]\nx = 3\n[graph]\ny = "x^2 + 1"\n'


def run(code: str) -> str:
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


# --- names --------------------------------------------------------------------------------------


def test_every_public_name_is_there() -> None:
    assert {name for name in bpx.__all__ if getattr(bpx, name, None) is None} == set()
    assert sorted(bpx.__all__) == bpx.__all__
    assert {
        "load",
        "parse",
        "trace",
        "from_graph",
        "BpxError",
        "Graph",
        "Expr",
        "Spec",
        "Explanation",
        "gradcheck",
        "Report",
    } <= set(bpx.__all__)


def test_names_are_those_of_their_homes() -> None:
    assert bpx.BpxError is BpxError
    assert issubclass(bpx.BpxError, ValueError)
    assert bpx.__version__.count(".") == 2


def test_no_module_is_called_like_a_public_name() -> None:
    """Importing such a module would put it where the public name was."""
    modules = {path.stem for path in Path(bpx.__file__).parent.iterdir()}
    assert modules & set(bpx.__all__) == {"ops"}  # which is the module
    assert run("import bpx; bpx.load('sigmoid'); print(bpx.parse('x^2', x=3).explain().value)") == "9.0"


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        bpx.nosuch  # noqa: B018


def test_importing_bpx_is_cheap() -> None:
    code = "import sys, bpx; print(*(name for name in ('numpy', 'rich', 'typer') if name in sys.modules))"
    assert run(code) == ""


def test_the_names_come_when_asked_for() -> None:
    assert (
        run("import sys, bpx; bpx.Graph; print('numpy' in sys.modules, 'rich' in sys.modules)")
        == "True False"
    )
    assert run("import bpx; print(bpx.parse('x^2', x=3).explain().value)") == "9.0"
    assert run("from bpx import *; print(load('sigmoid').title)") == "The sigmoid as one op"


FIRST = ("graph.graph", "graph.formula", "spec.text.parser", "spec.writing.schema", "passes.reverse")
FIRST += ("explain.ops.op_reference", "explain.explanation", "spec.spec", "cli.main")


@pytest.mark.parametrize("name", ["Spec", "Explanation", "Report", "Training"])
def test_there_is_one_class_of_the_name(name: str) -> None:
    """It is the one that `bpx` has, and no other wraps it."""
    package = Path(bpx.__file__).parent
    texts = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    homes = [path for path, text in texts.items() if re.search(rf"^class {name}\b", text, re.MULTILINE)]
    assert homes == [package.parent.joinpath(*getattr(bpx, name).__module__.split(".")).with_suffix(".py")]


def test_what_is_trained_stays_a_spec() -> None:
    trained = bpx.parse("(w - 1)^2", w=3).train(wrt="w", steps=2)
    assert type(trained.spec) is bpx.Spec
    assert trained.spec.explain().value < 4
    assert repr(trained.spec).startswith("<bpx.Spec out:")


def test_from_any_module_first() -> None:
    """No import order leaves the op table empty."""
    for module in FIRST:
        assert run(f"import bpx.{module}, bpx; print(bpx.parse('exp(x)', x=0).explain().value)") == "1.0"


# --- load ---------------------------------------------------------------------------------------


def test_load_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TOML, encoding="utf-8")
    for target in (path, str(path)):
        spec = bpx.load(target)
        assert isinstance(spec, bpx.Spec)
        assert (spec.title, float(spec.explain().value)) == ("A test", 10)


@pytest.mark.parametrize(
    "text",
    [
        TOML,
        '{"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x^2 + 1"}}',
        ' \n {"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x^2 + 1"}}',
    ],
)
def test_load_a_text(text: str) -> None:
    assert bpx.load(text).explain().value == 10
    assert bpx.load(text, x=1).explain().value == 2


def test_load_an_example() -> None:
    assert bpx.load("sigmoid", x=0).explain().value == 0.5


def test_load_what_is_not_there() -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.load("nosuch.toml")
    assert [one.code for one in caught.value.diagnostics] == ["missing-file"]
    assert str(caught.value).startswith("error[missing-file]")


# --- parse, trace, graphs by hand ---------------------------------------------------------------


def test_parse() -> None:
    account = bpx.parse("(x+y)^2", x=3, y=-1).explain()
    assert (account.value, dict(account.gradients)) == (4, {"x": 4, "y": 4})


@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.array([1, 2]), np.array([1.0, 2.0], dtype=np.float32)])
def test_values_of_many_kinds(value: Any) -> None:
    assert bpx.parse("sum(x^2)", x=value).explain().to_dict()["gradients"] == {"x": [2, 4]}


@every("value", ["a", None, [[1, 2], [3]], math.nan, math.inf, [], object(), 1j])
def test_values_that_are_no_numbers(value: Any) -> None:
    with pytest.raises(bpx.BpxError):
        bpx.parse("x^2", x=value)


def test_parse_what_is_wrong() -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x + nosuch(2)", x=1, z=2)
    assert {one.code for one in caught.value.diagnostics} == {"unknown-op", "not-an-input"}


def test_values_do_not_share_memory_with_the_caller() -> None:
    x = np.array([1.0, 2.0])
    spec = bpx.parse("sum(x^2)", x=x)
    x[:] = 100
    assert spec.explain().value == 5


def test_trace_a_function() -> None:
    spec = bpx.trace(lambda x, w: ops.sigmoid(w @ x) * 2 + x @ x, x=[1.0, 2.0], w=[0.5, -0.25])
    account = spec.explain()
    assert account.value == 6
    np.testing.assert_allclose(account.gradients["w"], [0.5, 1.0])


def test_trace_reads_as_typed() -> None:
    typed = bpx.parse("tanh(x * y) / 2 + x", x=1, y=2).explain()
    traced = bpx.trace(lambda x, y: ops.tanh(x * y) / 2 + x, x=1, y=2).explain()
    assert [row.formula for row in traced.nodes] == [row.formula for row in typed.nodes]
    assert traced.to_dict()["gradients"] == typed.to_dict()["gradients"]


@pytest.mark.parametrize("function", [lambda x: x, lambda x: x * 0 + 3])
def test_trace_what_is_hardly_a_function(function: Any) -> None:
    account = bpx.trace(function, x=2.0).explain()
    assert account.names[account.output] == "out"
    assert np.isfinite(account.gradients["x"])


def test_a_graph_by_hand() -> None:
    graph = bpx.Graph()
    x, y = graph.input(), graph.input((2,))
    out = ops.sum(ops.exp(x * 0) * y) - 2**x + abs(-x) / (1 - x)
    spec = bpx.from_graph(out, {"x": (x, 3), "y": (y, [1, 2])})
    account = spec.explain()
    assert account.value == 3 - 8 - 1.5
    np.testing.assert_array_equal(account.gradients["y"], [1, 1])


def test_operators_build_nodes() -> None:
    graph = bpx.Graph()
    x = graph.input((2, 2))
    names = [
        (+1 * x + x).op.name,
        (x - 1).op.name,
        (2 / x).op.name,
        (-x).op.name,
        (x**2).op.name,
        (x @ x).op.name,
    ]
    assert names == ["add", "sub", "div", "neg", "pow", "matmul"]
    assert [(x < 1).op.name, (x >= 1).op.name, abs(x).op.name, x.T.op.name] == [
        "lt",
        "ge",
        "abs",
        "transpose",
    ]
    assert isinstance(x, bpx.Expr)


def test_nodes_of_two_graphs_do_not_mix() -> None:
    x, y = bpx.Graph().input(), bpx.Graph().input()
    with pytest.raises(ValueError, match="one graph"):
        x + y


def test_an_input_without_a_value_is_refused_by_name() -> None:
    graph = bpx.Graph()
    x, y = graph.input(), graph.input()
    with pytest.raises(bpx.BpxError):
        bpx.from_graph(x * y, {"x": (x, 3)}).explain()


def test_a_value_of_another_shape_than_its_input_is_refused() -> None:
    graph = bpx.Graph()
    x = graph.input((2,))
    with pytest.raises(bpx.BpxError):
        bpx.from_graph(ops.sum(x), {"x": (x, [1, 2, 3])}).explain()


# --- the account --------------------------------------------------------------------------------


@pytest.fixture
def account() -> bpx.Explanation:
    return bpx.parse("sigmoid(x) * y", x=0.5, y=2).explain(paths=[], second=True)


def test_explain_takes_every_option() -> None:
    spec = bpx.load("tiny_network")
    account = spec.explain(of="y", wrt=["h"], upstream=2, expand=["h"], paths=["h"])
    assert isinstance(account, bpx.Explanation)
    assert list(account.gradients) == ["h"]


def test_to_dict_and_to_json(account: bpx.Explanation) -> None:
    assert json.loads(account.to_json()) == account.to_dict()
    assert account.to_json().endswith("}\n")
    assert not account.to_json().endswith("\n\n")


def test_json_of_numbers_that_are_not_finite() -> None:
    text = bpx.parse("sqrt(x)", x=0).explain().to_json()
    assert json.loads(text, parse_constant=pytest.fail)["gradients"] == {"x": "inf"}


def test_to_markdown(account: bpx.Explanation) -> None:
    assert account.to_markdown().startswith("## out = 1.24492\n\n### ")


def test_str_is_plain_text(account: bpx.Explanation) -> None:
    assert str(account).startswith("out = 1.24492\n\nForward")
    assert "\x1b" not in str(account)


def printed(what: Any, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=80, **options)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_rich_prints_tables(account: bpx.Explanation) -> None:
    assert "───" in printed(account)
    assert "\x1b[1m" in printed(account, force_terminal=True, color_system="standard")


def test_notebooks_show_it(account: bpx.Explanation) -> None:
    bundle = account._repr_mimebundle_(include=[], exclude=[])
    assert list(bundle) == ["text/html", "text/latex", "text/plain"]
    assert "out = 1.24492" in bundle["text/plain"]
    assert "out = 1.24492" in bundle["text/html"]


def test_users_text_is_no_html() -> None:
    text = 'bpx = 1\ntitle = "<script>alert(1)</script>"\n[inputs]\nx = 1\n[graph]\ny = "x"\n'
    assert "<script>" not in bpx.load(text).explain()._repr_mimebundle_(include=[], exclude=[])["text/html"]


def test_reprs_are_short(account: bpx.Explanation) -> None:
    assert len(repr(bpx.parse("+".join(["x"] * 1000), x=1))) < 100
    assert len(repr(bpx.parse("+".join(["x"] * 1000), x=1).explain())) < 200


def test_an_account_cannot_be_changed(account: bpx.Explanation) -> None:
    with pytest.raises(AttributeError):
        account.title = "another"  # type: ignore[misc]


# --- checking -----------------------------------------------------------------------------------


@pytest.fixture
def checked() -> bpx.Report:
    return bpx.parse("x * y", x=[1.5, 2], y=3).gradcheck(claims={"x": [3, 3], "y": "sum(x) + 1"})


def test_gradcheck_is_a_report(checked: bpx.Report) -> None:
    assert isinstance(checked, bpx.Report)
    assert checked.verdict == "disagree"
    assert {entry.label: entry.verdict.word for entry in checked.entries} == {
        "x[0]": "agree",
        "x[1]": "agree",
        "y": "disagree",
    }
    assert [one.node for one in checked.blame] == ["y"]


def test_gradcheck_takes_every_option() -> None:
    told: list[float] = []
    found = bpx.load("tiny_network").gradcheck(
        of="y",
        wrt=["h"],
        upstream=2,
        points=3,
        seed=1,
        order=1,
        detect=1e-4,
        all=True,
        progress=told.append,
    )
    assert {entry.input for entry in found.entries} == {"h"}
    assert (found.detect, found.points, found.all, told[-1]) == (1e-4, 3, True, 1.0)


def test_numbers_claimed_in_python_are_meant_exactly() -> None:
    spec = bpx.parse("x / 3", x=1)
    assert spec.gradcheck(claims={"x": 1 / 3}).verdict == "agree"
    assert spec.gradcheck(claims={"x": 0.333}).verdict == "disagree"
    assert spec.gradcheck(claims={"x": "0.333"}).verdict == "agree"  # as written, to its last digit


def test_everything_wrong_with_claims_is_said_at_once() -> None:
    claims = {"x": "2 *", "y": [[1], [2, 3]], "z": float("nan")}
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x * y", x=1, y=2).gradcheck(claims=claims)
    codes = ["ends-too-early", "not-a-number", "not-finite-input"]
    assert [one.code for one in caught.value.diagnostics] == codes


@pytest.mark.parametrize(
    ("options", "code"),
    [({"points": 0}, "bad-points"), ({"order": 3}, "bad-order"), ({"detect": 0}, "bad-detect")],
)
def test_a_check_that_cannot_be_made(options: dict[str, Any], code: str) -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x^2", x=1).gradcheck(**options)
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_a_report_in_every_form(checked: bpx.Report) -> None:
    answer = "The gradient of out is wrong in 1 of 3 entries."
    assert json.loads(checked.to_json()) == checked.to_dict()
    assert str(checked).startswith(f"{answer}\n\nCause: the claim for `y`")
    assert checked.to_markdown().startswith(f"## {answer}\n\n### ")
    assert "───" in printed(checked)
    assert answer in checked._repr_mimebundle_(include=[], exclude=[])["text/html"]
    assert checked.to_junit().count("<failure") == 2
    assert repr(checked) == "<bpx.Report out: disagree, 3 entries>"


@pytest.mark.parametrize(("factor", "verdict"), [(1, "agree"), (1.001, "disagree")])
def test_gradcheck_of_functions(factor: float, verdict: str) -> None:
    found = bpx.gradcheck(
        lambda x, w: np.tanh(x * w),
        [np.array([0.5, 2.0]), 1.5],
        lambda g, x, w: (g * w / np.cosh(x * w) ** 2, factor * np.sum(g * x / np.cosh(x * w) ** 2)),
        names=["x", "w"],
        detect=1e-4,
    )
    assert isinstance(found, bpx.Report)
    assert (found.verdict, found.detect) == (verdict, 1e-4)
    assert {entry.label: entry.verdict.word for entry in found.entries} == {
        "x[0]": "agree",
        "x[1]": "agree",
        "w": verdict,
    }


# --- training -----------------------------------------------------------------------------------


def test_train_takes_every_option(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    spec = bpx.parse("mean((x*w - 2*x)^2)", x=[1.0, 2, 3, 4], w=0.5)
    training = spec.train(
        wrt="w",
        optimizer="momentum",
        rate=0.02,
        momentum=0.5,
        steps=40,
        batch=2,
        seed=1,
        target=1e-3,
        show_steps=1,
        check=10,
        progress=lambda done, loss: told.append((done, loss)),
    )
    assert isinstance(training, bpx.Training)
    assert isinstance(training.spec, bpx.Spec)
    assert training.stopped == "target"
    assert training.last <= 1e-3
    assert training.last == pytest.approx(float(training.spec.explain().value))
    assert told[0] == (0, training.history[0])
    assert spec.explain().value == pytest.approx(training.first)  # which is as it was
    training.spec.save(tmp_path / "trained.toml")
    assert bpx.load(tmp_path / "trained.toml").explain().value == pytest.approx(training.last)


def test_a_training_goes_on_from_the_last() -> None:
    spec = bpx.load("logistic_regression")
    whole = spec.train(steps=20)
    halves = spec.train(steps=10).spec.train(steps=10)
    assert halves.last == pytest.approx(whole.last, rel=1e-14)


def test_a_training_in_every_form() -> None:
    training = bpx.load("logistic_regression").train(steps=30, show_steps=1)
    answer = "Logistic regression: loss of one sample — L 0.139387 → 0.0590793"
    assert json.loads(training.to_json()) == training.to_dict()
    assert str(training).startswith(answer)
    assert training.to_markdown().startswith(f"## {answer}")
    assert "⣀" in printed(training)
    assert "───" in printed(training)
    assert answer in training._repr_mimebundle_(include=[], exclude=[])["text/html"]
    assert repr(training).startswith("<bpx.Training L: 0.139")


def test_a_traced_function_can_be_trained() -> None:
    spec = bpx.trace(lambda x, w: ops.sum((x * w - 1) ** 2), x=[1.0, 2.0], w=0.0)
    assert spec.train(wrt="w", rate=0.05).parameters["w"][1] == pytest.approx(0.6)
    with pytest.raises(bpx.BpxError, match="fixed-shapes"):
        spec.train(wrt="w", batch=1)


def test_what_cannot_be_trained() -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x^2", x=1).train(steps=0)
    assert [one.code for one in caught.value.diagnostics] == ["bad-steps"]
    with pytest.raises(TypeError):
        bpx.parse("x^2", x=1).train(stepps=1)


# --- saving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.toml", "a.json", "A.JSON"])
@pytest.mark.parametrize("example", ["mazur_network", "perceptron_2_2_1", "max_and_where"])
def test_save_and_load(tmp_path: Path, name: str, example: str) -> None:
    spec = bpx.load(example)
    spec.save(tmp_path / name)
    again = bpx.load(tmp_path / name)
    before, after = spec.explain(), again.explain()
    assert after.to_dict()["gradients"] == before.to_dict()["gradients"]
    assert (after.title, after.value, after.unmet) == (before.title, before.value, ())


def test_save_a_graph_by_hand(tmp_path: Path) -> None:
    spec = bpx.trace(
        lambda x, w: ops.mean((x @ w) ** 2, axis=0) / ops.sqrt(ops.sum(x)), x=[1, 2], w=[[1, 2], [3, 4]]
    )
    spec.save(tmp_path / "a.toml")
    assert bpx.load(tmp_path / "a.toml").explain().value == spec.explain().value


@pytest.mark.parametrize("name", ["a.txt", "a", "a.yaml"])
def test_save_in_no_known_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(bpx.BpxError):
        bpx.load("sigmoid").save(tmp_path / name)


def test_saving_after_explaining_writes_the_graph_alone(tmp_path: Path) -> None:
    spec = bpx.load("sigmoid")
    spec.save(tmp_path / "before.toml")
    spec.explain(paths=[], second=True, step=0.1, expand=["all"])
    spec.save(tmp_path / "after.toml")
    assert (tmp_path / "before.toml").read_bytes() == (tmp_path / "after.toml").read_bytes()
