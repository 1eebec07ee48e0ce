"""Large inputs take work in proportion to their size: counted, never timed."""

from __future__ import annotations

import io
import itertools
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.explain.query import gradient_query
from bpx.graph.graph import Graph
from bpx.graph.walk import needed_by_walk
from bpx.ops.convolution import few_parts, overlap_add, windows
from bpx.render.json import Rows
from bpx.render.picture import layout
from bpx.spec.derivations.check import MOST_FORMULAS, check_derivation
from bpx.spec.derivations.text import notes
from bpx.spec.derivations.text.formulas import Formulas
from bpx.spec.models import archive
from bpx.spec.models.model import ModelError
from bpx.spec.notations.latex import names
from bpx.spec.notations.translation import known
from bpx.spec.notations.translation.known import Known
from bpx.spec.tables import csv_table, json_table, numpy_files, table
from bpx.spec.trace.tape import Tape
from bpx.spec.trace.trace import trace_function
from bpx.spec.writing.code import helpers, module, writer
from bpx.words.diagnostic import BpxError, Diagnostic, Source


def test_rows_are_made_once_to_be_read_backwards() -> None:
    made: list[int] = []

    def rows() -> Iterator[int]:
        for at in range(100):
            made.append(at)
            yield at

    assert [*reversed(Rows(100, rows))] == [*range(99, -1, -1)]
    assert len(made) == 100


@every("batch", [0, 1])
@every(
    "counts, size, stride, dilation",
    [
        ((3,), (7,), (2,), (3,)),
        ((7,), (3,), (1,), (1,)),
        ((2, 6), (5, 3), (2, 1), (1, 3)),
        ((6, 2), (3, 5), (1, 2), (2, 2)),
    ],
)
def test_windows_put_back_are_the_transpose(
    counts: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    batch: int,
) -> None:
    each = zip(counts, size, stride, dilation, strict=True)
    shape = tuple(s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in each)
    draw = np.random.default_rng(0).integers
    x, up = draw(9, size=(2, *shape, *[4] * batch)), draw(9, size=(2, *counts, *size, *[4] * batch))
    seen = windows.value(x * 1.0, size=size, stride=stride, dilation=dilation, batch=batch)
    back = overlap_add.value(up * 1.0, shape=shape, stride=stride, dilation=dilation, batch=batch)
    assert np.sum(seen * up) == np.sum(x * back)


def test_a_long_kernel_is_added_in_few_parts() -> None:
    parts, stride, dilation = few_parts(np.zeros((6, 1_000_000)), (2,), (3,))
    assert (parts.shape, stride, dilation) == ((1_000_000, 6), (3,), (2,))


def test_a_small_part_of_a_large_graph_is_walked_through() -> None:
    graph = Graph()
    x = graph.input(())
    chain = [x]
    for _ in range(2000):
        chain.append(chain[-1] * 2.0)
    last = x * 3.0
    found = graph.needs(of=[last.id])
    assert found == sorted({x.id, last.id, *graph.args[last.id]})
    assert needed_by_walk(graph.args, [chain[-1].id], (), 100) is None
    needed = graph.needs(of=[chain[-1].id])
    assert needed == needed_by_walk(graph.args, [chain[-1].id], (), len(graph))


def _chain_of_equations(count: int) -> str:
    steps = [f"a_{{{i}}} = a_{{{j}}} * 1.01" for j, i in pairwise(range(count))]
    return "Let $x = 3$.\n\n" + "".join(f"$${step}$$\n\n" for step in ["a_{0} = x", *steps])


def test_equations_are_read_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[int, int] = {}
    names = Formulas.names

    for count in (10, 40):

        def counted(self: Formulas, text: object, count: int = count) -> list[str]:
            counts[count] = counts.get(count, 0) + 1
            return names(self, text)  # type: ignore[arg-type]

        monkeypatch.setattr(Formulas, "names", counted)
        assert check_derivation("a.md", _chain_of_equations(count)).equations == count
    assert counts[40] <= 4.2 * counts[10]


def test_parts_of_a_formula_are_read_once_for_all_shapes_that_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One letter after another may be an array: 600 assignments of shapes, about 40 parts in each.
    built: list[object] = []
    build = known.build
    monkeypatch.setattr(known, "build", lambda *args: (built.append(args), build(*args))[1])
    assert check_derivation("a.md", r"$L={1}{npartial}\sum_{i}(p_i)$").equations == 1
    assert len(built) < 2000


def test_more_formulas_than_the_limit_are_refused() -> None:
    text = "Let $L = x^2$. $$L " + "= x^2 " * (MOST_FORMULAS + 1) + "$$"
    with pytest.raises(BpxError, match="at most 1,000"):
        check_derivation("a.md", text)


def test_equations_may_stand_in_any_order_and_use_each_other() -> None:
    report = check_derivation("a.md", "Let $x = 3$. $$c = b a$$ $$b = a^2$$ $$a = 2x$$ $$dc/dx = 24 x^2$$")
    assert report


def test_an_archive_of_too_many_arrays_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_files, "MOST_ARRAYS", 3)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(4):
            archive.writestr(f"k{i}.npy", b"")
    problems: list[Diagnostic] = []
    monkeypatch.setattr(numpy_files.zipfile, "ZipFile", None)
    assert [*numpy_files.read_npz("a.npz", out.getvalue(), problems)] == []
    assert [problem.code for problem in problems] == ["table-too-many"]


def test_a_csv_of_too_many_cells_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "MOST_CELLS", 3)
    monkeypatch.setattr(table, "MOST_CELLS", 3)
    assert len([*csv_table.read_csv(Source("a.csv", "1,2,3"), [])]) == 1
    for text in ("1,2,3,4", "1 2\n3 4", "x;y\n1;2", "1\n" * 4):
        with pytest.raises(BpxError, match="more than 3 cells"):
            [*csv_table.read_csv(Source("a.csv", text), [])]


def test_a_json_table_of_too_many_numbers_and_lists_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_table, "MOST_CELLS", 4)
    assert len([*json_table.read_json(Source("a.json", '{"x": [[1], [2]]}'), [])]) == 1
    monkeypatch.setattr(json_table, "read_document", None)
    for text in ("[1, 2, 3, 4, 5]", "[[], [], []]", "[[[[[1]]]]]"):
        with pytest.raises(BpxError, match="more than"):
            [*json_table.read_json(Source("a.json", f'{{"x": {text}}}'), [])]


def test_the_rule_of_an_op_is_applied_once_for_all_of_its_args(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[object] = []
    pullback = gradient_query.pullback
    monkeypatch.setattr(
        gradient_query, "pullback", lambda op, *rest: applied.append(op) or pullback(op, *rest)
    )
    names = [f"x{i}" for i in range(30)]
    spec = bpx.parse(f"sum(concat({', '.join(names)}))", **{name: [0.5, 0.25] for name in names})
    formulas = {str(edge.local_formula) for edge in spec.explain().edges}
    assert len(formulas) == 31  # the sum's too
    assert len([op for op in applied if op.name == "concat"]) == 1


class Walked(dict[int, Any]):
    """A dict that notes each walk through it."""

    walks = 0

    def keys(self) -> Any:
        Walked.walks += 1
        return super().keys()

    def items(self) -> Any:
        Walked.walks += 1
        return super().items()


def test_lines_of_a_module_are_written_without_a_look_at_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (f"s{i} = (tanh(s{i - 1}) + x)/(cos(s{i - 1}) + 3)" for i in range(1, 60))
    spec = bpx.parse("; ".join(["s0 = x*2", *steps]), x=0.5)
    made, passes_of = writer.Writer.__init__, module._passes

    def walked(self: writer.Writer, *args: Any) -> None:
        made(self, *args)
        self.codes = Walked(self.codes)

    def passes(spec: Any) -> Any:
        passes = passes_of(spec)
        return replace(passes, ledger=passes.ledger._replace(upstream=Walked(passes.ledger.upstream)))

    monkeypatch.setattr(writer.Writer, "__init__", walked)
    monkeypatch.setattr(module, "_passes", passes)
    monkeypatch.setattr(Walked, "walks", 0)
    assert "def backward" in module.write_module(spec, "numpy")
    assert Walked.walks < 10


def test_a_csv_is_read_no_further_than_its_problems_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    cells = csv_table._cells

    def counted(*args: object) -> object:
        rows.append(1)
        return cells(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(csv_table, "_cells", counted)
    problems: list[Diagnostic] = []
    assert len([*csv_table.read_csv(Source("a.csv", "x\n" + "a\n" * 1000), problems)]) == 1
    assert (len(problems), len(rows)) == (20, 22)


def test_members_of_a_model_are_counted_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    for count in (3, 4):
        with zipfile.ZipFile(tmp_path / f"{count}.pt2", "w") as file:
            for i in range(count):
                file.writestr(f"a/{i}", b"")
    archive.Archive(tmp_path / "3.pt2")
    monkeypatch.setattr(archive.zipfile, "ZipFile", None)
    with pytest.raises(ModelError):
        archive.Archive(tmp_path / "4.pt2")


@pytest.mark.parametrize("opening", ["\\[", "\\(", "\\begin{align}", "\\begin{gather*}"])
def test_an_end_that_is_not_there_is_looked_for_once(opening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is opened behind the last end is not searched for one."""
    tried: list[int] = []

    class Counted:
        def match(self, content: str, at: int) -> None:
            tried.append(at)

    monkeypatch.setattr(notes, "_MATH", Counted())
    assert [*notes._marked(opening * 1000 + "$")] == []
    assert tried == [1000 * len(opening)]


def test_the_latex_of_names_is_looked_up_once_for_all_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Known] = []
    init = names.Names.__init__

    def counted(self: names.Names, known: Known) -> None:
        made.append(known)
        init(self, known)

    monkeypatch.setattr(names.Names, "__init__", counted)
    counts = []
    for count in (10, 40):
        made.clear()
        check_derivation("a.md", _chain_of_equations(count))
        counts.append(len([known for known in made if len(known.shapes) == count + 1]))
    assert counts[1] <= counts[0] + 2


@pytest.mark.parametrize("number", ["0e-" + "9" * 5000, "0e" + "9" * 5000, "0e400"])
def test_a_long_exponent_in_notes_has_no_unit(number: str) -> None:
    assert check_derivation("a.md", f"Let $x = 3$ and $L = x^2$. $$L = {number}$$").failed


def test_lines_that_pass_many_columns_are_counted() -> None:
    chain = [*pairwise(range(101))]
    assert layout._columns_passed(chain) == 100
    assert layout._columns_passed([*chain, *((0, i) for i in range(2, 101))]) == 100 + sum(range(2, 101))


def test_an_exported_module_adds_windows_or_their_elements_whichever_are_fewer() -> None:
    added: list[object] = []

    def product(*ranges: range) -> Iterator[tuple[int, ...]]:
        for inside in itertools.product(*ranges):
            added.append(inside)
            yield inside

    module: dict[str, Any] = {"np": np, "itertools": SimpleNamespace(product=product)}
    exec(helpers.HELPERS["overlap_add"], module)
    for shape, size, stride, dilation in (
        ((1001,), (1000,), (1,), (1,)),
        ((9, 400), (4, 399), (1, 1), (2, 1)),
        ((12,), (3,), (2,), (2,)),
    ):
        places = windows.value(np.zeros(shape), size=size, stride=stride, dilation=dilation, batch=0)
        x = np.random.default_rng(0).normal(size=places.shape)
        wanted = overlap_add.value(x, shape=shape, stride=stride, dilation=dilation, batch=0)
        np.testing.assert_allclose(module["overlap_add"](x, shape, stride, dilation), wanted)
    assert len(added) == 2 + 3 * 2 + 3


def test_no_call_is_watched_while_a_node_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the function are, whose return gives names; bpx's own are far more."""
    watching: list[bool] = []
    compare = Tape._compare

    def compared(*args: Any) -> None:
        watching.append(sys.getprofile() is not None)
        compare(*args)

    def function(x: Any) -> Any:
        watching.append(sys.getprofile() is not None)
        out = x * x
        watching.append(sys.getprofile() is not None)
        return out

    monkeypatch.setattr(Tape, "_compare", compared)
    trace_function(function, {"x": np.arange(3.0)})
    assert watching[-3:] == [True, False, True]  # it is called on arrays first
