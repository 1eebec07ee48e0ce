"""Two programs' claims on one graph, compared node by node in the order of the reverse pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import CLAIM_ROUNDING
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.report import Report
from bpx.check.tables.short_floats import rounding_rooms
from bpx.check.tables.two_tables import NodeOfTwo, TwoTables
from bpx.graph.arrays import Array, Flags
from bpx.graph.named.claim import Claim
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.query import seed_of


class _Stated(NamedTuple):
    """What a program states of a node: which entries, their values, how far its rounding lets them be off."""

    entries: Flags
    values: Array
    rooms: Array


def compared(
    spec: NamedGraph,
    files: tuple[str, str],
    claimed: tuple[NamedGraph, NamedGraph],
    reports: tuple[Report, Report],
    of: str | None = None,
    upstream: Any = None,
) -> TwoTables:
    """The comparison of two graphs that differ in their claims, with the report on each.

    Only gradients of the output, or of the node `of`, are compared.
    """
    output = of or spec.names[spec.output]
    first, second = (_stated(graph, output) for graph in claimed)
    both = sorted(first.keys() & second.keys(), key=lambda name: -spec.nodes[name])
    noise = _noise(spec, output, upstream, both)
    tables = [{column.input: column for column in report.columns} for report in reports]
    nodes: list[NodeOfTwo] = []
    for name in both:
        columns = (tables[0].get(name), tables[1].get(name))
        if columns[0] and columns[1]:
            nodes += _node(name, first[name], second[name], noise[name], columns[0], columns[1])
    alone = (tuple(sorted(first.keys() - second.keys())), tuple(sorted(second.keys() - first.keys())))
    return TwoTables(spec.title, output, files, tuple(nodes), reports, alone)


def _stated(spec: NamedGraph, output: str) -> dict[str, _Stated]:
    """What is claimed of the gradient of the output, by name of the node."""
    stated: dict[str, _Stated] = {}
    for claim in spec.claims.values():
        if claim.derivative.is_gradient_of(output):
            shape = spec.graph.shapes[spec.nodes[claim.name]]
            nothing = _Stated(np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape))
            _add(stated.setdefault(claim.name, nothing), claim)
    return stated


def _add(stated: _Stated, claim: Claim) -> None:
    at = () if claim.derivative.at is None else claim.derivative.at
    stated.entries[at] = True
    stated.values[at] = np.asarray(claim.numbers)
    stated.rooms[at] = np.asarray(claim.tolerance)


def _noise(spec: NamedGraph, output: str, upstream: Any, names: list[str]) -> dict[str, Array]:
    """How far two right programs may be apart by nothing but the rounding of float64, by name of the node."""
    plain = written_out(spec)
    nodes = {plain.nodes[name]: name for name in names}
    seed, _ = seed_of(plain.graph.shapes[plain.nodes[output]], upstream)
    rooms = rounding_rooms(plain, plain.nodes[output], seed, sorted(nodes), "float64")
    return {name: rooms.get(node, np.zeros(plain.graph.shapes[node])) for node, name in nodes.items()}


def _node(
    name: str, one: _Stated, two: _Stated, noise: Array, first: GradientTable, second: GradientTable
) -> Iterator[NodeOfTwo]:
    """The comparison of one node; nothing where no entry is stated by both."""
    both = one.entries & two.entries
    if not both.any():
        return
    gap = np.where(both, np.abs(one.values - two.values), 0.0)
    size = np.maximum(np.abs(one.values), np.abs(two.values))
    beyond = gap - (one.rooms + two.rooms + noise + CLAIM_ROUNDING * size)
    parted = both & (beyond > 0)
    judged = parted if parted.any() else both
    index = np.unravel_index(int(np.argmax(np.where(judged, beyond, -np.inf))), gap.shape)
    at = tuple(map(int, index))
    yield NodeOfTwo(
        name,
        int(parted.sum()),
        int(both.sum()),
        at,
        float(one.values[at]),
        float(two.values[at]),
        float(first.reference[at]),
        (_worst(first, judged), _worst(second, judged)),
    )


def _worst(column: GradientTable, entries: Flags) -> Verdict:
    return Verdict(int(np.min(column.verdicts[entries])))
