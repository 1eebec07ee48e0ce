"""Which line of a backward function is wrong.

A line is to blame if everything becomes right as soon as what it sets is replaced by what it should be: the
derivative of the output by one of the values of the forward function (an adjoint, Griewank and Walther 2008), which
the traced graph knows for every one of them. Of the lines for which that is so the first is wrong, and
what follows from it is not. So the tool needs to understand nothing of what the lines in between compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.code.recorder import RETURN, Key, Setting
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import reverse

MOST_RUNS = 1_000  # of the backward function, in the search for a line
CLOSE = 1e-6  # relative: adjoints in float64 agree far better, mistakes are far larger


class Adjoint(NamedTuple):
    """∂output/∂node."""

    node: int
    value: Any


class Culprit(NamedTuple):
    """A line that is wrong: what it set, the node whose adjoint it should have set, times `factor`."""

    setting: Setting
    adjoint: Adjoint
    factor: float
    leaves: tuple[Any, ...]  # the gradients that are wrong because of it


class Attempt(NamedTuple):
    """Replace what a line sets: by time, an adjoint."""

    key: Key
    by_time: Mapping[int, Adjoint]
    factor: float

    def replace(self, key: Key, time: int, value: Any) -> Any:
        """The value in place of the one that was set, or None."""
        if key != self.key or time not in self.by_time:
            return None
        return self.factor * np.asarray(self.by_time[time].value)


def adjoints(graph: NamedGraph, upstream: Any) -> list[Adjoint]:
    """The derivatives of the output by all nodes that it depends on, the last node first."""
    copy = graph.graph.copy()
    nodes = [node for node in copy.needs(of=[graph.output]) if node not in copy.constants]
    ledger = reverse(copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites)
    live = {node: ledger.upstream[node] for node in nodes if node in ledger.upstream}
    values = run(copy, graph.input_values, live.values())
    return [Adjoint(node, values[live[node]]) for node in sorted(live, reverse=True)]


def contributions(graph: NamedGraph, upstream: Any, nodes: set[int]) -> dict[int, list[Any]]:
    """What each consumer of a node contributes to its adjoint, by node."""
    copy = graph.graph.copy()
    ledger = reverse(copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites)
    by_node: dict[int, list[int]] = {node: [] for node in nodes}
    for edge in ledger.edges:
        if edge.arg in nodes:
            by_node[edge.arg].append(edge.contribution)
    values = run(copy, graph.input_values, [number for parts in by_node.values() for number in parts])
    return {node: [values[number] for number in parts] for node, parts in by_node.items()}


def parts(graph: NamedGraph, upstream: Any, known: Sequence[Adjoint]) -> list[Adjoint]:
    """The contributions to adjoints that are sums of several: people compute them one by one."""
    arriving = contributions(graph, upstream, {adjoint.node for adjoint in known})
    return [Adjoint(node, value) for node, values in arriving.items() if len(values) > 1 for value in values]


def find_culprits(
    settings: Sequence[Setting],
    known: Sequence[Adjoint],
    spans: Mapping[int, Any],
    wrong: Sequence[Any],
    gradients: Callable[[Callable[..., Any]], Mapping[Any, Any] | None],
    right: Mapping[Any, Any],
) -> list[Culprit]:
    """The lines to blame for the `wrong` gradients.

    `gradients(replace)` runs backward with replacements, `right` are the true gradients, both by leaf.
    """
    by_key: dict[Key, list[Setting]] = {}
    for setting in settings:
        if setting.key.target != RETURN:
            by_key.setdefault(setting.key, []).append(setting)
    culprits: list[Culprit] = []
    left = list(wrong)
    runs = 0
    results: list[tuple[Attempt, frozenset[Any]]] = []
    for attempt in _attempts(by_key, known, spans):
        runs += 1
        if runs > MOST_RUNS or not left:
            break
        result = gradients(attempt.replace)
        if result is None:
            continue
        fixed = frozenset(leaf for leaf in wrong if close(result.get(leaf), right[leaf]))
        broken = any(leaf not in wrong and not close(result.get(leaf), right[leaf]) for leaf in right)
        if fixed and not broken:
            results.append((attempt, fixed))
            if len(fixed) == len(wrong):
                break
    while left and results:
        attempt, fixed = max(results, key=lambda item: len(item[1] & set(left)))
        covered = fixed & set(left)
        if not covered:
            break
        time = max(attempt.by_time)
        first = min(attempt.by_time)
        setting = by_key[attempt.key][first if first < len(by_key[attempt.key]) else time]
        culprits.append(Culprit(setting, attempt.by_time[first], attempt.factor, tuple(covered)))
        left = [leaf for leaf in left if leaf not in covered]
    return culprits


def narrowed(settings: Sequence[Setting], culprit: Culprit, contributions: Sequence[Any]) -> Culprit:
    """The culprit at the very statement: of several that add up the one that adds something wrong.

    `contributions` are what the consumers of its node contribute to the adjoint.
    """
    setting = culprit.setting
    for step, increment in _increments(settings, setting):
        fits = any(close(increment, culprit.factor * np.asarray(part)) for part in contributions)
        if not fits:
            setting = step
            break
    return culprit._replace(setting=_made_by(settings, setting))


def _increments(settings: Sequence[Setting], last: Setting) -> list[tuple[Setting, Any]]:
    """The statements that a value was added up by, and what each of them has added."""
    upto = settings.index(last) + 1
    same = [one for one in settings[:upto] if one.key.filename == last.key.filename and one.key.target == last.key.target]
    steps: list[tuple[Setting, Any]] = []
    for before, setting in zip([None, *same[:-1]], same, strict=True):
        adds = setting.statement is not None and setting.statement.adds
        if not adds or before is None or np.shape(before.value) != np.shape(setting.value):
            steps = [(setting, setting.value)]
        else:
            steps.append((setting, setting.value - before.value))
    return [(setting, step) for setting, step in steps if np.any(step)] if len(steps) > 1 else []


def _made_by(settings: Sequence[Setting], setting: Setting) -> Setting:
    """The return statement of a function of the user's that made what a line has set; else the line itself."""
    for other in reversed(settings[: settings.index(setting)]):
        if other.key.target == RETURN and other.object is setting.object:
            return other
        if other.object is setting.object:
            return setting
    return setting


def close(value: Any, right: Any) -> bool:
    """Whether a gradient is right, as far as the search for a line needs to know."""
    if value is None or np.shape(value) != np.shape(right):
        return False
    scale = float(np.max(np.abs(right), initial=1e-300))
    return bool(np.all(np.abs(np.asarray(value) - right) <= CLOSE * scale))


def _attempts(
    by_key: Mapping[Key, Sequence[Setting]], known: Sequence[Adjoint], spans: Mapping[int, Any]
) -> Iterator[Attempt]:
    """What may be replaced by what, in the order in which the lines ran."""
    families = _families(known, spans)
    for factors in (_plain, _of_lengths):
        for key, times in by_key.items():
            for by_time in _replacements(times, known, families):
                for factor in factors(times[0].value):
                    yield Attempt(key, by_time, factor)


def _plain(value: Any) -> Iterable[float]:
    return (1.0,)


def _of_lengths(value: Any) -> Iterable[float]:
    """Backward passes that leave the sign or the 1/N of a mean for the end."""
    lengths = {float(n) for n in np.shape(value) if n > 1}
    return (-1.0, *lengths, *(-n for n in lengths))


def _families(known: Sequence[Adjoint], spans: Mapping[int, Any]) -> list[list[Adjoint]]:
    """Adjoints of the nodes that one expression of the forward function made, time by time."""
    families: dict[Any, list[Adjoint]] = {}
    for adjoint in known:
        span = spans.get(adjoint.node)
        if span is not None:
            families.setdefault((span.source.name, span.start, span.end), []).append(adjoint)
    return [family for family in families.values() if len(family) > 1]


def _replacements(
    times: Sequence[Setting], known: Sequence[Adjoint], families: Sequence[Sequence[Adjoint]]
) -> Iterator[dict[int, Adjoint]]:
    """By time, what may have been meant; what already is an adjoint is right."""
    doubtful = [setting for setting in times if not _is_adjoint(setting.value, known)]
    if not doubtful:
        return
    size, shape = np.size(times[-1].value), np.shape(times[-1].value)
    if len(times) > 1:
        for family in families:
            fitting = [adjoint for adjoint in family if np.size(adjoint.value) == size]
            if len(fitting) == len(times):
                yield dict(enumerate(fitting))
                yield dict(enumerate(reversed(fitting)))
    # Of what is added up, time by time, only the last value need be an adjoint.
    for setting in dict.fromkeys([doubtful[-1], doubtful[0]]):
        for adjoint in known:
            if np.shape(adjoint.value) == shape:
                yield {setting.time: adjoint}


def _is_adjoint(value: Any, known: Sequence[Adjoint]) -> bool:
    """Whether a value is an adjoint, and not by chance as a number or an array of zeros may be."""
    if np.size(value) < 2 or not np.any(value):
        return False
    return any(close(value, adjoint.value) for adjoint in known)
