"""`Passes` → `Page`: the rows of both passes, and the graph's nodes, reverse pass included, as one tape."""

from __future__ import annotations

from dataclasses import replace

from bpx.explain.picture.picture import PictureOptions, picture_of
from bpx.explain.query.passes import NodeRow, Passes
from bpx.graph.formula import Formula
from bpx.graph.formula_parts import Symbol
from bpx.passes.reverse import Ledger
from bpx.render.page.page import Page, PageContent, PageEdge, PageNode
from bpx.render.page.tape import Tape
from bpx.render.page.taping import tape_of
from bpx.render.picture.choices import Pass
from bpx.render.picture.picture import Kind


def page_of(passes: Passes, options: PictureOptions | None = None) -> Page:
    """The page of both passes, or with the picture that the options ask for, of the forward pass alone.

    It steps through every node, also where the tables show the named ones alone.
    """
    passes, options = passes.unabridged, options or PictureOptions()
    return Page(lambda: picture_of(passes, options), lambda: _content(passes, options))


def _content(passes: Passes, options: PictureOptions) -> PageContent:
    assert passes.ledger
    is_forward = options.shown_pass is Pass.FORWARD
    options = options if is_forward else replace(options, shown_pass=Pass.BOTH)
    rows = _rows(passes)
    numbers = {row.id: number for number, row in enumerate(rows)}
    tape = _tape(passes, passes.ledger, rows, gradients=not is_forward)
    whole = picture_of(passes, options)
    closed = [card.name for card in whole.cards if card.kind is Kind.LAYER]
    layers = [picture_of(replace(passes, opened=name, title=name), options) for name in closed]
    return PageContent(
        (whole, *layers),
        tuple(_node(passes, row, tape, numbers, is_forward) for row in rows),
        () if is_forward else _edges(passes, tape, numbers),
        numbers[passes.output],
        tape,
    )


def _rows(passes: Passes) -> list[NodeRow]:
    """The nodes to show with their args; a constant that is a number stands in formulas."""
    shown = {row.id for row in passes.shown_nodes}
    shown |= {arg for row in passes.shown_nodes for arg in row.args} | {passes.output}
    return [
        row
        for row in passes.nodes
        if row.id in shown and (row.op != "constant" or row.shape or row.id == passes.output)
    ]


def _tape(passes: Passes, ledger: Ledger, rows: list[NodeRow], *, gradients: bool) -> Tape:
    """What is on the page and all it depends on."""
    targets = [row.id for row in rows]
    if gradients:
        targets += [ledger.upstream[row.id] for row in rows if row.id in ledger.upstream]
        for edge in ledger.edges:
            targets += [node for node in (edge.local, edge.contribution) if node is not None]
    values = {row.id: row.value for row in passes.nodes if row.role}
    return tape_of(ledger.graph, values, targets)


def _node(passes: Passes, row: NodeRow, tape: Tape, numbers: dict[int, int], is_forward: bool) -> PageNode:
    assert passes.ledger
    gradient = None if is_forward else passes.ledger.upstream.get(row.id)
    is_leaf = bool(row.role) or row.op == "constant"
    formula = "" if is_leaf else _with_places(row.formula, numbers)
    place = -1 if gradient is None else tape.places[gradient]
    return PageNode(row.id, row.name, formula, row.role or "", row.shape, tape.places[row.id], place)


def _edges(passes: Passes, tape: Tape, numbers: dict[int, int]) -> tuple[PageEdge, ...]:
    assert passes.ledger
    graph = passes.ledger.graph
    rows = {(edge.consumer, edge.arg, edge.position): edge for edge in passes.edges}
    return tuple(
        PageEdge(
            numbers[edge.consumer],
            numbers[edge.arg],
            _with_places(rows[edge.consumer, edge.arg, edge.position].local_formula, numbers),
            -1 if edge.local is None else tape.places[edge.local],
            () if edge.local is None else graph.shapes[edge.local],
            tape.places[edge.contribution],
        )
        for edge in passes.ledger.edges
        if edge.consumer in numbers and edge.arg in numbers
    )


def _with_places(formula: Formula, numbers: dict[int, int]) -> str:
    """The formula as text, with `{3}` for the name of the page's node 3."""
    parts = [
        Symbol(f"{{{numbers[part.node]}}}", None)
        if isinstance(part, Symbol) and part.node is not None and part.node in numbers
        else part
        for part in formula.parts
    ]
    return str(Formula(tuple(parts)))
