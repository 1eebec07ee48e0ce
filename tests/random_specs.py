"""Random specs for property tests: small graphs of named steps over inputs of shapes that broadcast.

Every template keeps values small and away from the edge of its domain, so that what a test looks at
is the bookkeeping of the reverse pass and not the limits of float64.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_spec
from bpx.words.diagnostic import Source

Shape = tuple[int, ...]


class Template(NamedTuple):
    """An expression of `{a}` and `{b}`; `shape` gives its shape, None where the args' do not fit."""

    text: str
    shape: Callable[[Shape, Shape], Shape | None]


def _both(a: Shape, b: Shape) -> Shape:
    return np.broadcast_shapes(a, b)


def _first(a: Shape, b: Shape) -> Shape:
    return a


def _scalar(a: Shape, b: Shape) -> Shape:
    return ()


def _for(wanted: Shape, result: Shape) -> Callable[[Shape, Shape], Shape | None]:
    return lambda a, b: result if a == wanted else None


def _reduced(a: Shape, b: Shape) -> Shape | None:
    return a[1:] if a else None


SMOOTH = [
    Template("{a} + {b}", _both),
    Template("{a} - {b}", _both),
    Template("sin({a}) * cos({b})", _both),
    Template("{a} / (2 + {b}^2)", _both),
    Template("(1.5 + sin({a}))^{b}", _both),
    Template("-{a}", _first),
    Template("tanh({a})", _first),
    Template("sigmoid({a}) * {a}", _first),
    Template("softplus({a})", _first),
    Template("exp(-square({a}))", _first),
    Template("log(2 + cos({a}))", _first),
    Template("sqrt(1 + {a}^2)", _first),
    Template("erf({a}) + atan({a})", _first),
    Template("reciprocal(2 + sin({a}))", _first),
    Template("atan2(sin({a}), 2 + cos({b}))", _both),
    Template("sum({a})", _scalar),
    Template("mean({a})", _scalar),
    Template("sum({a}, axis=0)", _reduced),
    Template("mean({a}, axis=0)", _reduced),
    Template("mean({a}.T @ tanh({a}), axis=0)", _for((2, 3), (3,))),
    Template("{a} @ sin({a})", _for((3,), ())),
    Template("sum(reshape({a}, [3, 2]), axis=1)", _for((2, 3), (3,))),
    Template("sin(spread({a}, shape=[2, 3], axis=[0]))", _for((3,), (2, 3))),
    Template("mean(outer({a}, tanh({a})), axis=1)", _for((3,), (3,))),
]
KINKED = [
    Template("max({a}, {b})", _both),
    Template("min({a}, 0.5)", _first),
    Template("relu({a})", _first),
    Template("|{a}|", _first),
    Template("clip({a}, -1, {b})", _both),
    Template("where({a} < {b}, {a}, 2*{b})", _both),
    Template("floor({a}) + sign({b}) + {a}", _both),
]
SHAPES: list[Shape] = [(), (1,), (3,), (2, 1), (2, 3)]
NUMBERS = st.integers(-20, 20).map(lambda n: n / 8)


@st.composite
def documents(draw: Any, templates: list[Template] = SMOOTH + KINKED, shapes: list[Shape] = SHAPES) -> Any:
    """A spec as plain data: one to three inputs, one to six steps, each of earlier names."""
    inputs = {f"x{i}": draw(values(draw(st.sampled_from(shapes)))) for i in range(draw(st.integers(1, 3)))}
    known = {name: np.shape(value) for name, value in inputs.items()}
    steps: dict[str, str] = {}
    for i in range(draw(st.integers(1, 6))):
        a, b = draw(st.sampled_from(list(known))), draw(st.sampled_from(list(known)))
        fitting = [one for one in templates if one.shape(known[a], known[b]) is not None]
        template = draw(st.sampled_from(fitting))
        steps[f"s{i}"] = template.text.format(a=a, b=b)
        known[f"s{i}"] = template.shape(known[a], known[b])  # type: ignore[assignment]
    return {"bpx": 1, "inputs": inputs, "graph": steps}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """A number or a nest of lists of numbers."""
    if not shape:
        return NUMBERS
    return st.lists(values(shape[1:]), min_size=shape[0], max_size=shape[0])


def spec_from(document: dict[str, Any]) -> NamedGraph:
    """The spec of plain data."""
    return read_spec(Source("random.json", json.dumps(document)), "json")


def specs(templates: list[Template] = SMOOTH + KINKED, shapes: list[Shape] = SHAPES) -> Any:
    """Random specs whose output is any of their shapes."""
    return documents(templates, shapes).map(spec_from)


def scalar_specs(templates: list[Template] = SMOOTH + KINKED, shapes: list[Shape] = SHAPES) -> Any:
    """Random specs whose output is a scalar."""
    return documents(templates, shapes).map(_summed).map(spec_from)


def _summed(document: dict[str, Any]) -> dict[str, Any]:
    last = list(document["graph"])[-1]
    return {**document, "graph": {**document["graph"], "L": f"mean({last})"}}
