"""What some nodes depend on, found node by node: for small parts of large graphs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence


def needed_by_walk(
    args: Sequence[Sequence[int]], of: Iterable[int], known: Container[int], most: int
) -> list[int] | None:
    """The nodes `of` and all they depend on, in order, but not what `known` nodes depend on.

    The time is proportional to their number; `args` are those of each node. None: more than `most`.
    """
    needed = set(of)
    waiting = list(needed)
    while waiting:
        if len(needed) > most:
            return None
        node = waiting.pop()
        if node not in known:
            more = [arg for arg in args[node] if arg not in needed]
            needed.update(more)
            waiting += more
    return sorted(needed)
