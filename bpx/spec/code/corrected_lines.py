"""What wrong lines should say, and which one of several is wrong, by corrections that are tried."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.leaves import Path
from bpx.spec.code.lines.backward_values import (
    Adjoint,
    adjoints,
    close,
)
from bpx.spec.code.lines.corrections import Corrections, Place, Places
from bpx.spec.code.lines.counts import Counts, LineKey, line_of, stands_for
from bpx.spec.code.lines.line_blame import Culprit
from bpx.spec.code.lines.meant import LIKE, RIGHT, STRANGE, Meant
from bpx.spec.code.lines.recorder import RETURN, Key, Recorder, Setting
from bpx.spec.code.traced_program import BackwardRun, TracedProgram, random_upstream, run_backward

MOVED = 0.02  # relative: how far other points are from the first; signs stay, and so do most branches


class _Nowhere:
    """No line is replaced, and none recorded."""

    key = Key("", 0, "")

    def replace(self, time: int, value: Any) -> Any:
        return None


class Point(NamedTuple):
    """Values of leaves, an upstream gradient, and the right gradients there."""

    values: Mapping[Path, Any]
    upstream: Any
    right: Mapping[Path, Any]


def corrected(
    traced: TracedProgram,
    settings: Sequence[Setting],
    meant: Meant,
    culprits: Sequence[Culprit],
    wrong: frozenset[Path],
    scale: Mapping[Path, float],
) -> list[Culprit]:
    """The culprits, with what their lines should say; another line alone, if a change of it mends all.

    `scale` is what the right gradients of some leaves are multiplied by: a mean that backward alone takes.
    """
    places = Places()
    run_backward(traced.program, traced.upstream, places)
    by_line = {line_of(place.statement): place for place in places.seen.values()}
    by_line = {line: place for line, place in by_line.items() if _is_backward(traced, line, settings)}
    points = _points(traced, scale)
    doubts = _doubts(settings, meant)
    named = [line_of(one.setting.statement) for one in culprits if one.setting.statement]
    kept = frozenset(path for path in points[0].right if path not in wrong)
    kept = frozenset(path for path in kept if _mends(traced, points, frozenset({path})))
    counts = _counts(traced, points)
    search = Corrections(lambda: _mends(traced, points, wrong | kept), counts)
    # Lines that set no arrays come last: a sign in a length is seldom what is meant.
    suspects = [line for line in by_line if line in named or doubts.get(line) != RIGHT]
    shared = _read_by_all(counts, by_line, culprits)
    order = sorted(
        suspects, key=lambda line: (line not in shared, doubts.get(line, RIGHT + 1), line not in named)
    )
    for line in order:
        text = search.of(by_line[line])
        if text is not None:
            line, text = _count_instead(search, counts, by_line, line, text)
            culprit = _corrected_culprit(by_line[line], text, settings, culprits, wrong)
            if culprit.adjoint.node < 0:
                with search.changed(by_line[line], text):
                    culprit = culprit._replace(adjoint=_adjoint(traced, by_line[line], meant))
            return [culprit]
    if len(culprits) == 1:
        return list(culprits)
    return [_with_correction(traced, one, by_line, points, counts) for one in culprits]


def _counts(traced: TracedProgram, points: Sequence[Point]) -> Counts:
    """The lines that set no gradients: only the upstream gradient is another one, where it may be."""

    def run(recorder: Recorder, moved: bool) -> None:
        upstream = points[1].upstream if moved else traced.upstream
        moves = points[1].values if moved and not _is_free(traced) else {}
        values = {path: np.array(value) for path, value in moves.items()}
        run_backward(traced.program, upstream, recorder, values=values)

    return Counts(run)


def _read_by_all(
    counts: Counts, by_line: Mapping[LineKey, Place], culprits: Sequence[Culprit]
) -> set[LineKey]:
    """The lines that set one number once, which several culprits read, and all of them."""
    statements = [one.setting.statement for one in culprits if one.setting.statement]
    reads = [set(statement.reads) for statement in statements]
    common = set.intersection(*reads) if len(reads) > 1 else set()
    return {line for line in by_line if counts.name(line) in common}


def _count_instead(
    search: Corrections, counts: Counts, by_line: Mapping[LineKey, Place], line: LineKey, text: str
) -> tuple[LineKey, str]:
    """The line that sets a number, and what it should say, where another is wrong by that number alone."""
    for other in by_line:
        name = counts.name(other)
        if other != line and name and stands_for(name, by_line[line].statement.text, text):
            right = search.of(by_line[other])
            if right is not None:
                return other, right
    return line, text


def _doubts(settings: Sequence[Setting], meant: Meant) -> dict[tuple[str, int], int]:
    """How doubtful lines are: what sets a whole adjoint is right.

    A line that sets the same as one before is strange. Where adjoints come with the opposite sign from the
    start, that is how they are meant.
    """
    doubts: dict[tuple[str, int], int] = {}
    held, names = [meant.upstream], set[str]()
    signs = {1.0}
    for setting in settings:
        value, statement = setting.value, setting.statement
        if statement is None or not isinstance(value, np.ndarray) or value.size < 2:
            continue
        repeats = any(close(value, other) for other in held)
        held.append(value)
        if setting.argument:
            continue
        hands_on = setting.is_handed_over or (setting.key.target == RETURN and statement.value in names)
        names.add(setting.key.target)
        doubt = STRANGE if not meant.is_alike(value) or (repeats and not hands_on) else LIKE
        fitting = {sign for sign in (1.0, -1.0) if meant.is_whole(sign * value)}
        if fitting and (hands_on or not repeats):
            doubt = RIGHT if fitting & signs else doubt
            signs = fitting
        line = line_of(statement)
        doubts[line] = min(doubt, doubts.get(line, RIGHT))
    return doubts


def _is_backward(traced: TracedProgram, line: tuple[str, int], settings: Sequence[Setting]) -> bool:
    """Whether a change of a line leaves the forward pass alone, which is right by definition."""
    spans = traced.graph.origins.values()
    if line in {(span.source.name, span.source.position(span.start)[0]) for span in spans}:
        return False
    lines = {line_of(one.statement)[1] for one in settings if one.statement}
    return not traced.program.both or line[1] >= min(lines, default=line[1])


def _corrected_culprit(
    place: Place, text: str, settings: Sequence[Setting], culprits: Sequence[Culprit], wrong: frozenset[Path]
) -> Culprit:
    line = line_of(place.statement)
    for culprit in culprits:
        if culprit.setting.statement and line_of(culprit.setting.statement) == line:
            return culprit._replace(right=text, leaves=tuple(wrong))
    same = [one for one in settings if one.statement and line_of(one.statement) == line and not one.argument]
    targets = place.statement.targets or ("",)
    key = Key(place.code.co_filename, place.statement.line, targets[0])
    setting = same[0] if same else Setting(key, 0, place.statement, np.zeros(()), None, {})
    return Culprit(setting, Adjoint(-1, None), 1.0, tuple(wrong), text)


def _adjoint(traced: TracedProgram, place: Place, meant: Meant) -> Adjoint:
    """What a line that is right now sets."""
    recorder = Recorder()
    run_backward(traced.program, traced.upstream, recorder)
    line = line_of(place.statement)
    same = [one for one in recorder.settings if one.statement and line_of(one.statement) == line]
    return next((one for setting in same[:1] for one in meant.equal(setting.value)), Adjoint(-1, None))


def _with_correction(
    traced: TracedProgram,
    culprit: Culprit,
    by_line: Mapping[Any, Place],
    points: Sequence[Point],
    counts: Counts,
) -> Culprit:
    statement = culprit.setting.statement
    place = by_line.get(line_of(statement)) if statement else None
    if place is None:
        return culprit
    leaves = frozenset(culprit.leaves)
    return culprit._replace(right=Corrections(lambda: _mends(traced, points, leaves), counts).of(place))


def _is_free(traced: TracedProgram) -> bool:
    return bool(traced.program.upstream) or traced.program.jacobian


def _points(traced: TracedProgram, scale: Mapping[Path, float]) -> list[Point]:
    """Where a correction must hold: where the code was checked, and two points beside."""
    free = _is_free(traced)
    points = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        upstream, values = traced.upstream, {}
        if seed:
            for leaf in traced.leaves:
                moved = leaf.value * (1 + MOVED * rng.uniform(-1, 1, np.shape(leaf.value)))
                values[leaf.path] = np.asarray(moved, dtype=np.asarray(leaf.value).dtype)
            if free:
                upstream = random_upstream(np.shape(upstream), seed).astype(np.asarray(upstream).dtype)
        right = _right(traced, values, upstream)
        points.append(Point(values, upstream, {path: scale.get(path, 1.0) * right[path] for path in right}))
    return points


def _right(traced: TracedProgram, values: Mapping[Path, Any], upstream: Any) -> dict[Path, Any]:
    """The right gradients at a point, by the traced graph."""
    program, graph = traced.program, traced.graph
    weights = program.weights(upstream, program.parts({})).values() or [upstream]
    others = {leaf.name: values[leaf.path] for leaf in traced.leaves if leaf.path in values}
    others |= {name: np.asarray(value) for name, value in zip(traced.weights, weights, strict=False)}
    by_node = {one.node: one.value for one in adjoints(graph.with_values(others), 1.0)}
    nodes = {leaf.path: graph.nodes[leaf.name] for leaf in traced.leaves}
    return {path: by_node[node] for path, node in nodes.items() if node in by_node}


def _mends(traced: TracedProgram, points: Sequence[Point], wrong: frozenset[Path]) -> bool:
    """Whether these gradients are right now at all points."""
    return all(_holds(traced, point, wrong) for point in points)


def _holds(traced: TracedProgram, point: Point, wrong: frozenset[Path]) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = {path: np.array(value) for path, value in point.values.items()}  # it may move them
            run: BackwardRun = run_backward(
                traced.program, point.upstream, Recorder(_Nowhere()), values=values
            )
    except Exception:  # a changed statement may be of no use to what comes behind it
        return False
    claims = {found.leaf: found.value for found in run.gradients}
    return all(close(claims.get(path), point.right[path]) for path in wrong)
