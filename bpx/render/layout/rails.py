"""What stands in front of the rows of a table and connects them: the branches of a tree, or lanes.

Each row has a text for its first line and one for the lines that a broken cell adds, so that no line of the
drawing is interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

NODE, LEAF = "●", "○"
SIGNS = frozenset("│├┤┼─└╰╯╮╭●○")  # what rails are drawn with


class Rail(NamedTuple):
    """What stands in front of a row, in its first line and in all others."""

    first: str
    rest: str


class Branch(NamedTuple):
    """A row of a tree: its depth and its text; one that is not new continues the branch of the row before."""

    depth: int
    is_new: bool
    text: str


def branches(rows: Sequence[Branch], most: int) -> list[Rail]:
    """A tree, row by row from its root, which has depth 0.

    Of more than `most` rows, only the first and the last half have rails: those that a table shows.
    """
    rails = [Rail("", "")] * len(rows)
    following: list[int] = []  # depths at which another branch follows, in order
    for at in range(len(rows) - 1, -1, -1):
        (depth, is_new, text), below = rows[at], rows[at + 1] if at + 1 < len(rows) else None
        while following and following[-1] > depth:
            following.pop()
        goes_on = bool(following) and following[-1] == depth
        if len(rows) <= most or at < most // 2 or at >= len(rows) - most // 2:
            passed = {*following}
            under = "".join("│  " if other in passed else "   " for other in range(1, depth))
            beside = ("│  " if goes_on else "   ") if depth else ""
            mark = ("├─ " if goes_on else "└─ ") if is_new and depth else beside
            stem = "│" if below and below.depth > depth else ""
            rails[at] = Rail(under + mark + text, under + beside + stem)
        if is_new and not goes_on:
            following.append(depth)
    return rails


class Link(NamedTuple):
    """A row of the reverse pass: what `node` passes to `arg`, or with None what arrives at the node.

    `is_last` says that no further row is about the node.
    """

    node: int
    arg: int | None
    is_last: bool


def lanes(links: Sequence[Link]) -> list[Rail]:
    """Lanes from each node to those that it passes a gradient to, as in `git log --graph`, one row a link.

    A node without rows of its own behind is a leaf: its lane ends where it begins.
    """
    last_row = {link.node: row for row, link in enumerate(links)}
    open_lanes: list[int | None] = []
    begun: set[int] = set()
    rails: list[Rail] = []
    for row, (node, arg, is_last) in enumerate(links):
        lane = _lane_of(node, open_lanes)
        before = {at for at, other in enumerate(open_lanes) if other is not None}
        is_leaf = arg is not None and last_row.get(arg, -1) <= row
        target = lane if arg is None else _target(arg, lane, open_lanes, straight=is_last and not is_leaf)
        if is_last and (arg is None or target != lane or is_leaf):
            open_lanes[lane] = None
        if arg is not None and not is_leaf:
            open_lanes[target] = arg
        signs = dict.fromkeys(before, "│")
        signs[lane] = NODE if node not in begun else _turn(lane, target, is_last)
        if target != lane:
            signs[target] = LEAF if is_leaf else _arrival(lane, target, target in before)
        begun.add(node)
        rails.append(Rail(_drawn(signs, lane, target), _drawn(_open_signs(open_lanes), 0, 0)))
    return _padded(rails)


def _lane_of(node: int, open_lanes: list[int | None]) -> int:
    """The lane of a node; a new one where none leads to it."""
    if node not in open_lanes:
        open_lanes[_free(open_lanes)] = node
    return open_lanes.index(node)


def _target(arg: int, lane: int, open_lanes: list[int | None], straight: bool) -> int:
    """The lane of an arg: the one that leads to it, or the node's own where that ends here, or a free one."""
    if arg in open_lanes:
        return open_lanes.index(arg)
    return lane if straight else _free(open_lanes)


def _free(open_lanes: list[int | None]) -> int:
    if None not in open_lanes:
        open_lanes.append(None)
    return open_lanes.index(None)


def _open_signs(open_lanes: Iterable[int | None]) -> dict[int, str]:
    return {at: "│" for at, node in enumerate(open_lanes) if node is not None}


def _turn(lane: int, target: int, is_last: bool) -> str:
    """The node's own lane in a row that is not its first."""
    if target == lane:
        return "│"
    if is_last:
        return "╰" if target > lane else "╯"
    return "├" if target > lane else "┤"


def _arrival(lane: int, target: int, is_open: bool) -> str:
    """The lane that a row leads to."""
    if is_open:
        return "┤" if target > lane else "├"
    return "╮" if target > lane else "╭"


def _drawn(signs: dict[int, str], lane: int, target: int) -> str:
    """Two cells a lane, with a line from one lane to another across those between."""
    low, high = sorted((lane, target))
    cells = []
    for at in range(max([*signs, high], default=-1) + 1):
        sign = signs.get(at, " ")
        if low < at < high:
            sign = "┼" if sign == "│" else "─"
        cells.append(sign + ("─" if low <= at < high else " "))
    return "".join(cells)


def _padded(rails: Sequence[Rail]) -> list[Rail]:
    width = max((len(text.rstrip()) for rail in rails for text in rail), default=0)
    return [Rail(*(text.rstrip().ljust(width) for text in rail)) for rail in rails]
