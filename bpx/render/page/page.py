"""What a page shows, as plain data: a picture, the rows of both tables, and the tape with their numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from bpx.render.blocks import Block
from bpx.render.page.tape import Tape
from bpx.render.picture.picture import Picture
from bpx.render.shown import Shown


class PageNode(NamedTuple):
    """A node of the forward pass, by its id in the graph.

    `formula` has `{3}` where the name of the page's node 3 stands; it is empty for a leaf. `value` and
    `gradient` are places in the tape; `gradient` is -1 where the output does not depend on the node. An input
    has a `role`.
    """

    id: int
    name: str
    formula: str
    role: str
    shape: tuple[int, ...]
    value: int
    gradient: int


class PageEdge(NamedTuple):
    """An edge of the reverse pass: the page's numbers of two nodes, a formula, and places in the tape.

    `local` is -1 where the op gives its contribution as a whole, and has a shape that may be broadcast.
    """

    consumer: int
    arg: int
    formula: str
    local: int
    local_shape: tuple[int, ...]
    contribution: int


@dataclass(frozen=True)
class PageContent:
    """The picture of the whole and of each layer that is closed in it, the rows, and the tape.

    `output` is the page's number of the output.
    """

    pictures: tuple[Picture, ...]
    nodes: tuple[PageNode, ...]
    edges: tuple[PageEdge, ...]
    output: int
    tape: Tape

    @property
    def is_of_numbers(self) -> bool:
        """Is there no array in it?"""
        return self.tape.is_of_numbers and not any(node.shape for node in self.nodes)

    @property
    def can_descend(self) -> bool:
        """Is the output one number, with an input that changes it?"""
        moving = any(node.role and node.gradient >= 0 for node in self.nodes)
        return moving and not self.nodes[self.output].shape


class Page(Shown):
    """A graph to look at in any form; what only the page itself has is made when it is asked for."""

    kind: ClassVar[str] = "page"

    def __init__(self, picture: Callable[[], Picture], content: Callable[[], PageContent]) -> None:
        self._picture, self._content = picture, content

    def picture(self) -> Picture:
        """The view of the forms of pictures."""
        return self._picture()

    def page(self) -> Page:
        """Itself: the view of a page."""
        return self

    @cached_property
    def content(self) -> PageContent:
        """All that is on the page."""
        return self._content()

    def blocks(self) -> list[Block]:
        """In words."""
        return self.picture().blocks()

    def _html(self, svg: str | None) -> str:
        """The page itself."""
        from bpx.render.notebook import frame

        return frame(str(self.to("html")), self.picture().title)
