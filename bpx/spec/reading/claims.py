"""Claims: gradients that somebody worked out by hand, as a formula in names of nodes or as numbers.

A number counts as it is written: its last digit says how exactly it is meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from bpx.graph.graph import Graph
from bpx.graph.named.claim import Claim, NamedFormula
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import Written
from bpx.graph.numbers import CONSTANTS
from bpx.graph.subgraph import Subgraph
from bpx.spec.reading.syntax import ClaimSyntax
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.problems import report_with_guess, reporter
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span

N = TypeVar("N", bound=NamedGraph)

# --- text → claim -------------------------------------------------------------------------------

_CLAIM = re.compile(r"\s*(?P<name>[^=:]*[^=:\s])\s*[=:](?!=)\s*")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+−]?)\s*(?P<whole>\d{1,300}|(?=\.))(?P<rest>(?:\.\d+)?(?:[eE][-+−]?\d{1,3})?)(?![\w.])"
)


def read_claim(text: str) -> ClaimSyntax:
    """The claim in a text such as `w = [0.1, -0.2]`, `x = 2*(x+y)` or `x: 2*(x+y)`. Raises `BpxError`."""
    match = _CLAIM.match(text)
    if not match:
        raise BpxError([Diagnostic("bad-claim", None, {"text": text})])
    source, start = Source("--claim", text), match.end()
    name, rest, span = match["name"], text[start:], Span(source, 0, len(text))
    written = numbers_in(rest)
    if written is not None:
        return _usable(ClaimSyntax(name, None, written, span))
    expression, problems = parse(SourceText(source, rest, range(start, len(text) + 1)))
    if problems:
        raise BpxError(problems)
    return ClaimSyntax(name, expression, None, span)


def _usable(claim: ClaimSyntax) -> ClaimSyntax:
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
        return [_nest(inner) for inner in plain]
    match = _NUMBER.fullmatch(plain) if isinstance(plain, str) else None
    if not match:
        raise ValueError(plain)
    sign = "-" if match["sign"] in ("-", "−") else ""
    whole, rest = match["whole"].lstrip("0") or "0", match["rest"].replace("−", "-")
    return Written(sign + whole + rest) if rest else int(sign + whole)


# --- claim → spec -------------------------------------------------------------------------------


def with_claims(spec: N, claims: Iterable[ClaimSyntax]) -> N:
    """The spec with these claims too, each in place of one it may have of the node. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    read = resolved(spec, claims, problems)
    if problems:
        raise BpxError(problems)
    return replace(spec, claims={**spec.claims, **read})


def resolved(spec: NamedGraph, claims: Iterable[ClaimSyntax], problems: list[Diagnostic]) -> dict[str, Claim]:
    """The claims by name of the node; unknown names, and formulas that cannot be built, are reported."""
    read: dict[str, Claim] = {}
    for claim in claims:
        name = node_name(spec, claim.name)
        if name is None:
            problem = Diagnostic("claim-unknown", claim.span, {"name": claim.name})
            report_with_guess(problems, problem, claim.name, spec.nodes)
        elif name in read:
            problems.append(Diagnostic("duplicate-key", claim.span, {"key": claim.name}))
        else:
            formula = named_formula(claim.expression, spec, problems) if claim.expression else None
            if formula or claim.expression is None:
                read[name] = Claim(name, formula, claim.written, claim.span)
    return read


def node_name(spec: NamedGraph, name: str) -> str | None:
    """The node a claim speaks of: by its name, or by `∂L/∂w` or `dL/dw` where L is the output."""
    output = spec.names[spec.output]
    for text in (name, name.removeprefix(f"∂{output}/∂"), name.removeprefix(f"d{output}/d")):
        if text in spec.nodes:
            return text
    return None


def named_formula(
    expression: Expression, spec: NamedGraph, problems: list[Diagnostic]
) -> NamedFormula | None:
    """A formula in names of the spec's nodes; None where something was reported."""
    graph = Graph()
    used = [name for name in expression.names() if name in spec.nodes]
    places = {name: graph.input(spec.graph.shapes[spec.nodes[name]]) for name in used}
    ops = {name: custom.op for name, custom in spec.custom.items()}
    root = build(expression, graph, places, reporter(problems, [*spec.nodes, *CONSTANTS]), ops=ops)
    if root is None:
        return None
    inside = Subgraph(graph, tuple(place.id for place in places.values()), root.id)
    return NamedFormula(expression.text.content, tuple(used), inside)
