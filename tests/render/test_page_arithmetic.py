"""The arithmetic of pages, run by Node: every op at every case it has, every example, and numbers as text.

All tapes run in one process. Skipped where there is no Node.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from oracle import args_of, cases
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.numbers import number
from bpx.graph.run import run
from bpx.passes.reverse import reverse
from bpx.render.page.html import data_of_script
from bpx.render.page.scripts import OPS_OF_ELEMENTS, definitions, definitions_for, source
from bpx.render.page.tape import literal
from bpx.render.page.taping import tape_of
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not NODE, reason="needs Node: the arithmetic of pages is not run")

ELEMENTS = [0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 2.5, 1.5, -2.5, 0.3, -3.7, 12.25, -0.01, 1e-9, 30.0]
# What these numbers are choices of has a value at whole numbers only.
ORDERS = {"polygamma": 3.0, "sinc_derivative": 2.0}


class Job(NamedTuple):
    """A tape, the places in it that are looked at, and what bpx has there."""

    what: str
    tape: str
    places: list[int]
    expected: list[Any]


def of_op(op: Op, args: Sequence[Any], settings: dict[str, Any], *, gradients: bool) -> Job:
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    out = graph.add(op, *inputs, **settings)
    targets = [out.id]
    if gradients:
        ledger = reverse(out, inputs, np.ones(out.shape))
        targets += [ledger.upstream[each.id] for each in inputs if each.id in ledger.upstream]
    known = {each.id: np.asarray(arg, float) for each, arg in zip(inputs, args, strict=True)}
    values = run(graph, known, targets)
    tape = tape_of(graph, known, targets)
    shapes = f"{op.name} {[np.shape(arg) for arg in args]} {settings}"
    places = [tape.places[node] for node in targets]
    return Job(shapes, tape.text(), places, [np.ravel(values[node]) for node in targets])


def elementwise(op: Op) -> Iterator[Job]:
    order = ORDERS.get(op.name)
    numbers = [np.array(ELEMENTS), np.array(ELEMENTS[::-1]) * 0.7, np.array(ELEMENTS) * 1.1][: len(op.args)]
    yield of_op(op, [order, *numbers[1:]] if order else numbers, {}, gradients=True)
    if len(op.args) == 2 and not order:
        yield of_op(op, [np.array([[0.5], [2.0]]), np.array([[1.0, 3.0, 0.25]])], {}, gradients=True)


def of_arrays(op: Op) -> Iterator[Job]:
    for at, (shapes, settings) in enumerate(cases(op.name)):
        yield of_op(op, args_of(op.name, shapes), settings, gradients=at % 8 == 1)


def of_example(name: str) -> Job:
    explanation = explain(read_target(name), check=False)
    content = explanation.page().content
    places, expected = [], []
    rows = {row.id: row for row in explanation.nodes}
    for node in content.nodes:
        places += [node.value, *([node.gradient] if node.gradient >= 0 else [])]
        expected += [rows[node.id].value, *([rows[node.id].upstream] if node.gradient >= 0 else [])]
    for edge, row in zip(content.edges, explanation.edges, strict=True):
        places.append(edge.contribution)
        expected.append(row.contribution)
    return Job(name, content.tape.text(), places, [np.ravel(value) for value in expected])


@cache
def jobs() -> list[Job]:
    ops = list({op.name: op for op in OPS.values()}.values())
    every_op = [job for op in ops for job in (elementwise(op) if op.elementwise else of_arrays(op))]
    return every_op + [of_example(name) for name in example_names()]


def by_node(script: str) -> Any:
    assert NODE
    result = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr[:2000]
    return json.loads(result.stdout)


def close(found: Any, expected: Any) -> bool:
    """To 1e-12 of the largest number of the array: what cancels is as exact as what it came from."""
    finite = np.isfinite(expected)
    if found.shape != expected.shape or not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    scale = max(1.0, np.max(np.abs(expected[finite]), initial=0.0))
    each, size = np.abs(found[finite] - expected[finite]), np.abs(expected[finite])
    return bool(np.all((each <= 1e-12 * size) | (each <= 1e-14 * scale)))


@needs_node
def test_every_op_and_every_example() -> None:
    tapes = ",\n".join(f"[() => {job.tape}, {job.places}]" for job in jobs())
    script = f"""{{"use strict";
    {definitions_for(tapes)}
    {source("tape.js")}
    const all = [{tapes}].map(([tape, places]) => {{
      const values = run(tape());
      return places.map((place) => values[place].map(String));
    }});
    console.log(JSON.stringify(all));
    }}"""
    wrong = [
        (job.what, found, expected)
        for job, results in zip(jobs(), by_node(script), strict=True)
        for found, expected in zip(results, job.expected, strict=True)
        if not close(np.array([float(each.replace("Infinity", "inf")) for each in found]), expected)
    ]
    assert not wrong, wrong[:5]
    assert len(jobs()) > 1000


@needs_node
def test_numbers_are_written_as_bpx_writes_them() -> None:
    rng = np.random.default_rng(4)
    numbers = [*(rng.normal(size=2000) * 10.0 ** rng.integers(-12, 17, 2000)).tolist()]
    # Halves that are exact go to the even digit; then the ends of the notations, and what is no number.
    numbers += [
        0.1234375,
        1234.5625,
        100000.5,
        100001.5,
        1000.125,
        -2.00000550,
        8.5,
        0.0,
        -0.0,
        1e5,
        123456.5,
    ]
    numbers += [
        1e-4,
        9.999995e-5,
        0.000123456789,
        999999.5,
        1e15,
        1e16,
        1e22,
        5e-324,
        math.inf,
        -math.inf,
        math.nan,
    ]
    parts = {
        part.split(" ")[1]: part for part in source("page.js").split("\n\n") if part.startswith("const ")
    }
    script = f"{parts['plain']}\nconsole.log(JSON.stringify([{','.join(map(literal, numbers))}].map(plain)));"
    expected = [number(each, 6) for each in numbers]
    assert dict(zip(numbers, by_node(script), strict=True)) == dict(zip(numbers, expected, strict=True))


@every("op", {op.name: op for op in OPS.values() if op.elementwise}.values())
def test_every_op_of_elements_has_a_row(op: Op) -> None:
    assert op.name in OPS_OF_ELEMENTS


@every("shown", [("scalars.js",), ("tape.js", "arrays_shown.js")])
def test_no_two_scripts_define_the_same_name(shown: tuple[str, ...]) -> None:
    """They stand in one block, with the ops and the data."""
    folder = Path(str(files("bpx.render.page")))
    scripts = [(folder / file).read_text() for file in (*shown, "page.js")]
    names = [name for script in scripts for name in re.findall(r"^(?:const|let) (\w+)", script, re.MULTILINE)]
    data = explain(read_target("two_paths"), check=False).page().content
    names += [*definitions(), *data_of_script(data), "output", "roles", "tape", "now", "passed"]
    assert len(names) == len(set(names))
