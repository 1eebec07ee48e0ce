"""Which line of a backward function is wrong.

A line is to blame if everything becomes right as soon as what it sets is replaced by what it should be: the
derivative of the output by one of the values of the forward function (an adjoint, Griewank and Walther
2008), which the traced graph knows for every one of them. Of the lines for which that is so the first that
sets nothing known is wrong, and what follows from it is not. So the tool needs to understand nothing of what
the lines in between compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.lines.backward_values import Adjoint, close
from bpx.spec.code.lines.meant import Meant, of_lengths
from bpx.spec.code.lines.recorder import RETURN, Key, Setting

MOST_TIMES = 12  # of a line in a loop
MOST_RUNS = 600  # of the backward function, in the search for a line
MANY = 16  # gradients that one line sets: what is wrong with it is shown on the first of them


class Culprit(NamedTuple):
    """A line that is wrong: what it set, the node whose adjoint it should have set, times `factor`."""

    setting: Setting
    adjoint: Adjoint
    factor: float
    leaves: tuple[Any, ...]  # the gradients that are wrong because of it
    right: str | None = None  # the statement as it should be
    lengths: tuple[str, ...] = ()  # names of whole numbers that it may divide by


class Attempt(NamedTuple):
    """Replace what a line sets: by time, an adjoint; of a part of an array, the entries that were set."""

    key: Key
    by_time: Mapping[int, Adjoint]
    factor: float
    entries: Any = None

    def replace(self, time: int, value: Any) -> Any:
        """The value in place of the one that was set, or None."""
        if time not in self.by_time:
            return None
        right = self.factor * np.asarray(self.by_time[time].value)
        if self.entries is None:
            return right
        return np.where(self.entries, right, np.asarray(value))


class Cause(NamedTuple):
    """A replacement, and the wrong gradients that it mends."""

    attempt: Attempt
    mended: frozenset[Any]


class Line(NamedTuple):
    """The times that a line set one thing, and those of them that reach wrong gradients alone."""

    key: Key
    times: tuple[Setting, ...]
    reaches: Mapping[Setting, frozenset[Any]]  # of those

    @property
    def doubtful(self) -> tuple[Setting, ...]:
        """Those times."""
        return tuple(self.reaches)

    @property
    def reach(self) -> frozenset[Any]:
        """All gradients that the line reaches."""
        return frozenset().union(*self.reaches.values())

    def alone(self, setting: Setting) -> bool:
        """Whether one time alone makes a gradient: the last of a sum, or what no other time adds to."""
        others = frozenset().union(*(reach for one, reach in self.reaches.items() if one is not setting))
        adds = setting.statement is not None and setting.statement.adds and setting is self.doubtful[-1]
        part = setting.entries is not None and setting is self.doubtful[-1]
        return adds or part or bool(self.reaches[setting] - others)


class Search:
    """The search for the lines that make gradients wrong.

    `gradients(attempt)` runs backward with a replacement and gives what it claims by leaf, None where that
    fails; `right` are the true gradients, `wrong` the leaves whose gradients are wrong.
    """

    def __init__(
        self,
        gradients: Callable[[Attempt], Mapping[Any, Any] | None],
        claims: Mapping[Any, Any],
        right: Mapping[Any, Any],
        wrong: Sequence[Any],
    ) -> None:
        self._gradients, self._claims, self._right, self.wrong = gradients, claims, right, frozenset(wrong)
        self.runs = 0
        self.reached: dict[tuple[str, int], frozenset[Any]] = {}  # by file and line, what each reaches

    def culprits(self, settings: Sequence[Setting], meant: Meant) -> list[Culprit]:
        """The first line that explains all, or the lines that do together."""
        ranks = meant.ranks(settings)
        lines = self._lines(settings)
        explanations: list[Cause] = []
        # First the lines that all that is wrong depends on, the most doubtful of them first.
        for line in self._by_rank([line for line in lines if line.reach >= self.wrong], ranks):
            explanations += self._explained(line, meant)
            if explanations and explanations[-1].mended == self.wrong:
                source = self._source(explanations[-1], lines, meant, [*ranks])
                return _chosen([source], lines, self.wrong)
        for line in self._by_rank([line for line in lines if not line.reach >= self.wrong], ranks):
            explanations += self._explained(line, meant)
        culprits = _chosen(explanations, lines, self.wrong)
        left = self.wrong - {leaf for culprit in culprits for leaf in culprit.leaves}
        return [*culprits, *self._last(settings, left, meant)]

    def _source(
        self, explanation: Cause, lines: Sequence[Line], meant: Meant, order: Sequence[Setting]
    ) -> Cause:
        """Where the mistake comes from, if a value that the line reads is right for another line.

        If another adjoint in its place mends all as well, the line is right and the value is not.
        """
        attempt = explanation.attempt
        by_key = {line.key: line for line in lines}
        [time, *others] = attempt.by_time
        setting = next(one for one in by_key[attempt.key].times if one.time == time)
        if others or setting.statement is None or setting.is_handed_over:
            return explanation
        earlier = order[: order.index(setting)]
        for line in lines:
            same_file = line.key.filename == attempt.key.filename
            if not same_file or line.key.target not in setting.statement.reads or line.key == attempt.key:
                continue
            if len(line.times) > 1 or line.times[0] not in earlier or not line.reach >= self.wrong:
                continue
            for adjoint in meant.whole(line.times[0].value):
                # Backward goes from the output to the inputs.
                if adjoint.node > attempt.by_time[time].node:
                    other = Attempt(line.key, {line.times[0].time: adjoint}, 1.0)
                    if self._mended(other) == self.wrong:
                        return Cause(other, self.wrong)
        return explanation

    def _by_rank(self, lines: Sequence[Line], ranks: Mapping[Setting, int]) -> Iterator[Line]:
        order = {setting: number for number, setting in enumerate(ranks)}
        worst = [(min((ranks[one], order[one]) for one in line.doubtful), line) for line in lines]
        for _, line in sorted(worst, key=lambda item: item[0]):
            if self.runs < MOST_RUNS:
                yield line

    def _lines(self, settings: Sequence[Setting]) -> list[Line]:
        """The lines that reach wrong gradients at some time, and no right one."""
        lines = []
        for key, times in _by_key(settings).items():
            reaches: dict[Setting, frozenset[Any]] = {}
            for setting in [*times[: MOST_TIMES - 1], *times[MOST_TIMES - 1 :][-1:]]:
                reach = self._reach(setting)
                line_key = (key.filename, key.line)
                self.reached[line_key] = self.reached.get(line_key, frozenset()) | reach
                if reach and reach <= self.wrong:
                    reaches[setting] = reach
            if reaches:
                lines.append(Line(key, tuple(times), reaches))
        return lines

    def _reach(self, setting: Setting) -> frozenset[Any]:
        """The gradients that change with what is set."""
        moved = Attempt(setting.key, {setting.time: Adjoint(-1, _moved(setting.value))}, 1.0, setting.entries)
        result = self._run(moved)
        if result is None:
            return frozenset()
        pairs = ((leaf, result.get(leaf), claim) for leaf, claim in self._claims.items())
        return frozenset(leaf for leaf, value, claim in pairs if not close(value, claim, 1e-12))

    def _explained(self, line: Line, meant: Meant) -> list[Cause]:
        """The replacement of what the line sets that mends most, if any."""
        best: Cause | None = None
        for factor in (1.0, *of_lengths(line.times[0].value)):
            for attempt in self._attempts(line, meant, factor):
                mended = self._mended(attempt)
                if mended and (best is None or len(mended) > len(best.mended)):
                    best = Cause(attempt, mended)
                if mended >= line.reach:
                    return [self._needed(Cause(attempt, mended))]
                if self.runs > MOST_RUNS:
                    break
            later = self._time_by_time(line, meant, factor)
            if later and (best is None or len(later.mended) > len(best.mended)):
                best = later
            if best and best.mended >= line.reach:
                break
        return [best] if best else []

    def _needed(self, explanation: Cause) -> Cause:
        """The same without the times that need no replacement: the line was right then."""
        attempt, mended = explanation
        for time in [*attempt.by_time] if len(attempt.by_time) > 1 else ():
            rest = {other: value for other, value in attempt.by_time.items() if other != time}
            less = attempt._replace(by_time=rest)
            if rest and self._mended(less) == mended:
                attempt = less
        return Cause(attempt, mended)

    def _attempts(self, line: Line, meant: Meant, factor: float) -> Iterator[Attempt]:
        """Of what a line sets once, or at last, or at each of its times."""
        last = line.doubtful[-1]
        if len(line.times) > 1 and len(line.doubtful) > 1:
            for times in (line.times, line.doubtful) if line.doubtful != line.times else (line.times,):
                for by_time in meant.families(times):
                    yield Attempt(line.key, by_time, factor)
        for adjoint in meant.like(last.value, factor) if line.alone(last) else ():
            by_time = {last.time: adjoint}
            entries = last.entries
            if entries is not None and not np.all(entries):
                yield Attempt(line.key, by_time, factor, entries)
            yield Attempt(line.key, by_time, factor)

    def _time_by_time(self, line: Line, meant: Meant, factor: float) -> Cause | None:
        """A line of a layer runs once for each layer: what each mends stays mended."""
        best: Cause | None = None
        alone = [setting for setting in line.doubtful if line.alone(setting)]
        for setting in alone if len(line.doubtful) > 1 else ():
            for adjoint in meant.like(setting.value, factor):
                known = best.attempt.by_time if best else {}
                attempt = Attempt(line.key, {**known, setting.time: adjoint}, factor)
                mended = self._mended(attempt)
                if len(mended) > (len(best.mended) if best else 0):
                    best = Cause(attempt, mended)
                    break
                if self.runs > MOST_RUNS:
                    return best
        return best

    def _mended(self, attempt: Attempt) -> frozenset[Any]:
        """The wrong gradients that become right; none where a right one becomes wrong."""
        result = self._run(attempt)
        if result is None:
            return frozenset()
        right = {leaf for leaf, value in self._right.items() if close(result.get(leaf), value)}
        return frozenset() if self._right.keys() - self.wrong - right else frozenset(right & self.wrong)

    def _run(self, attempt: Attempt) -> Mapping[Any, Any] | None:
        self.runs += 1
        return self._gradients(attempt)

    def _last(self, settings: Sequence[Setting], left: frozenset[Any], meant: Meant) -> Iterator[Culprit]:
        """The lines that set, or return, gradients that nothing else explains."""
        by_setting: dict[Setting, list[Any]] = {}
        for leaf in [leaf for leaf in self._right if leaf in left]:
            claim = self._claims.get(leaf)
            arrays = [one for one in settings if isinstance(one.value, np.ndarray | float)]
            same = [one for one in arrays if claim is not None and close(one.value, claim, 1e-12)]
            # `db = dz`: what sets the gradient, and not what it was before.
            own = [one for one in same if not one.is_handed_over and one.key.target != RETURN]
            returned = settings[-1] if settings and settings[-1].key.target == RETURN else None
            setting = own[-1] if own else next(iter(same), returned)
            if setting is not None:
                by_setting.setdefault(setting, []).append(leaf)
        for setting, leaves in by_setting.items():
            for some in [leaves] if len(leaves) > MANY else [[leaf] for leaf in leaves]:
                yield Culprit(setting, meant.of(self._right[some[0]]), 1.0, tuple(some))


def _by_key(settings: Sequence[Setting]) -> dict[Key, list[Setting]]:
    by_key: dict[Key, list[Setting]] = {}
    for setting in settings:
        if setting.key.target != RETURN:
            by_key.setdefault(setting.key, []).append(setting)
    return by_key


def _moved(value: Any) -> Any:
    """Values near these, all of them others; of zeros too."""
    scale = float(np.max(np.abs(value), initial=0.0)) or 1.0
    steps = 1 + np.arange(np.size(value)).reshape(np.shape(value)) / np.size(value)
    return np.asarray(value) + scale * 0.01 * steps


def _chosen(explanations: Sequence[Cause], lines: Sequence[Line], wrong: frozenset[Any]) -> list[Culprit]:
    """As few lines as explain all that can be explained; of equals the first."""
    culprits, left = [], set(wrong)
    times = {line.key: line.times for line in lines}
    while left and explanations:
        attempt, mended = max(explanations, key=lambda item: len(item.mended & left))
        covered = mended & left
        if not covered:
            break
        first = min(attempt.by_time)
        setting = next(one for one in times[attempt.key] if one.time == first)
        culprits.append(Culprit(setting, attempt.by_time[first], attempt.factor, tuple(covered)))
        left -= covered
    return culprits
