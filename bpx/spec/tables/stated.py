"""Claims from Python: texts and numbers by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpx.graph.arrays import Array
from bpx.graph.named.claim import Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.passes.query import output_asked
from bpx.spec.reading.claims import claimed_derivative, read_claim
from bpx.spec.reading.syntax import ClaimSyntax
from bpx.spec.tables.rounding import room_in, rooms_of_floats
from bpx.spec.tables.table import floats_of
from bpx.spec.text.problems import MOST_READ
from bpx.words.diagnostic import BpxError, Diagnostic


def stated_claims(
    spec: NamedGraph, claims: Mapping[str, Any], options: Mapping[str, Any]
) -> list[ClaimSyntax]:
    """Texts are read as on the command line, numbers are meant exactly or to the rounding of their floats."""
    syntaxes: list[ClaimSyntax] = []
    numbers: dict[str, Any] = {}
    problems: list[Diagnostic] = []
    for name, value in claims.items():
        if isinstance(value, str):
            try:
                syntaxes.append(read_claim(f"{name} = {value}"))
            except BpxError as error:
                problems += error.diagnostics
        else:
            numbers[name] = value
    arrays = {
        name: array for name in numbers if (array := as_array(name, numbers[name], problems)) is not None
    }
    if problems:
        raise BpxError(problems)
    return [*syntaxes, *_numbers(spec, numbers, arrays, options)]


def _numbers(
    spec: NamedGraph, values: Mapping[str, Any], arrays: Mapping[str, Array], options: Mapping[str, Any]
) -> Iterator[ClaimSyntax]:
    """Claims in numbers, each with the room that the rounding of its floats leaves."""
    syntaxes = {name: ClaimSyntax(name, None, array.tolist(), None) for name, array in arrays.items()}
    # What a name means, if anything: whoever resolves the claims says what is wrong with the first ones.
    known: dict[str, Derivative | None] = {}
    problems: list[Diagnostic] = []
    for name, syntax in syntaxes.items():
        if len(problems) > MOST_READ:
            break
        known[name] = claimed_derivative(spec, syntax, problems)
    floats = {name: floats_of(values[name]) for name in arrays}
    output = spec.names[output_asked(spec, options.get("of"))]
    stated = [(derivative, floats[name]) for name, derivative in known.items() if derivative]
    rooms = rooms_of_floats(spec, output, options.get("upstream"), stated)
    for name, syntax in syntaxes.items():
        derivative = known.get(name)
        if derivative is None:
            yield syntax
        else:
            yield syntax._replace(room=room_in(rooms, derivative, floats[name], arrays[name], output))
