"""Pictures in Graphviz's language, DOT: `dot -Tsvg` draws them.

Texts stand in quoted strings, in which only the quote and the backslash mean something.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpx.render.picture.marks import mark_text
from bpx.render.picture.picture import Card, Edge, Kind, Mark, Picture
from bpx.words.say import visible

_FILLS = {Kind.INPUT: "#eef3fb", Kind.TARGET: "#eef3fb", Kind.PARAMETER: "#fff4e0", Kind.CONSTANT: "#f3f3f3"}
_MARKS = {
    Mark.CULPRIT: 'color="#b3261e", penwidth=3',
    Mark.WRONG: 'color="#b3261e", penwidth=2',
    Mark.INHERITS: 'color="#b3261e", style="rounded,filled,dashed"',
    Mark.KINK: 'color="#8a5a00", penwidth=2, peripheries=2',
    Mark.UNDECIDED: 'color="#555555", style="rounded,filled,dotted"',
}


def dot(picture: Picture) -> str:
    """The graph, with a line end at its end."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "digraph {"
    yield f"  graph [rankdir=LR, label={quoted(picture.title)}, labelloc=t, fontname=Helvetica]"
    yield '  node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica]'
    yield "  edge [fontname=Helvetica, fontsize=11]"
    framed = {card for frame in picture.frames for card in frame.cards}
    yield from (f"  {_node(card)}" for card in picture.cards if card.id not in framed)
    for number, frame in enumerate(picture.frames):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={quoted(frame.name)}; labelloc=t; color=gray"
        yield from (f"    {_node(picture.by_id[card])}" for card in frame.cards)
        yield "  }"
    yield from (f"  {_edge(edge)}" for edge in picture.edges)
    yield "}"


def _node(card: Card) -> str:
    facts = [f"label={quoted(*label_lines(card))}", f"tooltip={quoted(card.formula)}"]
    if card.kind in _FILLS:
        facts.append(f'fillcolor="{_FILLS[card.kind]}", style="filled"')
    if card.kind is Kind.LAYER:
        facts.append("shape=box3d, style=filled")
    if card.mark:
        facts.append(_MARKS[card.mark])
    return f"n{card.id} [{', '.join(facts)}]"


def _edge(edge: Edge) -> str:
    facts = [f"label={quoted(*edge.label)}"] if edge.label else []
    if edge.mark:
        facts.append('color="#b3261e", style=dashed')
    arrow = f"n{edge.source} -> n{edge.target}"
    return f"{arrow} [{', '.join(facts)}]" if facts else arrow


def label_lines(card: Card) -> list[str]:
    """All lines of a card, the mark in words last: a picture in another's hands has no colours to trust."""
    mark = [mark_text(card.mark)] if card.mark else []
    gradient = [f"∇ {line}" for line in card.gradient]
    return [line for line in (card.head, card.shape, *card.value, *gradient, *mark) if line]


def quoted(*lines: str) -> str:
    """Lines of text as one string, of which nothing is obeyed."""
    safe = (visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(safe) + '"'
