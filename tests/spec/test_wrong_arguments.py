"""Values of a wrong type for every parameter of every public function: a refusal that names the parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.function.black_box import FunctionOptions
from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.spec.practice.practice import exercise_of
from bpx.train.sweep.sweep import sweep
from bpx.train.train import Options

NOTES = "$$L = x^2$$\n\n$$\\frac{dL}{dx} = 2x$$\n"
SPEC = bpx.parse("w*x + 1", w=2.0, x=3.0)
NET = bpx.parse("(w*x - 1)^2", w=2.0, x=3.0)
FUNCTIONS = {"forward": np.sum, "inputs": [np.ones(2)], "backward": lambda g, x: [g + 0 * x]}


class Call(NamedTuple):
    """A public function, arguments with which it works, and where the options it passes on are stated."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any] = {}
    options: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", "?")

    @property
    def parameters(self) -> list[str]:
        """All parameters by name, those of the options included."""
        stated = [inspect.signature(one).parameters for one in (self.function, self.options) if one]
        kinds = {name: one.kind for parameters in stated for name, one in parameters.items()}
        collecting = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return [name for name, kind in kinds.items() if kind not in collecting and name != "spec"]

    def with_value(self, name: str, value: Any) -> Any:
        """The call with another value for one parameter."""
        changed = {**self.arguments, name: value}
        kinds = inspect.signature(self.function).parameters
        positional = [changed.pop(one.name) for one in kinds.values() if one.kind is one.POSITIONAL_ONLY]
        result = self.function(*positional, **changed)
        return result.__enter__() if self.function is bpx.speaking else result


def calls() -> Iterator[Call]:
    """Every function and method that people are offered."""
    explanation, report = SPEC.explain(), SPEC.gradcheck(claims={"w": 1.0})
    training, table = NET.train(wrt="w", steps=1), NET.sweep({"w": [1.0, 2.0]})
    node = bpx.Graph().input()
    yield Call(bpx.load, {"target": "w*x"})
    yield Call(bpx.parse, {"expression": "w*x", "w": 1, "x": 2})
    yield Call(bpx.trace, {"function": np.sin})
    yield Call(bpx.from_graph, {"output": node, "inputs": {}})
    yield Call(bpx.gradcheck, FUNCTIONS, FunctionOptions)
    yield Call(bpx.assert_gradients, FUNCTIONS)
    yield Call(bpx.check_notes, {"notes": NOTES})
    yield Call(bpx.grade, {"sheet": NET.practice()})
    yield Call(bpx.speaking, {"language": "en"})
    yield Call(SPEC.explain, {}, explain)
    yield Call(SPEC.gradcheck, {}, gradcheck)
    yield Call(SPEC.audit, {"gradients": {"w": 3.0}})
    yield Call(NET.train, {"wrt": "w", "steps": 1}, Options)
    yield Call(SPEC.sweep, {"over": {"w": [1.0, 2.0]}}, sweep)
    yield Call(SPEC.practice, {}, exercise_of)
    yield Call(SPEC.value_and_gradients)
    yield Call(SPEC.compile)
    yield Call(SPEC.save, {"path": "x.yaml"})
    yield Call(SPEC.to_code)
    yield Call(SPEC.with_values, {"values": {}})
    for shown in (explanation, report, training, table, bpx.check_notes(NOTES)):
        yield Call(shown.to, {"form": "json"})
    yield Call(explanation.partial, {"node": 1})
    yield Call(explanation.partial_by, {"name": "w"})
    yield Call(explanation.shown, {"value": np.array(1.0)})
    yield Call(explanation.section, {"kind": object})
    yield Call(explanation.picture)
    yield Call(explanation.page)
    yield Call(report.hint, {"level": 1})
    yield Call(report.shown)
    yield Call(report.to_junit)
    yield Call(SPEC.gradcheck().raise_if_wrong)
    yield Call(bpx.Graph().add, {"op": None})
    yield Call(bpx.Graph().constant, {"value": 1})
    yield Call(bpx.Graph().input)
    yield Call(bpx.Graph().lift, {"value": 1})


def wrong_values() -> Iterator[Any]:
    """Values, of which each parameter takes few."""
    yield from (None, 2.5, True, "nothing", b"w", ["w"], [1], ["w", 2], {"w": 1}, {1: 2}, {"w"}, object())
    yield from (np.ones(2), np.array(1.0), float("nan"), 1 + 2j, Path("nothing"), np, SPEC)
    yield lambda *any: None
    yield (name for name in ["w", 2])
    yield iter([3])


@every("call", calls())
def test_wrong_values_are_refused_by_the_name_of_the_parameter(call: Call) -> None:
    for name in call.parameters:
        for value in wrong_values():
            try:
                call.with_value(name, value)
            except bpx.BpxError as error:
                codes = {problem.code for problem in error.diagnostics}
                assert "wrong-argument" not in codes or re.search(rf"\b{name}\b", str(error)), (name, value)
            except AssertionError:
                assert call.function is bpx.assert_gradients
            except TypeError as error:
                assert re.search(rf"\b{name}\b", str(error)), (name, value, error)
            except Exception as error:
                pytest.fail(f"{name} = {value!r:.60}: {error!r}")


@every(
    "call",
    [
        lambda: SPEC.explain(of=1),
        lambda: SPEC.explain(second="no"),
        lambda: SPEC.explain(wrt=(name for name in ["w", 2])),
        lambda: SPEC.explain(digits=2.5),
        lambda: SPEC.gradcheck(claims=["w = 1"]),
        lambda: SPEC.gradcheck(all="no"),
        lambda: SPEC.gradcheck(rtol="1e-3"),
        lambda: SPEC.sweep({"w": [1.0]}, rate="fast"),
        lambda: NET.train(wrt="w", steps=2.5),
        lambda: NET.train(wrt="w", seed=np.array(1.0)),
        lambda: bpx.load(None),
        lambda: bpx.parse(["x"]),
        lambda: bpx.trace("x"),
        lambda: bpx.gradcheck(np.sum, [np.ones(2)], lambda g, x: [g], progress="yes"),
        lambda: bpx.check_notes(NOTES, all=1),
        lambda: bpx.from_graph(7, {}),  # type: ignore[arg-type]
        lambda: SPEC.explain().picture("forward"),  # type: ignore[arg-type]
        lambda: bpx.speaking(7).__enter__(),  # type: ignore[arg-type]
    ],
)
def test_what_people_have_written_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(bpx.BpxError) as refusal:
        call()
    assert {problem.code for problem in refusal.value.diagnostics} == {"wrong-argument"}


def test_a_refusal_says_what_is_wanted() -> None:
    with pytest.raises(bpx.BpxError, match=r"`of` must be a text or None, not 1 \(of type `int`\)"):
        SPEC.explain(of=1)


def test_names_may_come_from_an_iterator() -> None:
    assert SPEC.gradcheck(wrt=iter(["w"])).total == 1
    assert list(SPEC.value_and_gradients(wrt=(name for name in "wx"))[1]) == ["w", "x"]
