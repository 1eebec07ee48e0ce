"""Claims: gradients that somebody worked out by hand, as a formula in names of nodes or as numbers.

A number counts as it is written: its last digit says how exactly it is meant.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from bpx.graph.arrays import Flags
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.claim import Claim, Derivative, Index, NamedFormula
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import Written
from bpx.graph.numbers import CONSTANTS, shape_text
from bpx.graph.subgraph import Subgraph
from bpx.spec.notations.read import LATEX_SIGNS as _LATEX
from bpx.spec.notations.read import Reading, fits
from bpx.spec.notations.read import read_formula as read_in_notation
from bpx.spec.notations.translation.known import Known
from bpx.spec.reading.syntax import ClaimSyntax
from bpx.spec.text.build import build
from bpx.spec.text.derivatives import (
    is_quotient_of_names,
    readings,
    with_derivatives_as_names,
    written_derivative,
)
from bpx.spec.text.parser import parse
from bpx.spec.text.printed import printed_numbers
from bpx.spec.text.problems import MOST_READ, MOST_WITH_CARE, listed, report_with_guess, reporter
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.words.say import say

N = TypeVar("N", bound=NamedGraph)

# --- text → claim -------------------------------------------------------------------------------

_CLAIM = re.compile(r"(?P<name>[^=:\[]*(?:\[[^\]]*\][^=:\[]*)*)[=:](?!=)\s*")
_NUMBER = re.compile(
    r"(?<![\w.])(?:(?P<sign>[-+−])\s*+)?(?P<whole>\d{1,300}|(?=\.))(?P<rest>(?:\.\d+)?(?:[eE][-+−]?\d{1,3})?)(?![\w.])"
)
_OTHER_BLANK = re.compile(r"[^\S \t\r\n]")  # than those that JSON knows
_NAME_OR_SIGN = re.compile(r"\s*[-+(]*\s*[\w.]+\s*$")  # a number alone is one in bpx's notation too
# What a correction says behind its formula, of names that bpx gave; `where(…)` is an op.
_ANOTHER_FORM = re.compile(r"[^=]* = (?P<last>[^=].*)", re.DOTALL)
_WHERE = re.compile(r"(?<!\s)\s++where\s+[^\W\d][\w.]*\s*=(?!=)")


def read_claim(text: str, place: str = "--claim", notation: str | None = None) -> ClaimSyntax:
    """The claim in a text such as `w = [0.1, -0.2]`, `x = 2*(x+y)` or `x: 2*(x+y)`. Raises `BpxError`.

    `place` is what the text is called in diagnostics and reports; a formula may be in any notation.
    """
    match = _CLAIM.match(text)
    if not match or not match["name"].strip():
        raise BpxError([Diagnostic("bad-claim", None, {"text": text}, "claim-form")])
    name, source = match["name"].strip(), Source(place, text)
    rest = SourceText(source, text[match.end() :], range(match.end(), len(text) + 1))
    return read_claimed(name, rest, Span(source, 0, len(text)), notation)


def read_claimed(name: str, text: SourceText, span: Span, notation: str | None = None) -> ClaimSyntax:
    """The claim that `name`, written at `span`, is the number or formula in `text`. Raises `BpxError`."""
    rest = text.content
    written = numbers_in(rest)
    if written is None and not _NAME_OR_SIGN.match(rest):
        written = printed_numbers(rest)
    if written is not None:
        return _usable(ClaimSyntax(name, None, written, span))
    if numbers_in(f"[{rest}]") is not None and "," in rest:
        array = {"array": f"[{rest.strip()}]"}
        raise BpxError([Diagnostic("claim-list", text.span(0, len(rest)), array, "write-array")])
    expression, problems = read_formula(text)
    if problems:  # in another notation? Which names there are is not known yet
        other = read_as_typed(text, Known(), notation)
        expression = other.expression
        # So it is of `2 3`, whatever names there are.
        if expression is None or (other.problems and not expression.names()):
            raise BpxError(other.problems if _LATEX.search(rest) else list(map(_in_a_claim, problems)))
    return ClaimSyntax(name, expression, None, span, typed=text, notation=notation)


def _in_a_claim(problem: Diagnostic) -> Diagnostic:
    """A second `=` is not meant to compare: bpx itself writes `∂y/∂x = v^2 = 3 * ∂y/∂v`."""
    return problem._replace(help="claim-one-side") if problem.code == "assignment" else problem


def read_as_typed(text: SourceText, known: Known, notation: str | None) -> Reading:
    """The formula of a claim in any notation; derivatives in it are names."""
    return read_in_notation(text.of_same_places(with_derivatives_as_names(text.content)), known, notation)


def read_formula(text: SourceText, plain: Collection[int] = ()) -> tuple[Expression | None, list[Diagnostic]]:
    """The formula of a claim, in which `∂L/∂w` is one name unless it begins at one of `plain`.

    Of a correction as bpx prints it the last of two equal forms is read, `∂L/∂a * …` of `a - y = ∂L/∂a * …`:
    only this one has the shape of its node in any case. What it says behind `where` is left out: these names
    are known.
    """
    where = _WHERE.search(text.content)
    content = text.content[: where.start()] if where else text.content
    another = _ANOTHER_FORM.match(content)
    if another and (where or "∂" in another["last"]):
        content = " " * another.start("last") + another["last"]
    expression, problems = parse(text.of_same_places(with_derivatives_as_names(content, plain)))
    return expression and expression._replace(text=text.of_same_places(content)), problems


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
        return _nest(json.loads(_NUMBER.sub(lambda match: f'"{match.group()}"', _OTHER_BLANK.sub(" ", text))))
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
    """The spec with these claims too, each in place of those it may have of the same. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    notes: list[Diagnostic] = []
    read = resolved(spec, claims, problems, notes)
    if problems:
        raise BpxError(problems)
    if not read and not notes:
        return spec  # itself, with the names that it has found for its nodes
    alike = defaultdict(list)
    for claim in read.values():
        alike[_of_by(spec, claim)].append(claim)
    earlier = {
        name: claim
        for name, claim in spec.claims.items()
        if name in read or not any(_overlap(spec, claim, other) for other in alike[_of_by(spec, claim)])
    }
    return replace(spec, claims={**earlier, **read}, warnings=(*spec.warnings, *notes))


def with_rtol(spec: N, rtol: float) -> N:
    """The spec whose claims in numbers are judged to this relative error, or to their last written digit."""

    if not rtol:
        return spec

    def wider(claim: Claim) -> Claim:
        room = claim.room if claim.numbers is None else np.maximum(claim.room, rtol * np.abs(claim.numbers))
        return claim._replace(room=room)

    wide = {name: wider(claim) for name, claim in spec.claims.items()}
    return replace(spec, claims=wide) if wide else spec


def resolved(
    spec: NamedGraph,
    claims: Iterable[ClaimSyntax],
    problems: list[Diagnostic],
    notes: list[Diagnostic] | None = None,
) -> dict[str, Claim]:
    """The claims by name of the derivative; what cannot be understood or built is reported.

    `notes` collects how formulas in other notations were read.
    """
    read: dict[str, Claim] = {}
    alike: defaultdict[tuple[str | None, ...], list[Claim]] = defaultdict(list)  # by what is derived by what
    for syntax in claims:
        if len(problems) > MOST_READ:
            break
        syntax, said = in_names_of(spec, syntax)
        problems += [problem for problem in said if problem.severity == "error"]
        if notes is not None:
            notes += [note for note in said if note.severity == "note"]
        derivative = claimed_derivative(spec, syntax, problems)
        if derivative is None:
            continue
        formula = named_formula(syntax.expression, spec, problems) if syntax.expression else None
        if syntax.expression and not formula:
            continue
        claim = Claim(derivative, formula, syntax.written, syntax.span, syntax.room)
        others = alike[_of_by(spec, claim)]
        earlier = next((other for other in others if _overlap(spec, claim, other)), None)
        if earlier:
            facts = {"name": _text(spec, derivative), "earlier": _text(spec, earlier.derivative)}
            problems.append(Diagnostic("claimed-twice", syntax.span, facts))
        else:
            read[_text(spec, derivative)] = claim
            others.append(claim)
    return read


def in_names_of(spec: NamedGraph, claim: ClaimSyntax) -> tuple[ClaimSyntax, list[Diagnostic]]:
    """The claim read once more, now that the names are known, where they may make a difference."""
    if claim.typed is None or claim.expression is None:
        return claim, []
    names = {name: spec.graph.shapes[node] for name, node in spec.nodes.items()}
    derivatives = {name: None for name in claim.expression.names() if written_derivative(name) != name}
    known = Known({**names, **derivatives}, spec.custom)
    if claim.notation in (None, "text") and fits(claim.expression, known):
        return claim, []
    reading = read_as_typed(claim.typed, known, claim.notation)
    if reading.expression is None:
        return claim, reading.problems if claim.notation or not reading.problems else _asked(reading.problems)
    return claim._replace(expression=reading.expression), reading.notes


def _asked(problems: list[Diagnostic]) -> list[Diagnostic]:
    """Questions, which must be answered; of other problems more is said where the formula is built."""
    return [problem for problem in problems if problem.code == "two-readings"]


def _text(spec: NamedGraph, derivative: Derivative) -> str:
    return derivative.text(spec.names[spec.output])


def claimed_derivative(spec: NamedGraph, claim: ClaimSyntax, problems: list[Diagnostic]) -> Derivative | None:
    """What a claim speaks of; None where it is nothing, or not clear, which is reported."""
    derivative = _only_reading(claim.name, spec, claim.span, problems)
    if derivative is None:
        if not readings(claim.name, spec):
            facts = {"name": claim.name, "known": listed(spec.nodes)}
            problem = Diagnostic("claim-unknown", claim.span, facts, "claim-names")
            report_with_guess(problems, problem, claim.name, spec.nodes)
        return None
    for node, index in (
        (derivative.node, derivative.at),
        (derivative.first, derivative.first_at),
        (derivative.of or spec.names[spec.output], derivative.of_at),
        *derivative.earlier,
    ):
        if node is not None and index is not None and not _has_entries(spec, node, index):
            shape = shape_text(spec.graph.shapes[spec.nodes[node]])
            problems.append(
                Diagnostic("claim-index", claim.span, {"entry": claim.name, "name": node, "shape": shape})
            )
            return None
    return derivative


def _only_reading(
    text: str, spec: NamedGraph, span: Span | None, problems: list[Diagnostic]
) -> Derivative | None:
    derivatives = readings(text, spec)
    if len(derivatives) > 1:
        output = spec.names[spec.output]
        every = [f"`{derivative.in_full(output)}`" for derivative in derivatives]
        facts = {"name": text, "readings": say("word.or").join(every)}
        problems.append(Diagnostic("claim-ambiguous", span, facts, "name-in-full"))
    return derivatives[0] if len(derivatives) == 1 else None


def _flags(spec: NamedGraph, name: str, index: Index | None) -> Flags:
    """Which entries of a node an index means. Raises `IndexError`."""
    flags = np.zeros(spec.graph.shapes[spec.nodes[name]], dtype=bool)
    flags[() if index is None else index] = True
    return flags


def _has_entries(spec: NamedGraph, name: str, index: Index) -> bool:
    try:
        return bool(_flags(spec, name, index).any())
    except IndexError:
        return False


def _of_by(spec: NamedGraph, claim: Claim) -> tuple[str | None, ...]:
    """What is derived by what: claims of other derivatives are no matter of each other's."""
    return claim.derivative.of or spec.names[spec.output], *claim.derivative.by


def _overlap(spec: NamedGraph, claim: Claim, other: Claim) -> bool:
    """Do two claims of a derivative of the same by the same speak of the same entries?"""
    one, two = claim.derivative, other.derivative
    output = spec.names[spec.output]
    pairs = [(one.node, one.at, two.at), (one.of or output, one.of_at, two.of_at)]
    if one.first is not None:
        pairs.append((one.first, one.first_at, two.first_at))
    pairs += [(name, at, two_at) for (name, at), (_, two_at) in zip(one.earlier, two.earlier, strict=True)]
    return all(
        bool(np.any(_flags(spec, name, index) & _flags(spec, name, other_index)))
        for name, index, other_index in pairs
    )


def named_formula(
    expression: Expression, spec: NamedGraph, problems: list[Diagnostic]
) -> NamedFormula | None:
    """A formula in names of the spec's nodes, and of derivatives; None where something was reported."""
    text = expression.text
    plain = [node.start for node in expression.name_nodes() if _is_plain(node.name, spec)]
    if plain:
        again, _ = read_formula(text, plain)
        expression = again or expression
    graph, before = Graph(), len(problems)
    places: dict[str, Expr | None] = {}
    derivatives: dict[str, Derivative] = {}
    unknown = 0
    for name in expression.names():
        if name in spec.nodes:
            places[name] = graph.input(spec.graph.shapes[spec.nodes[name]])
        elif name not in CONSTANTS and unknown < MOST_WITH_CARE:
            derivative = _only_reading(written_derivative(name), spec, expression.span, problems)
            if derivative and derivative.first is None:
                derivatives[name] = derivative._replace(at=None)
                places[name] = graph.input(spec.graph.shapes[spec.nodes[derivative.node]])
            unknown += derivative is None
    if len(problems) > before:
        return None
    ops = {name: custom.op for name, custom in spec.custom.items()}
    report = reporter(problems, [*spec.nodes, *CONSTANTS], "name-the-step")
    root = build(expression, graph, places, report, ops=ops)
    if root is None:
        problems[before:] = _once_a_name(problems[before:])
        return None
    inside = Subgraph(graph, tuple(place.id for place in places.values() if place is not None), root.id)
    return NamedFormula(text.content.strip(), tuple(places), inside, derivatives)


def _once_a_name(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The problems, of each name that is not defined only the first."""
    by_name = {(said.code, said.facts.get("name", said.span)): said for said in reversed([*problems])}
    return [*reversed(by_name.values())]


def _is_plain(name: str, spec: NamedGraph) -> bool:
    """Is it what looks like a derivative, but is a quotient of two names?"""
    written = written_derivative(name)
    return written != name and (is_quotient_of_names(name, spec) or not readings(written, spec))
