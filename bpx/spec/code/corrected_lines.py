"""Lines of backward that one small change makes right: found and proved by running it with the change."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.leaves import Path
from bpx.spec.code.lines.backward_values import Adjoint, adjoints, close
from bpx.spec.code.lines.corrections import Corrections, Place, Places
from bpx.spec.code.lines.line_blame import Culprit
from bpx.spec.code.lines.meant import LIKE, RIGHT, STRANGE, Meant
from bpx.spec.code.lines.recorder import Key, Recorder, Setting
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
    by_line = {_line(place.statement): place for place in places.seen.values()}
    by_line = {line: place for line, place in by_line.items() if _is_backward(traced, line, settings)}
    points = _points(traced, scale)
    doubts = _doubts(settings, meant)
    named = [_line(one.setting.statement) for one in culprits if one.setting.statement]
    search = Corrections(lambda: _mends(traced, points, wrong))
    order = sorted(by_line, key=lambda line: (doubts.get(line, LIKE), line not in named))
    for line in order:
        text = search.of(by_line[line])
        if text is not None:
            culprit = _culprit(by_line[line], text, settings, culprits, wrong)
            if culprit.adjoint.node < 0:
                with search.changed(by_line[line], text):
                    culprit = culprit._replace(adjoint=_adjoint(traced, by_line[line], meant))
            return [culprit]
    if len(culprits) == 1:
        return list(culprits)
    return [_with_correction(traced, one, by_line, points) for one in culprits]


def _doubts(settings: Sequence[Setting], meant: Meant) -> dict[tuple[str, int], int]:
    """How doubtful lines are, by the first that each sets: whole adjoints, but for their sign, are right.

    A second line that sets the same as one before is strange.
    """
    doubts: dict[tuple[str, int], int] = {}
    held = [meant.upstream]
    for setting in settings:
        value = setting.value
        if setting.statement is None or not isinstance(value, np.ndarray) or value.size < 2:
            continue
        repeats = any(close(value, other) for other in held)
        held.append(value)
        if setting.argument:
            continue
        doubt = STRANGE if repeats or not meant.is_alike(value) else LIKE
        doubt = RIGHT if not repeats and meant.is_whole(value) else doubt
        line = _line(setting.statement)
        doubts[line] = min(doubt, doubts.get(line, RIGHT))
    return doubts


def _is_backward(traced: TracedProgram, line: tuple[str, int], settings: Sequence[Setting]) -> bool:
    """Whether a change of a line leaves the forward pass alone, which is right by definition."""
    spans = traced.graph.origins.values()
    if line in {(span.source.name, span.source.position(span.start)[0]) for span in spans}:
        return False
    lines = {_line(one.statement)[1] for one in settings if one.statement}
    return not traced.program.both or line[1] >= min(lines, default=line[1])


def _line(statement: Any) -> tuple[str, int]:
    return statement.span.source.name, statement.line


def _culprit(
    place: Place, text: str, settings: Sequence[Setting], culprits: Sequence[Culprit], wrong: frozenset[Path]
) -> Culprit:
    line = _line(place.statement)
    for culprit in culprits:
        if culprit.setting.statement and _line(culprit.setting.statement) == line:
            return culprit._replace(right=text, leaves=tuple(wrong))
    same = [one for one in settings if one.statement and _line(one.statement) == line and not one.argument]
    targets = place.statement.targets or ("",)
    key = Key(place.code.co_filename, place.statement.line, targets[0])
    setting = same[0] if same else Setting(key, 0, place.statement, np.zeros(()), None, {})
    return Culprit(setting, Adjoint(-1, None), 1.0, tuple(wrong), text)


def _adjoint(traced: TracedProgram, place: Place, meant: Meant) -> Adjoint:
    """What a line that is right now sets."""
    recorder = Recorder()
    run_backward(traced.program, traced.upstream, recorder)
    line = _line(place.statement)
    same = [one for one in recorder.settings if one.statement and _line(one.statement) == line]
    return next((one for setting in same[:1] for one in meant.equal(setting.value)), Adjoint(-1, None))


def _with_correction(
    traced: TracedProgram, culprit: Culprit, by_line: Mapping[Any, Place], points: Sequence[Point]
) -> Culprit:
    statement = culprit.setting.statement
    place = by_line.get(_line(statement)) if statement else None
    if place is None:
        return culprit
    leaves = frozenset(culprit.leaves)
    return culprit._replace(right=Corrections(lambda: _mends(traced, points, leaves)).of(place))


def _points(traced: TracedProgram, scale: Mapping[Path, float]) -> list[Point]:
    """Where a correction must hold: where the code was checked, and two points beside."""
    free = bool(traced.program.upstream) or traced.program.jacobian
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
            run: BackwardRun = run_backward(
                traced.program, point.upstream, Recorder(_Nowhere()), values=point.values
            )
    except Exception:  # a changed statement may be of no use to what comes behind it
        return False
    claims = {found.leaf: found.value for found in run.gradients}
    return all(close(claims.get(path), point.right[path]) for path in wrong)
