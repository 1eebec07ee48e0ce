"""Values of a wrong type for every parameter of every public function: a refusal that names the parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.check.function.black_box import FunctionOptions
from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.train.sweep.sweep import sweep
from bpx.train.train import Options

NOTES = "$$L = x^2$$\n\n$$\\frac{dL}{dx} = 2x$$\n"


class Call(NamedTuple):
    """A public function, arguments with which it works, and where its parameters can be read."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    options: Callable[..., Any] | None = None
    skip: tuple[str, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """All parameters by name, those that are only `options` included."""
        own, others = (
            inspect.signature(one).parameters if one else {} for one in (self.function, self.options)
        )
        named = [
            name
            for name, one in {**others, **own}.items()
            if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
        ]
        return [name for name in named if name not in ("self", "spec", "cls", *self.skip)]

    def __call__(self, name: str, value: Any) -> Any:
        """The call with another value for one parameter."""
        changed = {**self.arguments, name: value}
        kinds = inspect.signature(self.function).parameters
        positional = [changed.pop(one.name) for one in kinds.values() if one.kind is one.POSITIONAL_ONLY]
        return self.function(*positional, **changed)


def calls() -> Iterator[Call]:
    """Every function and method that people are offered."""
    spec = bpx.parse("w*x + 1", w=2.0, x=3.0)
    explanation, report = spec.explain(), spec.gradcheck(claims={"w": 1.0})
    net = bpx.load("examples/line_fit.toml") if False else bpx.parse("(w*x-1)^2", w=2.0, x=3.0)
    yield Call(bpx.load, {"target": "w*x"})
    yield Call(bpx.parse, {"expression": "w*x", "w": 1, "x": 2})
    yield Call(bpx.trace, {"function": np.sin})
    yield Call(bpx.from_graph, {"output": bpx.Graph().input(), "inputs": {}})
    yield Call(
        bpx.gradcheck,
        {"forward": np.sum, "inputs": [np.ones(2)], "backward": lambda g, x: [g + 0 * x]},
        FunctionOptions,
    )
    yield Call(
        bpx.assert_gradients,
        {"forward": np.sum, "inputs": [np.ones(2)], "backward": lambda g, x: [g + 0 * x]},
        FunctionOptions,
    )
    yield Call(bpx.check_notes, {"notes": NOTES})
    yield Call(bpx.grade, {"sheet": net.practice()})
    yield Call(bpx.speaking, {"language": "en"})
    yield Call(spec.explain, {}, explain)
    yield Call(spec.gradcheck, {}, gradcheck)
    yield Call(spec.audit, {"gradients": {"w": 3.0}}, gradcheck)
    yield Call(net.train, {"wrt": "w", "steps": 1}, Options)
    yield Call(spec.sweep, {"over": {"w": [1.0, 2.0]}}, sweep)
    yield Call(spec.practice, {})
    yield Call(spec.value_and_gradients, {})
    yield Call(spec.compile, {})
    yield Call(spec.save, {"path": "x.yaml"})
    yield Call(spec.to_code, {})
    yield Call(spec.with_values, {"values": {}})
    for shown in (
        explanation,
        report,
        net.train(wrt="w", steps=1),
        spec.sweep({"w": [1.0, 2.0]}),
        bpx.check_notes(NOTES),
    ):
        yield Call(shown.to, {"form": "json"})
    yield Call(explanation.partial, {"node": 1})
    yield Call(explanation.partial_by, {"name": "w"})
    yield Call(explanation.shown, {"value": np.array(1.0)})
    yield Call(explanation.section, {"kind": object})
    yield Call(explanation.picture, {})
    yield Call(explanation.page, {})
    yield Call(report.hint, {"level": 1})
    yield Call(report.shown, {})
    yield Call(report.to_junit, {})
    yield Call(spec.gradcheck().raise_if_wrong, {})
    yield Call(bpx.Graph().add, {"op": None})
    yield Call(bpx.Graph().constant, {"value": 1})
    yield Call(bpx.Graph().input, {})
    yield Call(bpx.Graph().lift, {"value": 1})


WRONG: tuple[Any, ...] = (
    None,
    7,
    2.5,
    True,
    "nothing",
    b"w",
    ["w"],
    [1],
    ["w", 2],
    {"w": 1},
    {1: 2},
    {"w"},
    object(),
    np.ones(2),
    np.array(1.0),
    float("nan"),
    1 + 2j,
    Path("nothing"),
    int,
    len,
    np,
    bpx.parse("x", x=1),
)


def wrong_values() -> Iterator[Any]:
    """Values, of which each parameter takes few."""
    yield from WRONG
    yield lambda *any: None
    yield (name for name in ["w", 2])
    yield iter([3])


@pytest.mark.parametrize("call", list(calls()), ids=lambda call: getattr(call.function, "__qualname__", "?"))
def test_a_wrong_value_is_refused_by_name(call):
    import os

    failures = []
    for name in call.parameters:
        for value in wrong_values():
            try:
                call(name, value)
            except (TypeError, bpx.BpxError, AssertionError) as error:
                if not re.search(rf"\b{name}\b", str(error)):
                    failures.append((name, repr(value)[:40], type(error).__name__, str(error)[:150]))
            except Exception as error:
                failures.append((name, repr(value)[:40], "!!" + type(error).__name__, str(error)[:150]))
            else:
                if os.environ.get("OKS"):
                    failures.append((name, repr(value)[:40], "OK", ""))
    assert not failures, "\n".join(map(str, failures))
