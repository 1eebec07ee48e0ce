"""What `import bpx` hands out: specs, accounts and reports with their verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bpx.check.report.report import Report
from bpx.explain.explain import explain as _explain
from bpx.explain.explanation import Explanation
from bpx.graph.graph import Expr
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.spec.python import spec_of
from bpx.spec.reading.read import read_expression
from bpx.spec.reading.target import FORMATS, read_target, read_text
from bpx.spec.writing.write import write_spec
from bpx.train.training import Training
from bpx.words.diagnostic import BpxError, Diagnostic, Source

if TYPE_CHECKING:
    from bpx.spec.reading.syntax import ClaimSyntax


class Spec(NamedGraph):
    """A graph with names and values, and what can be done with it."""

    @classmethod
    def of(cls, graph: NamedGraph) -> Self:
        """The same graph with these verbs."""
        return cls(**{field.name: getattr(graph, field.name) for field in fields(graph)})

    def explain(self, **options: Any) -> Explanation:
        """The explanation of both passes; for the options see `bpx.explain.explain.explain`."""
        return _explain(self, **options)

    def gradcheck(
        self, *, claims: Mapping[str, Any] | None = None, rtol: float = 0.0, **options: Any
    ) -> Report:
        """Whether the gradient, or a claimed one, is right; for the options see `bpx.check.gradcheck`.

        `claims` are gradients by name of the node: a formula, or an array, which is meant exactly, up to the
        rounding of its dtype or a relative error of `rtol`. Raises `bpx.BpxError`.
        """
        from bpx.check.gradcheck import gradcheck
        from bpx.spec.reading.claims import with_claims, with_rtol

        return gradcheck(with_rtol(with_claims(self, _claims(claims or {})), rtol), **options)

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

        return train(self, Options(**options), wrt=wrt, progress=progress)

    def save(self, path: str | Path) -> None:
        """Write the spec to a `.toml` or `.json` file. Raises `bpx.BpxError` for another ending."""
        format = FORMATS.get(Path(path).suffix.lower())
        if format is None:
            raise BpxError([Diagnostic("unknown-format", None, {"name": str(path)})])
        Path(path).write_text(write_spec(self, format), encoding="utf-8")


def load(target: str | Path, /, **values: Any) -> Spec:
    """A spec from a `.toml` or `.json` file, a bundled example's name, the text of a spec, or `net.py:loss`.

    `values` take the place of inputs' values. Raises `bpx.BpxError`.
    """
    if isinstance(target, str) and _names_code(target):
        from bpx.spec.code.target import graph_of, read_code

        return Spec.of(graph_of(read_code(target, values)))
    if isinstance(target, str) and ("\n" in target or target.lstrip().startswith("{")):
        return Spec.of(read_text(Source("<text>", target), values))
    return Spec.of(read_target(str(target), values))


def _names_code(target: str) -> bool:
    if ".py" not in target:
        return False
    from bpx.spec.code.loading import is_code

    return is_code(target)


def parse(expression: str, /, **values: Any) -> Spec:
    """A spec from an expression and the values of its inputs. Raises `bpx.BpxError`."""
    return Spec.of(read_expression(Source("<expression>", expression), _stated(values)))


def _stated(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, none of which is None. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    for name in (name for name, value in values.items() if value is None):
        as_array(name, None, problems)
    if problems:
        raise BpxError(problems)
    return values


def trace(function: Callable[..., Any], /, *arrays: Any, **values: Any) -> Spec:
    """A spec from a Python function of NumPy arrays: the graph of what it computes, with its names and lines.

    It is called with `arrays` in the order of its arguments and with `values` by name. Numbers, lists and
    arrays of floats are inputs of the graph, also those in lists and dicts; arrays of integers and truth
    values are data. Ops of `bpx.ops` may be called too. Raises `bpx.BpxError`, with the line, where something
    cannot be traced.
    """
    from bpx.spec.code.target import graph_of_function

    return Spec.of(graph_of_function(function, arrays, values))


def from_graph(output: Expr, inputs: Mapping[str, tuple[Expr, Any]]) -> Spec:
    """A spec from a graph built by hand: `inputs` names its inputs and gives each a value."""
    return Spec.of(spec_of(output, inputs))


def gradcheck(
    forward: Callable[..., Any] | str,
    inputs: Sequence[Any] | Mapping[str, Any] = (),
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    **options: Any,
) -> Report:
    """Whether `backward` is the gradient of `forward`, both functions of NumPy arrays.

    `forward` may also name them in a file, as in `net.py:forward,backward`; `inputs` are values by name then.
    `forward(*inputs)` returns an array or a number, `backward(g, *inputs)` one gradient per input, where
    `g` has the output's shape; for the options see `bpx.check.function.black_box`. Raises `bpx.BpxError`.
    """
    if isinstance(forward, str):
        from bpx.spec.code.target import check_code, read_code

        return check_code(read_code(forward, dict(inputs)), **options)
    from bpx.check.function.black_box import check_function

    return check_function(forward, list(inputs), backward, names, **options)


def _claims(claims: Mapping[str, Any]) -> list[ClaimSyntax]:
    """Texts are read as on the command line, numbers are meant exactly."""
    from bpx.check.numeric.error_bound import short_float_rounding
    from bpx.spec.reading.claims import read_claim
    from bpx.spec.reading.syntax import ClaimSyntax

    syntaxes: list[ClaimSyntax] = []
    problems: list[Diagnostic] = []
    for name, value in claims.items():
        if isinstance(value, str):
            try:
                syntaxes.append(read_claim(f"{name} = {value}"))
            except BpxError as error:
                problems += error.diagnostics
        elif (numbers := as_array(name, value, problems)) is not None:
            syntaxes.append(ClaimSyntax(name, None, numbers.tolist(), None, short_float_rounding(value)))
    if problems:
        raise BpxError(problems)
    return syntaxes
