"""Which line of a backward function is wrong.

A line is to blame if everything becomes right as soon as what it sets is replaced by what it should be: the
derivative of the output by one of the values of the forward function (an adjoint, Griewank and Walther
2008), which the traced graph knows for every one of them. Of the lines for which that is so the first is
wrong, and what follows from it is not. So the tool needs to understand nothing of what the lines in between
compute.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import reverse
from bpx.spec.code.lines.recorder import RETURN, Key, Setting

MOST_TIMES = 12  # of a line in a loop
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
    ledger = reverse(
        copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites
    )
    live = {node: ledger.upstream[node] for node in nodes if node in ledger.upstream}
    values = run(copy, graph.input_values, live.values())
    return [Adjoint(node, values[live[node]]) for node in sorted(live, reverse=True)]


def forward_values(graph: NamedGraph, besides: Container[int] = ()) -> list[Any]:
    """The values of all nodes: backward passes compute some of them again."""
    values = run(graph.graph, graph.input_values, [graph.output])
    constants = graph.graph.constants
    return [value for node, value in values.items() if node not in constants and node not in besides]


def contributions(graph: NamedGraph, upstream: Any, nodes: set[int]) -> dict[int, list[Any]]:
    """What each consumer of a node contributes to its adjoint, by node."""
    copy = graph.graph.copy()
    ledger = reverse(
        copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites
    )
    by_node: dict[int, list[int]] = {node: [] for node in nodes}
    for edge in ledger.edges:
        if edge.arg in nodes:
            by_node[edge.arg].append(edge.contribution)
    values = run(copy, graph.input_values, [number for parts in by_node.values() for number in parts])
    return {node: [values[number] for number in parts] for node, parts in by_node.items()}


def local_derivatives(graph: NamedGraph, upstream: Any) -> list[Adjoint]:
    """∂node/∂arg of elementwise ops, by the node."""
    copy = graph.graph.copy()
    nodes = [copy[leaf.node] for leaf in graph.inputs]
    ledger = reverse(copy[graph.output], nodes, copy.constant(upstream), graph.composites)
    edges = [edge for edge in ledger.edges if edge.local is not None and edge.local not in copy.constants]
    values = run(copy, graph.input_values, [edge.local for edge in edges if edge.local is not None])
    return [Adjoint(edge.consumer, values[edge.local]) for edge in edges if edge.local is not None]


def steps_between(graph: NamedGraph, known: Sequence[Adjoint]) -> list[Adjoint]:
    """∂v/∂u of named nodes of one shape that follow on one another element by element, as `1 - h**2`."""
    adjoint = {one.node: one.value for one in known}
    named = [node for node in graph.own_names if node in adjoint and np.size(adjoint[node]) > 1]
    found = []
    for u in named:
        above = graph.graph.touched(by=[u], upto=graph.output)
        fitting = [v for v in named if v > u and above[v] and np.shape(adjoint[u]) == np.shape(adjoint[v])]
        found += [Adjoint(u, adjoint[u] / adjoint[v]) for v in fitting if np.all(adjoint[v])]
    return found


def parts(graph: NamedGraph, upstream: Any, known: Sequence[Adjoint]) -> list[Adjoint]:
    """The contributions to adjoints that are sums of several: people compute them one by one."""
    arriving = contributions(graph, upstream, {adjoint.node for adjoint in known})
    return [Adjoint(node, value) for node, values in arriving.items() if len(values) > 1 for value in values]


class Search:
    """The search for the lines that make gradients wrong.

    `gradients(replace)` runs backward with replacements and gives what it claims by leaf, None where that
    fails; `right` are the true gradients, `wrong` the leaves whose gradients are wrong.
    """

    def __init__(
        self,
        gradients: Callable[[Callable[..., Any]], Mapping[Any, Any] | None],
        claims: Mapping[Any, Any],
        right: Mapping[Any, Any],
        wrong: Sequence[Any],
    ) -> None:
        self._gradients, self._claims, self._right, self.wrong = gradients, claims, right, frozenset(wrong)
        self.runs = 0

    def culprits(self, settings: Sequence[Setting], meant: Meant) -> list[Culprit]:
        """The first line that explains all, or the lines that do together."""
        explanations: list[tuple[Attempt, frozenset[Any]]] = []
        by_key = _by_key(settings)
        new = meant.newly_right(settings)
        doubtful = {
            key: self._doubtful([one for one in times if one not in new]) for key, times in by_key.items()
        }
        order = {setting: number for number, setting in enumerate(settings)}
        keys = sorted((key for key in by_key if doubtful[key]), key=lambda key: order[doubtful[key][0]])
        for factors in (_plain, _of_lengths):
            for key in keys:
                for factor in factors(by_key[key][0].value):
                    attempt, fixed = self._explanation(by_key[key], doubtful[key], meant, factor)
                    if fixed:
                        explanations.append((attempt, fixed))
                    if fixed == self.wrong or self.runs > MOST_RUNS:
                        return _chosen(explanations, by_key, self.wrong)
        return _chosen(explanations, by_key, self.wrong)

    def _doubtful(self, times: Sequence[Setting]) -> list[Setting]:
        """The times at which what the line sets reaches wrong gradients, and no right one."""
        doubtful = []
        for setting in [*times[: MOST_TIMES - 1], *times[MOST_TIMES - 1 :][-1:]]:
            moved = Attempt(setting.key, {setting.time: Adjoint(-1, _moved(setting.value))}, 1.0)
            result = self._run(moved)
            if result is None:
                continue
            changed = {
                leaf for leaf, claim in self._claims.items() if not close(result.get(leaf), claim, 1e-12)
            }
            if changed and changed <= self.wrong:
                doubtful.append(setting)
        return doubtful

    def _explanation(
        self, times: Sequence[Setting], doubtful: Sequence[Setting], meant: Meant, factor: float
    ) -> tuple[Attempt, frozenset[Any]]:
        """The replacement of what a line sets that mends most, and what it mends."""
        best = Attempt(times[0].key, {}, factor), frozenset[Any]()
        if not doubtful:
            return best
        if len(times) > 1 and len(doubtful) == len(times):
            for by_time in meant.families(times):
                attempt = Attempt(times[0].key, by_time, factor)
                fixed = self._mended(attempt)
                if len(fixed) > len(best[1]):
                    best = attempt, fixed
                if fixed == self.wrong:
                    return best
        # Time by time: a layer's line runs once for each layer.
        for setting in doubtful:
            for adjoint in meant.like(setting.value):
                attempt = Attempt(setting.key, {**best[0].by_time, setting.time: adjoint}, factor)
                fixed = self._mended(attempt)
                if len(fixed) > len(best[1]):
                    best = attempt, fixed
                    break
            if best[1] == self.wrong or self.runs > MOST_RUNS:
                break
        return best

    def _mended(self, attempt: Attempt) -> frozenset[Any]:
        """The wrong gradients that these replacements mend; none where a right one becomes wrong."""
        result = self._run(attempt)
        if result is None:
            return frozenset()
        right = {leaf for leaf, value in self._right.items() if close(result.get(leaf), value)}
        return frozenset() if self._right.keys() - self.wrong - right else frozenset(right & self.wrong)

    def _run(self, attempt: Attempt) -> Mapping[Any, Any] | None:
        self.runs += 1
        return self._gradients(attempt.replace)


def _by_key(settings: Sequence[Setting]) -> dict[Key, list[Setting]]:
    by_key: dict[Key, list[Setting]] = {}
    for setting in settings:
        if setting.key.target != RETURN:
            by_key.setdefault(setting.key, []).append(setting)
    return by_key


def _moved(value: Any) -> Any:
    """Values near these, all of them others; of zeros too."""
    scale = float(np.max(np.abs(value), initial=0.0)) or 1.0
    return np.asarray(value) + scale * 0.01 * (
        1 + np.arange(np.size(value)).reshape(np.shape(value)) / np.size(value)
    )


def _chosen(
    explanations: Sequence[tuple[Attempt, frozenset[Any]]],
    by_key: Mapping[Key, Sequence[Setting]],
    wrong: frozenset[Any],
) -> list[Culprit]:
    """As few lines as explain all that can be explained; of equals the first."""
    culprits, left = [], set(wrong)
    while left and explanations:
        attempt, fixed = max(explanations, key=lambda item: len(item[1] & left))
        covered = fixed & left
        if not covered:
            break
        first = min(attempt.by_time)
        setting = next(one for one in by_key[attempt.key] if one.time == first)
        culprits.append(Culprit(setting, attempt.by_time[first], attempt.factor, tuple(covered)))
        left -= covered
    return culprits


def narrowed(settings: Sequence[Setting], culprit: Culprit, contributions: Sequence[Any]) -> Culprit:
    """The culprit at the very statement: of several that add up the one that adds something wrong.

    `contributions` are what the consumers of its node contribute to the adjoint.
    """
    setting = culprit.setting
    steps = [
        (step, any(close(increment, culprit.factor * np.asarray(part)) for part in contributions))
        for step, increment in _increments(settings, setting)
    ]
    # Where none of them is a contribution, it is not a sum of contributions.
    if any(fits for _, fits in steps):
        setting = next((step for step, fits in steps if not fits), setting)
    return culprit._replace(setting=_made_by(settings, setting))


def _increments(settings: Sequence[Setting], last: Setting) -> list[tuple[Setting, Any]]:
    """The statements that a value was added up by, and what each of them has added."""
    upto = settings.index(last) + 1
    same = [
        one
        for one in settings[:upto]
        if one.key.filename == last.key.filename and one.key.target == last.key.target
    ]
    steps: list[tuple[Setting, Any]] = []
    for before, setting in zip([None, *same[:-1]], same, strict=True):
        adds = setting.statement is not None and setting.statement.adds
        if not adds or before is None or np.shape(before.value) != np.shape(setting.value):
            steps = [(setting, setting.value)]
        else:
            steps.append((setting, setting.value - before.value))
    return [(setting, step) for setting, step in steps if np.any(step)] if len(steps) > 1 else []


def _made_by(settings: Sequence[Setting], setting: Setting) -> Setting:
    """Where a value was made that a line has only handed on: an argument, or what a function returned."""
    earlier = settings[: settings.index(setting)]
    if setting.argument:
        for other in reversed(earlier):
            if other.object is setting.object and not other.argument:
                return _returned_by(earlier, other)
        return setting
    if setting.statement is not None and "(" in setting.statement.value:
        for other in reversed(earlier):
            if other.object is setting.object and other.key.target == RETURN:
                return _returned_by(earlier, other)
    return setting


def _returned_by(earlier: Sequence[Setting], setting: Setting) -> Setting:
    """A return statement; of a bare name, the last line that set the name."""
    if setting.key.target != RETURN or setting.statement is None:
        return setting
    for other in reversed(earlier[: earlier.index(setting)]):
        same = other.key.target == setting.statement.value and other.key.filename == setting.key.filename
        if same and not other.argument:
            return other
    return setting


def close(value: Any, right: Any, tolerance: float = CLOSE) -> bool:
    """Whether a gradient is right, as far as the search for a line needs to know."""
    if value is None or np.shape(value) != np.shape(right):
        return False
    scale = float(np.max(np.abs(right), initial=1e-300))
    return bool(np.all(np.abs(np.asarray(value) - right) <= tolerance * scale))


def _plain(value: Any) -> Iterable[float]:
    return (1.0,)


def _of_lengths(value: Any) -> Iterable[float]:
    """Backward passes that leave the sign or the 1/N of a mean for the end."""
    lengths = {float(n) for n in np.shape(value) if n > 1}
    return (-1.0, *sorted(lengths), *sorted(-n for n in lengths))


class Meant:
    """What lines of backward functions are meant to set: adjoints, parts of adjoints, local derivatives."""

    def __init__(
        self, groups: Sequence[Sequence[Adjoint]], spans: Mapping[int, Any], values: Iterable[Any]
    ) -> None:
        self._all = [adjoint for group in groups for adjoint in group]
        self._right = [*(adjoint.value for adjoint in self._all), *values]
        self._families = [family for group in groups for family in _families(group, spans)]

    def like(self, value: Any) -> Iterator[Adjoint]:
        """What has the shape of a value, and is not the value itself."""
        shape = np.shape(value)
        for adjoint in self._all:
            if np.shape(adjoint.value) == shape and not close(value, adjoint.value):
                yield adjoint

    def newly_right(self, settings: Sequence[Setting]) -> set[Setting]:
        """Settings to an adjoint that nothing was before: to come upon one by mistake is unlikely.

        What only hands on a value that was there is left in doubt: a step may have been forgotten.
        """
        held: list[Any] = [self._all[0].value] if self._all else []
        new: set[Setting] = set()
        for setting in settings:
            if setting.key.target == RETURN or np.size(setting.value) < 2 or not np.any(setting.value):
                continue
            if any(close(setting.value, value) for value in held):
                continue
            if any(close(setting.value, value) for value in self._right):
                new.add(setting)
                held.append(setting.value)
        return new

    def families(self, times: Sequence[Setting]) -> Iterator[dict[int, Adjoint]]:
        """By time, what the times of one expression of the forward function stand for."""
        size = np.size(times[-1].value)
        for family in self._families:
            fitting = [adjoint for adjoint in family if np.size(adjoint.value) == size]
            rounds, rest = divmod(len(fitting), len(times))
            if rest:
                continue
            # A line of a layer makes a node for each layer and each round.
            for start in range(rounds):
                for part in (fitting[start::rounds], fitting[start * len(times) : (start + 1) * len(times)]):
                    yield dict(enumerate(part))
                    yield dict(enumerate(reversed(part)))


def _families(group: Sequence[Adjoint], spans: Mapping[int, Any]) -> list[list[Adjoint]]:
    """What belongs to the nodes that one expression of the forward function made, the last first."""
    families: dict[Any, list[Adjoint]] = {}
    for adjoint in group:
        span = spans.get(adjoint.node)
        if span is not None:
            families.setdefault((span.source.name, span.start, span.end), []).append(adjoint)
    return [family for family in families.values() if len(family) > 1]
