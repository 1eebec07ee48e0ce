"""What a picture of a graph shows, as plain data: cards, the edges between them, and frames around them.

All numbers are texts already, rounded as they are shown. Nothing here knows where anything is placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, NamedTuple

from bpx.render.blocks import Block, Headline, Lines
from bpx.render.picture.choices import Pass, Style
from bpx.render.shown import Shown
from bpx.words.say import visible


class Kind(StrEnum):
    """What a card stands for."""

    INPUT = "input"
    PARAMETER = "parameter"
    CONSTANT = "constant"
    TARGET = "target"
    OP = "op"
    OUTPUT = "output"
    LAYER = "layer"  # a frame that is closed


class Mark(StrEnum):
    """What a check found out about a node."""

    CULPRIT = "culprit"
    WRONG = "wrong"
    INHERITS = "inherits"
    KINK = "kink"
    UNDECIDED = "undecided"


class Card(NamedTuple):
    """A node, with the constants and the unnamed sums that are part of its op.

    `id` is the id of the node, `nodes` are those of all nodes that the card stands for. `name` is empty
    where nobody named the node, `op` is empty for a leaf. `value` and `gradient` are lines of text.
    `formula` says in full what the node is; `line` is its line in somebody's code.
    """

    id: int
    name: str
    op: str
    kind: Kind
    shape: str = ""
    value: tuple[str, ...] = ()
    gradient: tuple[str, ...] = ()
    formula: str = ""
    frame: str = ""
    line: int | None = None
    mark: Mark | None = None
    nodes: tuple[int, ...] = ()

    @property
    def head(self) -> str:
        """Name and op in one line: `a = sigmoid`."""
        return " = ".join(filter(None, (self.name, self.op)))


class Edge(NamedTuple):
    """An arg (the card `source`) and the card `target` whose op takes it, both by `id`.

    `contribution` is what the target passes back to its arg, empty where that is all of the arg's gradient;
    `value` is what passes forward, empty where the card shows it. `local` is the local derivative, where that
    is asked for, with a sign that says that the gradient is multiplied by it: `× 0.25`.
    """

    source: int
    target: int
    contribution: str = ""
    value: str = ""
    mark: Mark | None = None
    local: str = ""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The lines beside the edge, and what kind of number each has."""
        lines = (("value", self.value), ("local", self.local), ("gradient", self.contribution))
        return tuple((kind, text) for kind, text in lines if text)

    @property
    def label(self) -> tuple[str, ...]:
        """The texts beside the edge."""
        return tuple(text for _, text in self.lines)


class Frame(NamedTuple):
    """A layer or block whose cards are drawn one by one, by its name; `cards` are their ids."""

    name: str
    cards: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Picture(Shown):
    """A graph to draw. `description` says in a sentence what is to be seen; cards stand in forward order."""

    kind: ClassVar[str] = "picture"

    title: str
    description: str
    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    frames: tuple[Frame, ...] = ()
    shown_pass: Pass = Pass.BOTH
    style: Style = Style.CARDS

    def picture(self) -> Picture:
        """Itself: the view of it that the forms of pictures take."""
        return self

    @cached_property
    def by_id(self) -> Mapping[int, Card]:
        """The cards by their ids."""
        return {card.id: card for card in self.cards}

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The marks that occur, in the order of their weight."""
        present = {card.mark for card in self.cards}
        return tuple(mark for mark in Mark if mark in present)

    def blocks(self) -> list[Block]:
        """In words."""
        return [Headline(self.title), Lines((self.description,))]

    def _repr_svg_(self) -> str | None:
        """The picture; of other objects it stands in the HTML alone, as nbconvert needs Inkscape for SVG."""
        return self._svg()

    def __str__(self) -> str:
        """The graph in Graphviz's language."""
        return self.to("dot")

    def __repr__(self) -> str:
        """A short line; the picture may be large."""
        return f"<bpx.Picture {visible(self.title)}: {len(self.cards)} cards, {len(self.edges)} edges>"
