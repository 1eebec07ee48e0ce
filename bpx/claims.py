"""Claims: gradients that somebody worked out by hand, as a formula in names of nodes or as numbers.

A number counts as it is written: its last digit says how exactly it is meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.build import MOST_WITH_CARE, build, reporter
from bpx.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.document import Written, tolerance
from bpx.formula import CONSTANTS, shape_text
from bpx.graph import Array, Expr, Graph, Shape
from bpx.parser import Code, Text, parse

if TYPE_CHECKING:
    from bpx.spec import Spec


class Claim(NamedTuple):
    """What somebody says ∂output/∂node is: a formula (`code`), or numbers as they were written.

    `name` is the node's, or as people write it `∂L/∂w` or `dL/dw`; in a spec it is the node's.
    """

    name: str
    code: Code | None
    written: Any  # a number or a nest of lists of numbers; None where there is a formula
    span: Span | None

    @property
    def numbers(self) -> Array | None:
        """The numbers as an array; None for a formula."""
        return None if self.code else np.array(self.written, dtype=np.float64)

    @property
    def tolerance(self) -> Array | None:
        """Half a unit of the last written digit of each number; None for a formula."""
        return None if self.numbers is None else tolerance(self.written, self.numbers.shape)


# --- text → claim -------------------------------------------------------------------------------

_CLAIM = re.compile(r"\s*(?P<name>[^=:]*[^=:\s])\s*[=:](?!=)\s*")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+−]?)\s*(?P<whole>\d{1,300}|(?=\.))(?P<rest>(?:\.\d+)?(?:[eE][-+−]?\d{1,3})?)(?![\w.])"
)


def read_claim(text: str) -> Claim:
    """The claim in a text such as `w = [0.1, -0.2]`, `x = 2*(x+y)` or `x: 2*(x+y)`. Raises `BpxError`."""
    match = _CLAIM.match(text)
    if not match:
        raise BpxError([Diagnostic("bad-claim", None, {"text": text})])
    source, start = Source("--claim", text), match.end()
    name, rest, span = match["name"], text[start:], Span(source, 0, len(text))
    written = numbers_in(rest)
    if written is not None:
        return _usable(Claim(name, None, written, span))
    code, problems = parse(Text(source, rest, range(start, len(text) + 1)))
    if problems:
        raise BpxError(problems)
    return Claim(name, code, None, span)


def _usable(claim: Claim) -> Claim:
    facts = {"name": claim.name, "found": "inf"}
    try:
        numbers = np.array(claim.written, dtype=np.float64)
    except ValueError:
        raise BpxError([Diagnostic("ragged", claim.span, facts)]) from None
    if not numbers.size:
        raise BpxError([Diagnostic("empty-array", claim.span, facts)])
    if not np.isfinite(numbers).all():
        raise BpxError([Diagnostic("not-finite-input", claim.span, facts)])
    return claim


def numbers_in(text: str) -> Any:
    """A number or a nest of lists of numbers with their digits as written; None for any other text."""
    try:
        return _nest(json.loads(_NUMBER.sub(lambda match: f'"{match.group()}"', text)))
    except (ValueError, RecursionError):
        return None


def _nest(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_nest(one) for one in plain]
    match = _NUMBER.fullmatch(plain) if isinstance(plain, str) else None
    if not match:
        raise ValueError(f"{plain!r} is no number")
    sign = "-" if match["sign"] in ("-", "−") else ""
    whole, rest = match["whole"].lstrip("0") or "0", match["rest"].replace("−", "-")
    return Written(sign + whole + rest) if rest else int(sign + whole)


# --- claim → graph ------------------------------------------------------------------------------


def with_claims(spec: Spec, claims: Iterable[Claim]) -> Spec:
    """The spec with these claims too, each in place of one it may have of the node. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    found = checked(spec, claims, problems)
    if problems:
        raise BpxError(problems)
    return replace(spec, claims={**spec.claims, **found})


def checked(spec: Spec, claims: Iterable[Claim], problems: list[Diagnostic]) -> dict[str, Claim]:
    """The claims by name of the node; unknown names, and formulas that cannot be built, are reported."""
    found: dict[str, Claim] = {}
    graph = spec.graph.copy()
    for claim in claims:
        name = node_name(spec, claim.name)
        if name is None:
            problem = Diagnostic("claim-unknown", claim.span, {"name": claim.name})
            careful = len(problems) < MOST_WITH_CARE
            problems.append(problem.suggesting(claim.name, spec.nodes) if careful else problem)
        elif name in found:
            problems.append(Diagnostic("duplicate-key", claim.span, {"key": claim.name}))
        else:
            found[name] = claim._replace(name=name)
            _formula(claim, spec, graph, problems)
    return found


def node_name(spec: Spec, name: str) -> str | None:
    """The node a claim speaks of: by its name, or by `∂L/∂w` or `dL/dw` where L is the output."""
    output = spec.names[spec.output]
    for text in (name, name.removeprefix(f"∂{output}/∂"), name.removeprefix(f"d{output}/d")):
        if text in spec.nodes:
            return text
    return None


def build_claim(claim: Claim, spec: Spec, graph: Graph, problems: list[Diagnostic]) -> Expr | None:
    """A claim of `spec` as a node of `graph`, a copy of the spec's own; None where something was reported.

    It has the shape of the node that it speaks of. Of other shapes only a scalar 0 will do, which says
    that no gradient arrives.
    """
    claimed = _formula(claim, spec, graph, problems) if claim.code else claim.numbers
    if claimed is None:
        return None
    wanted = graph.shapes[spec.nodes[claim.name]]
    if claimed.shape == wanted:
        return graph.lift(claimed)
    if _is_zero(claimed):
        return graph.constant(np.zeros(wanted))
    facts = {"name": claim.name, "found": shape_text(claimed.shape), "wanted": shape_text(wanted)}
    problems.append(Diagnostic("claim-shape", claim.span, facts, _shape_help(claimed.shape, wanted)))
    return None


def _shape_help(found: Shape, wanted: Shape) -> str | None:
    """What was probably forgotten where a gradient has another shape than its node."""
    if len(found) > 1 and found[::-1] == wanted:
        return "claim-transposed"
    stretched = len(found) >= len(wanted) and all(
        n in (1, m) for n, m in zip(wanted[::-1], found[::-1], strict=False)
    )
    return "claim-not-summed" if stretched else None


def _is_zero(claimed: Expr | Array) -> bool:
    return claimed.number == 0 if isinstance(claimed, Expr) else bool(claimed.ndim == 0 and claimed == 0)


def _formula(claim: Claim, spec: Spec, graph: Graph, problems: list[Diagnostic]) -> Expr | None:
    if claim.code is None:
        return None
    names = {name: graph[node] for name, node in spec.nodes.items()}
    ops = {name: one.op for name, one in spec.custom.items()}
    return build(claim.code, graph, names, reporter(problems, [*names, *CONSTANTS]), ops=ops)
