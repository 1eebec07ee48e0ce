"""The order of named parts that use one another: each behind those it uses, and what to do in a cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bpx.spec.text.problems import MOST_WITH_CARE
from bpx.words.diagnostic import Diagnostic, Span

_LONGEST_CYCLE = 8  # names of a cycle that are all written out


def in_order(
    names: Iterable[str],
    uses: Callable[[str], Iterable[str]],
    break_cycle: Callable[[str, Iterable[str], str], None],
) -> list[str]:
    """The names, each behind those it uses, otherwise as they come.

    `break_cycle(name, path, used)` is called where `name`, the last on the path, uses one that is on the
    path already; it must see to it that `name` is not built.
    """
    order: list[str] = []
    path: dict[str, Iterator[str]] = {}  # name → those it uses that are still to be visited
    done: set[str] = set()
    for root in names:
        if root not in done:
            path[root] = iter(uses(root))
        while path:
            name, rest = next(reversed(path.items()))
            used = next(rest, None)
            if used is None:
                done.add(name)
                order.append(name)
                del path[name]
            elif used in path:
                break_cycle(name, path, used)
            elif used not in done:
                path[used] = iter(uses(used))
    return order


def report_cycle(
    problems: list[Diagnostic], code: str, span: Span | None, path: Iterable[str], used: str
) -> None:
    """Add a problem that shows the cycle in which the last of the path uses an earlier one, `a → b → a`."""
    if len(problems) < MOST_WITH_CARE:
        problems.append(Diagnostic(code, span, {"cycle": " → ".join(_cycle(list(path), used))}))


def _cycle(path: list[str], used: str) -> list[str]:
    """The names of a cycle; of a long one those at the ends."""
    cycle = [*path[path.index(used) :], used]
    return cycle if len(cycle) <= _LONGEST_CYCLE else [*cycle[:4], "…", *cycle[-3:]]
