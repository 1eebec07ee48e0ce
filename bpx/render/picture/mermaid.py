"""Pictures in Mermaid's language, which GitHub, GitLab and many note-taking programs draw.

Texts stand in quotes; whatever Mermaid or HTML would obey in them is written as a numbered entity.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpx.render.picture.dot import label_lines
from bpx.render.picture.picture import Card, Edge, Kind, Picture
from bpx.words.say import visible

_SHAPES = {Kind.OP: ("(", ")"), Kind.OUTPUT: ("([", "])"), Kind.LAYER: ("[[", "]]")}
_LEAF = ("[", "]")
_HARMLESS = str.maketrans("<>{};#%", "‹›()   ")
_CLASSES = (
    "classDef input fill:#eef3fb,stroke:#5a6b8c,color:#1b2330",
    "classDef target fill:#eef3fb,stroke:#5a6b8c,color:#1b2330",
    "classDef parameter fill:#fff4e0,stroke:#5a6b8c,color:#1b2330",
    "classDef constant fill:#f3f3f3,stroke:#5a6b8c,color:#1b2330",
    "classDef culprit stroke:#b3261e,stroke-width:4px",
    "classDef wrong stroke:#b3261e,stroke-width:2px",
    "classDef inherits stroke:#b3261e,stroke-dasharray:6 3",
    "classDef kink stroke:#8a5a00,stroke-width:3px",
    "classDef undecided stroke:#555,stroke-dasharray:2 3",
)


def mermaid(picture: Picture) -> str:
    """The flow chart, with a line end at its end."""
    return "\n".join(_lines(picture)) + "\n"


def fenced(picture: Picture) -> str:
    """The flow chart in a fence of Markdown, which GitHub, GitLab and JupyterLab draw."""
    return f"```mermaid\n{mermaid(picture)}```\n"  # no line of the chart begins with a backtick


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  accTitle: {_words(picture.title)}"
    yield f"  accDescr: {_words(picture.description)}"
    framed = {card for frame in picture.frames for card in frame.cards}
    yield from (f"  {_node(card)}" for card in picture.cards if card.id not in framed)
    for number, frame in enumerate(picture.frames):
        yield f"  subgraph f{number}[{_text(frame.name)}]"
        yield from (f"    {_node(picture.by_id[card])}" for card in frame.cards)
        yield "  end"
    yield from (f"  {_edge(edge)}" for edge in picture.edges)
    used = {str(part) for card in picture.cards for part in (card.kind, card.mark) if part}
    yield from (f"  {line}" for line in _CLASSES if line.split()[1] in used)
    for name in [line.split()[1] for line in _CLASSES]:
        members = [f"n{card.id}" for card in picture.cards if name in (card.kind, card.mark)]
        if members:
            yield f"  class {','.join(members)} {name}"


def _node(card: Card) -> str:
    opening, closing = _SHAPES.get(card.kind, _LEAF)
    return f"n{card.id}{opening}{_text(*label_lines(card))}{closing}"


def _edge(edge: Edge) -> str:
    arrow = "-.->" if edge.mark else "-->"
    label = f"|{_text(*edge.label)}|" if edge.label else ""
    return f"n{edge.source} {arrow}{label} n{edge.target}"


def _text(*lines: str) -> str:
    return '"' + "<br/>".join(map(_inert, lines)) + '"'


def _inert(text: str) -> str:
    """Every sign that could mean something as `#35;`, Mermaid's spelling of an entity."""
    return "".join(
        char if char.isalnum() or char in " .,=+()−×∇…·∂_" or (char == "-") else f"#{ord(char)};"
        for char in visible(text)
    )


def _words(text: str) -> str:
    """A sentence that ends with its line, without the signs that would begin something else."""
    return visible(text).translate(_HARMLESS)
