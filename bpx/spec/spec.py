"""What `import bpx` hands out: specs, accounts and reports with their verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.jupyter import JupyterMixin

from bpx.check.report import report
from bpx.check.report.blocks import report_blocks
from bpx.explain import explanation as account
from bpx.explain.explain import explain as _explain
from bpx.explain.sections.account import explanation_blocks
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.render.blocks import Block
from bpx.render.json import json_text
from bpx.render.markdown import markdown
from bpx.render.plain import plain
from bpx.render.table import renderables
from bpx.spec.python import spec_of
from bpx.spec.reading.read import read_expression
from bpx.spec.reading.target import FORMATS, read_target, read_text
from bpx.spec.writing.write import write_spec
from bpx.train import training
from bpx.train.blocks import training_blocks
from bpx.words.diagnostic import BpxError, Diagnostic, Source

if TYPE_CHECKING:
    from bpx.spec.reading.syntax import ClaimSyntax

_T = TypeVar("_T")


class _Shown(JupyterMixin):
    """Plain data that prints as tables in a terminal and in a notebook, and as text elsewhere."""

    to_dict: Callable[..., dict[str, Any]]

    def _blocks(self) -> list[Block]:
        raise NotImplementedError

    def to_json(self) -> str:
        """The JSON contract as text."""
        return json_text(self.to_dict())

    def to_markdown(self) -> str:
        """The same as Markdown."""
        return markdown(self._blocks())

    def __str__(self) -> str:
        return plain(self._blocks())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from renderables(self._blocks())


class Explanation(_Shown, account.Explanation):
    """The account of a gradient."""

    def _blocks(self) -> list[Block]:
        return explanation_blocks(self)


class Report(_Shown, report.Report):
    """What a check found."""

    def _blocks(self) -> list[Block]:
        return report_blocks(self)

    def to_junit(self, strict: bool = False) -> str:
        """The report as JUnit XML; `strict` makes a failure of everything but agreement."""
        from bpx.check.report.junit import junit

        return junit(self, strict)


class Training(_Shown, training.Training):
    """What a training did."""

    spec: Spec

    def _blocks(self) -> list[Block]:
        return training_blocks(self)


class Spec(NamedGraph):
    """A graph with names and values, and what can be done with it."""

    def explain(self, **options: Any) -> Explanation:
        """The account of both passes; for the options see `bpx.explain.explain.explain`."""
        return _dressed(Explanation, _explain(self, **options))

    def gradcheck(self, *, claims: Mapping[str, Any] | None = None, **options: Any) -> Report:
        """Whether the gradient, or a claimed one, is right; for the options see `bpx.check.gradcheck`.

        `claims` are gradients by name of the node: an array, which is meant exactly, or a formula.
        Raises `bpx.BpxError`.
        """
        from bpx.check.gradcheck import gradcheck
        from bpx.spec.reading.claims import with_claims

        return _dressed(Report, gradcheck(with_claims(self, _claims(claims or {})), **options))

    def train(
        self,
        *,
        wrt: str | Iterable[str] | None = None,
        progress: Callable[[float, float], None] | None = None,
        **options: Any,
    ) -> Training:
        """Train the parameters, or the inputs `wrt`, so that the output falls.

        For the options (`optimizer`, `rate`, `momentum`, `steps`, `batch`, `seed`, `target`, `show_steps`,
        `check`) see `bpx.train.train.Options`. `progress` is told the fraction done and the loss. The
        training's `spec` is this one with its new values; this one stays as it is. Raises `bpx.BpxError`.
        """
        from bpx.train.train import Options, train

        return _dressed(Training, train(self, Options(**options), wrt=wrt, progress=progress))

    def save(self, path: str | Path) -> None:
        """Write the spec to a `.toml` or `.json` file. Raises `bpx.BpxError` for another ending."""
        format = FORMATS.get(Path(path).suffix.lower())
        if format is None:
            raise BpxError([Diagnostic("unknown-format", None, {"name": str(path)})])
        Path(path).write_text(write_spec(self, format), encoding="utf-8")


def load(target: str | Path, /, **values: Any) -> Spec:
    """A spec from a `.toml` or `.json` file, a bundled example's name, or the text of a spec.

    `values` take the place of inputs' values. Raises `bpx.BpxError`.
    """
    if isinstance(target, str) and ("\n" in target or target.lstrip().startswith("{")):
        return _dressed(Spec, read_text(Source("<text>", target), values))
    return _dressed(Spec, read_target(str(target), values))


def parse(expression: str, /, **values: Any) -> Spec:
    """A spec from an expression and the values of its inputs. Raises `bpx.BpxError`."""
    return _dressed(Spec, read_expression(Source("<expression>", expression), values))


def trace(function: Callable[..., Expr | float], /, **values: Any) -> Spec:
    """A spec from a Python function of handles: called once, its operators build the graph."""
    graph = Graph()
    inputs = {name: (graph.input(_shape(value)), value) for name, value in values.items()}
    output = function(**{name: expr for name, (expr, _) in inputs.items()})
    return from_graph(graph.lift(output), inputs)


def from_graph(output: Expr, inputs: Mapping[str, tuple[Expr, Any]]) -> Spec:
    """A spec from a graph built by hand: `inputs` names its inputs and gives each a value."""
    return _dressed(Spec, spec_of(output, inputs))


def gradcheck(
    forward: Callable[..., Any],
    inputs: Sequence[Any],
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    **options: Any,
) -> Report:
    """Whether `backward` is the gradient of `forward`, both functions of NumPy arrays.

    `forward(*inputs)` returns an array or a number, `backward(g, *inputs)` one gradient per input, where
    `g` has the output's shape; for the options see `bpx.check.function.black_box`. Raises `bpx.BpxError`.
    """
    from bpx.check.function.black_box import check_function

    return _dressed(Report, check_function(forward, inputs, backward, names, **options))


def _claims(claims: Mapping[str, Any]) -> list[ClaimSyntax]:
    """Texts are read as on the command line, numbers are meant exactly."""
    from bpx.spec.reading.claims import read_claim
    from bpx.spec.reading.syntax import ClaimSyntax

    made: list[ClaimSyntax] = []
    problems: list[Diagnostic] = []
    for name, value in claims.items():
        if isinstance(value, str):
            try:
                made.append(read_claim(f"{name} = {value}"))
            except BpxError as error:
                problems += error.diagnostics
        elif (numbers := as_array(name, value, problems)) is not None:
            made.append(ClaimSyntax(name, None, numbers.tolist(), None))
    if problems:
        raise BpxError(problems)
    return made


def _shape(value: Any) -> tuple[int, ...]:
    from numpy import shape

    return shape(value)


def _dressed(kind: type[_T], plain: Any) -> _T:
    """The same data as an instance of the class that has the verbs."""
    return kind(**{one.name: getattr(plain, one.name) for one in fields(plain)})
