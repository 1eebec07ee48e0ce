"""What `import bpx` hands out: specs, accounts and reports with their verbs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bpx.check.report.options import HintLevel, hint_level
from bpx.check.report.report import Report
from bpx.explain.explain import explain as _explain
from bpx.explain.explanation import Explanation
from bpx.graph.graph import Expr
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.spec.python import spec_of
from bpx.spec.reading.endings import is_code, is_model
from bpx.spec.reading.target import FORMATS, read_formulas, read_target, read_text
from bpx.spec.writing.write import write_spec
from bpx.train.training import Training
from bpx.words.arguments import checked, refuse_wrong_types
from bpx.words.diagnostic import BpxError, Diagnostic, Source
from bpx.words.files import write_file

if TYPE_CHECKING:
    from bpx.check.tables.two_tables import TwoTables
    from bpx.passes.evaluate import Evaluator, Result
    from bpx.spec.practice.results import Graded
    from bpx.spec.practice.sheet import Sheet
    from bpx.spec.tables.table import Table
    from bpx.train.sweep.result import Sweep


class Spec(NamedGraph):
    """A graph with names and values, and what can be done with it."""

    @classmethod
    def of(cls, graph: NamedGraph) -> Self:
        """The same graph with these verbs."""
        return cls(**{field.name: getattr(graph, field.name) for field in fields(graph)})

    def explain(self, **options: Any) -> Explanation:
        """The explanation of both passes; for the options see `bpx.explain.explain.explain`."""
        return _explain(self, **options)

    @checked
    def gradcheck(
        self,
        *,
        claims: Mapping[str, Any] | None = None,
        rtol: float = 0.0,
        hint: int = HintLevel.NUMBERS,
        **options: Any,
    ) -> Report:
        """Whether the gradient, or a claimed one, is right; for the options see `bpx.check.gradcheck`.

        `claims` are gradients by name of the node: a formula, or an array, which is meant exactly, up to the
        rounding of its dtype or a relative error of `rtol`. `hint` is how much is said of what is wrong, see
        `Report.hint`. Raises `bpx.BpxError`.
        """
        from bpx.check.gradcheck import gradcheck
        from bpx.explain.checked_picture import checked_picture
        from bpx.spec.reading.claims import with_claims, with_rtol
        from bpx.spec.tables.stated import stated_claims

        if isinstance(options.get("wrt"), Iterator):  # which is asked for twice
            options["wrt"] = list(options["wrt"])
        refuse_wrong_types(gradcheck, options)
        stated = with_rtol(with_claims(self, stated_claims(self, claims or {}, options)), rtol)
        report = gradcheck(stated, **options)
        of, wrt, upstream = (options.get(name) for name in ("of", "wrt", "upstream"))
        return replace(report, drawing=partial(checked_picture, self, of, wrt, upstream)).hint(hint)

    @checked
    def audit(
        self,
        gradients: str | Path | Mapping[str, Any],
        other: str | Path | Mapping[str, Any] | None = None,
        *,
        of: str | None = None,
        upstream: Any = None,
        skip: Collection[str] = (),
        floats: str | None = None,
        rtol: float = 0.0,
        **options: Any,
    ) -> Report | TwoTables:
        """Whether the gradients that another program wrote are right, or, with `other`, where two part.

        `gradients` is a file (NPZ, NPY, JSON, CSV, safetensors) or a mapping of names to arrays; the names
        are as people write them, `dW1`, `W1.grad`. `skip` are names to leave out, `floats` the type in which
        the program computed, such as `float32`, where its numbers do not show it. For `of`, `upstream` and
        the other options see `gradcheck`. Raises `bpx.BpxError`.
        """
        from bpx.spec.tables.audit import audit, audit_two
        from bpx.spec.tables.claims import Asked

        asked = Asked(of, upstream, tuple(skip), floats)
        table = _table(gradients)
        if other is None:
            return audit(self, table, asked, rtol, **options)
        return audit_two(self, (table, _table(other)), asked, rtol, **options)

    @checked
    def train(
        self,
        *,
        wrt: str | Iterable[str] | None = None,
        progress: Callable[[float, float], None] | None = None,
        **options: Any,
    ) -> Training[Self]:
        """Train the parameters, or the inputs `wrt`, so that the output falls.

        For the options (`optimizer`, `rate`, `momentum`, `steps`, `batch`, `seed`, `target`, `show_steps`,
        `check`) see `bpx.train.train.Options`. `progress` is told the fraction done and the loss. The
        training's `spec` is this one with its new values; this one stays as it is. Raises `bpx.BpxError`.
        """
        from bpx.train.train import Options, train

        refuse_wrong_types(Options, options)
        return train(self, Options(**options), wrt=wrt, progress=progress)

    @checked
    def sweep(self, over: str | Sequence[str] | Mapping[str, Any], **options: Any) -> Sweep:
        """The output at many values of inputs, such as `over={"w": (-2, 2), "b": [0, 1]}`.

        For ranges, lists and the options (`of`, `gradient`, `descend`, `rate`, `optimizer`) see
        `bpx.train.sweep.sweep`. Raises `bpx.BpxError`.
        """
        from bpx.train.sweep.sweep import sweep

        return sweep(self, over, **options)

    @checked
    def practice(self, *, blanks: int | str = 1, plant: int = 0, seed: int = 0, **options: Any) -> Sheet:
        """A sheet to practise on: cells of both passes left blank, or mistakes to find.

        `blanks` is a number or "all"; with `plant`, so many mistakes are planted instead. For `rate` and
        `digits` see `bpx.spec.practice.practice.exercise_of`. Raises `bpx.BpxError`.
        """
        from bpx.spec.practice.practice import exercise_of
        from bpx.spec.practice.sheet import Sheet

        return Sheet(exercise_of(self, blanks=blanks, plant=plant, seed=seed, **options))

    @checked
    def value_and_gradients(
        self, *, of: str | None = None, wrt: str | Iterable[str] | None = None, upstream: Any = None
    ) -> Result:
        """The output's value, and its gradients by name, as numbers alone: what `explain` says of them.

        For the options see `explain`. Raises `bpx.BpxError`.
        """
        from bpx.passes.evaluate import value_and_gradients

        return value_and_gradients(self, of, wrt, upstream)

    @checked
    def compile(
        self, *, of: str | None = None, wrt: str | Iterable[str] | None = None, upstream: Any = None
    ) -> Evaluator:
        """A function of the inputs by name that returns the value and the gradients by name.

        Its `batch` takes many points at once. For the options see `explain`. Raises `bpx.BpxError`.
        """
        from bpx.passes.evaluate import Evaluator

        return Evaluator(self, of, wrt, upstream)

    @checked
    def save(self, path: str | Path) -> None:
        """Write the spec to a `.toml` or `.json` file.

        Raises `bpx.BpxError` for another ending, and where the file cannot be written.
        """
        format = FORMATS.get(Path(path).suffix.lower())
        if format is None:
            raise BpxError([Diagnostic("unknown-format", None, {"name": str(path)})])
        write_file(path, write_spec(self, format))

    @checked
    def to_code(self, library: str = "numpy") -> str:
        """A Python module that computes both passes with `numpy`, `torch` or `jax` alone.

        Raises `bpx.BpxError` for another library.
        """
        from bpx.spec.writing.code.libraries import LIBRARIES
        from bpx.spec.writing.code.module import write_module

        if library not in LIBRARIES:
            facts = {"found": library, "known": ", ".join(LIBRARIES)}
            raise BpxError([Diagnostic("unknown-choice", None, facts, "choices-are")])
        return write_module(self, library)


@checked
def load(target: str | Path, /, **values: Any) -> Spec:
    """A spec from a `.toml` or `.json` file, an example's name, a spec's text, `net.py:loss`, or a model.

    `values` take the place of inputs' values. Raises `bpx.BpxError`.
    """
    if isinstance(target, str) and is_code(target):
        from bpx.spec.code.target import graph_of, read_code

        return Spec.of(graph_of(read_code(target, values)))
    if isinstance(target, str) and ("\n" in target or target.lstrip().startswith("{")):
        return Spec.of(read_text(Source("<text>", target), values))
    if is_model(str(target)):
        from bpx.spec.models.target import graph_of_file

        return Spec.of(graph_of_file(str(target), values))
    return Spec.of(read_target(str(target), values))


@checked
def parse(expression: str, /, *, notation: str | None = None, **values: Any) -> Spec:
    """A spec from an expression, or from statements (`z = w*x; z^2`), and the values of its inputs.

    `notation` is `text`, `latex` or `python`; without it the expression shows in which it is. Raises
    `bpx.BpxError`.
    """
    return Spec.of(read_formulas(Source("<expression>", expression), _stated(values), notation))


def _stated(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, none of which is None. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    for name in (name for name, value in values.items() if value is None):
        as_array(name, None, problems)
    if problems:
        raise BpxError(problems)
    return values


@checked
def trace(function: Callable[..., Any], /, *arrays: Any, **values: Any) -> Spec:
    """A spec from a Python function of NumPy arrays: the graph of what it computes, with its names and lines.

    It is called with `arrays` in the order of its arguments and with `values` by name. Numbers, lists and
    arrays of floats are inputs of the graph, also those in lists and dicts; arrays of integers and truth
    values are data. Ops of `bpx.ops` may be called too. Raises `bpx.BpxError`, with the line, where something
    cannot be traced.
    """
    from bpx.spec.code.target import graph_of_function

    return Spec.of(graph_of_function(function, arrays, values))


@checked
def from_graph(output: Expr, inputs: Mapping[str, tuple[Expr, Any]]) -> Spec:
    """A spec from a graph built by hand: `inputs` names its inputs and gives each a value."""
    return Spec.of(spec_of(output, inputs))


@checked
def gradcheck(
    forward: Callable[..., Any] | str | Any,
    inputs: Sequence[Any] | Mapping[str, Any] | Any = (),
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    hint: int = HintLevel.NUMBERS,
    **options: Any,
) -> Report:
    """Whether `backward` is the gradient of `forward`, both functions of NumPy arrays.

    `forward` may also name them in a file, as in `net.py:forward,backward`; `inputs` are values by name then.
    A formula or a spec, too, may be named: it is loaded with `inputs` and `options` that are none as values.
    `forward(*inputs)` returns an array or a number, `backward(g, *inputs)` one gradient per input, where
    `g` has the output's shape. Other styles are understood as in files, see `bpx.spec.callables.styles`;
    then `inputs` may be values by name, and `backward` is None where `forward` returns the gradients too, or
    is an object with both passes. `hint` is how much is said of what is wrong, see `Report.hint`.
    For the options see `bpx.check.function.black_box`. Raises `bpx.BpxError`.
    """
    if isinstance(forward, str) and not is_code(forward):
        return _gradcheck_of_text(forward, inputs, backward, options).hint(hint)
    if isinstance(forward, str):
        from bpx.spec.code.target import check_code, read_code

        report = check_code(read_code(forward, dict(inputs)), **options)
        return replace(report, again=None if inputs else f"bpx gradcheck {forward}").hint(hint)
    from bpx.spec.callables.check import check_callables

    return check_callables(forward, inputs, backward, names, **options).hint(hint)


def _gradcheck_of_text(
    target: str, inputs: Sequence[Any] | Mapping[str, Any], backward: Any, options: Mapping[str, Any]
) -> Report:
    """The check of what `load` reads; of the options those that the check does not know are values."""
    from bpx.check.gradcheck import gradcheck

    if backward is not None or (inputs and not isinstance(inputs, Mapping)):
        raise BpxError([Diagnostic("formula-with-functions", None, {"name": target}, "claim-instead")])
    known = {*signature(gradcheck).parameters, *signature(Spec.gradcheck).parameters}
    values = {name: value for name, value in options.items() if name not in known}
    spec = load(target, **{**dict(inputs), **values})
    return spec.gradcheck(**{name: value for name, value in options.items() if name in known})


@checked
def assert_gradients(
    forward: Callable[..., Any] | str | Any,
    inputs: Sequence[Any] | Mapping[str, Any] | Any = (),
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    **options: Any,
) -> None:
    """Raise `AssertionError` with a short report unless every entry of the gradient agrees.

    For the arguments see `gradcheck`. Raises `bpx.BpxError` where there is nothing to check.
    """
    gradcheck(forward, inputs, backward, names, **options).raise_if_wrong(strict=True)


@checked
def grade(
    sheet: Sheet | str | Path, answers: Mapping[str, Any] | None = None, *, hint: int | None = None
) -> Graded:
    """A sheet judged: a file that was filled in, or a sheet, or the text of one, with `answers` by cell.

    An answer is a number, an array, or a text with a number or a formula. `hint` is how much is said of what
    is wrong, from 1 to 5; without one it is 2, and nothing of mistakes that were not found. A sheet in code
    is run. Raises `bpx.BpxError`.
    """
    from bpx.spec.practice.code.in_a_process import GradedCodeSheet
    from bpx.spec.practice.practice import graded, read_any_sheet, typed
    from bpx.spec.practice.read_sheet import FilledSheet, sheet_in
    from bpx.spec.practice.sheet import Sheet

    level = hint_level(HintLevel.KIND if hint is None else hint)
    filled: FilledSheet | GradedCodeSheet
    if isinstance(sheet, Sheet):
        filled = FilledSheet(sheet.title, sheet.exercise, {})
    elif isinstance(sheet, str) and "\n" in sheet:
        filled = sheet_in(Source("<sheet>", sheet))
    else:
        filled = read_any_sheet(str(sheet))
    if isinstance(filled, FilledSheet):
        filled = filled._replace(texts={**filled.texts, **typed(answers or {})})
    return graded([filled], level=level, leads=hint is not None)


def _table(gradients: str | Path | Mapping[str, Any]) -> Table:
    from bpx.spec.tables.read_table import read_table
    from bpx.spec.tables.table import table_of

    return table_of(gradients) if isinstance(gradients, Mapping) else read_table(gradients)
