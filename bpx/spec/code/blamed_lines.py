"""The lines that are wrong, as what a report says of those to blame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpx.check.report.blame import Blame, CodeLine
from bpx.spec.code.leaves import Path, copied
from bpx.spec.code.lines.backward_values import (
    LONGEST_FORMULA,
    Adjoint,
    adjoints,
    close,
    contributions,
    forward_values,
    is_in_own_words,
    jacobian,
    local_derivatives,
    parts,
    shown_node,
    steps_between,
    sums_of_parts,
)
from bpx.spec.code.lines.corrections import MOST_TRIED, Correction, Corrections, Place, Places, Suspect
from bpx.spec.code.lines.counts import Counts, LineKey, line_of
from bpx.spec.code.lines.differences import mistakes_of
from bpx.spec.code.lines.doubts import (
    calls_to,
    corrected_culprit,
    count_instead,
    doubts,
    forward_lines,
    of_backward,
    read_by_all,
    trust,
)
from bpx.spec.code.lines.line_blame import Attempt, Culprit, Search
from bpx.spec.code.lines.meant import RIGHT, STRANGEST, Meant
from bpx.spec.code.lines.narrowed import narrowed
from bpx.spec.code.lines.recorder import RETURN, Key, Recorder, Setting
from bpx.spec.code.traced_program import (
    BackwardRun,
    TracedProgram,
    at_values,
    batch_lengths,
    is_of_graph,
    random_upstream,
    right_gradients,
    run_backward,
)

MOVED = 0.02  # relative: how far other points are from the first; signs stay, and so do most branches


class WrongLine(NamedTuple):
    """A culprit, and the name of the node whose gradient it should set, where it is one."""

    culprit: Culprit
    node: str | None
    mean: int = 1  # what backward alone divides the gradients of the parameters by

    @property
    def claim(self) -> Any:
        """What the line claims the gradient of the node is."""
        return np.asarray(self.culprit.setting.value) / self.culprit.factor


def wrong_lines(traced: TracedProgram) -> list[WrongLine]:
    """The lines of backward that are wrong, as far as they can be found.

    If it takes one line to explain all with a mean that backward alone takes, and several without, the mean
    is meant.
    """
    lines = _wrong_lines(traced, 1)
    parameters = [leaf for leaf in traced.leaves if leaf.path[0] != "args"]
    if len(lines) < 2 or len(parameters) < 2 or len(parameters) == len(traced.leaves):
        return lines
    for length in batch_lengths(traced):
        others = _wrong_lines(traced, length)
        if len(others) == 1:
            return others
    return lines


def _wrong_lines(traced: TracedProgram, mean: int) -> list[WrongLine]:
    """The lines, if backward divides the gradients of the parameters by `mean`."""
    graph, ours = traced.graph, traced.our_nodes
    scale = {leaf.path: 1 / mean for leaf in traced.leaves if mean > 1 and leaf.path[0] != "args"}
    nodes = {leaf.path: graph.nodes[leaf.name] for leaf in traced.leaves}
    by_leaf = {nodes[path]: factor for path, factor in scale.items()}
    known = [
        one._replace(value=by_leaf[one.node] * one.value) if one.node in by_leaf else one
        for one in adjoints(graph, 1.0)
        if one.node not in ours
    ]
    by_node = {adjoint.node: adjoint.value for adjoint in known}
    right = {path: by_node[node] for path, node in nodes.items() if node in by_node}
    recorder = Recorder()
    found = run_backward(traced.program, traced.upstream, recorder)
    claims = _values(found)
    wrong = [path for path, value in right.items() if not close(claims.get(path), value)]
    if not wrong:
        return []
    settings = of_backward(recorder.settings, traced.graph) if traced.program.both else recorder.settings
    meant = _meant(traced, known, found)
    search = Search(lambda attempt: _replaced(traced, attempt), claims, right, wrong)
    culprits = search.culprits(settings, meant)
    arriving = contributions(graph, 1.0, {culprit.adjoint.node for culprit in culprits})
    narrow = [narrowed(settings, one, arriving[one.adjoint.node]) for one in culprits]
    lines = _corrected(traced, settings, meant, narrow, frozenset(wrong), scale, search.reached)
    return [WrongLine(culprit, _node_of(traced, culprit, by_node), mean) for culprit in lines]


def _replaced(traced: TracedProgram, attempt: Attempt) -> dict[Path, Any] | None:
    """What backward claims with a replacement; None where that fails."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _values(run_backward(traced.program, traced.upstream, Recorder(attempt)))
    except Exception:  # a replaced value may be of no use to what comes behind it
        return None


def _meant(traced: TracedProgram, known: Sequence[Adjoint], found: BackwardRun) -> Meant:
    graph, ours = traced.graph, traced.our_nodes
    groups = [
        known,
        parts(graph, 1.0, known),
        [one for one in local_derivatives(graph, 1.0) if one.node not in ours],
        steps_between(graph, known),
    ]
    by_node = {adjoint.node: adjoint.value for adjoint in known}
    rare = [
        *sums_of_parts(graph, 1.0, known),
        *_steps(traced, found, by_node),
        *_jacobian(traced),
    ]
    data = {graph.nodes[leaf.name] for leaf in traced.data}
    seldom = {one.node for one in known if one.node in data or one.node not in graph.own_names}
    return Meant(groups, graph.origins, forward_values(graph, ours), rare, seldom)


def _steps(traced: TracedProgram, run: BackwardRun, by_node: dict[int, Any]) -> Iterator[Adjoint]:
    """The weights as a right step leaves them, where backward moves them itself."""
    leaves = {leaf.path: leaf for leaf in traced.leaves}
    for leaf, rate in ((leaves[found.leaf], found.rate) for found in run.gradients):
        node = traced.graph.nodes[leaf.name]
        if rate is not None and node in by_node:
            yield Adjoint(node, leaf.value - rate * by_node[node])


def _jacobian(traced: TracedProgram) -> list[Adjoint]:
    """The matrix that a backward without an upstream gradient gives."""
    return jacobian(traced.graph, traced.weights[0], traced.upstream) if traced.program.jacobian else []


def _values(run: BackwardRun) -> dict[Path, Any]:
    return {found.leaf: found.value for found in (*run.misshapen, *run.gradients)}


def _node_of(traced: TracedProgram, culprit: Culprit, by_node: dict[int, Any]) -> str | None:
    """The name of the node, if its whole gradient is what the line should set."""
    adjoint: Adjoint = culprit.adjoint
    if adjoint.node not in by_node:
        return None
    value = culprit.setting.value  # `return dx, dw` sets a tuple
    same_shape = isinstance(value, np.ndarray | float) and np.shape(value) == np.shape(by_node[adjoint.node])
    whole = close(adjoint.value, by_node[adjoint.node])
    return traced.graph.names[adjoint.node] if whole and same_shape else None


def blamed(lines: Sequence[WrongLine], traced: TracedProgram, found: Sequence[Blame]) -> tuple[Blame, ...]:
    """The lines as culprits, with the kinds of mistake that the claims on their nodes show.

    What the report has `found` of gradients that no line explains stays as it is.
    """
    names = {leaf.path: leaf.name for leaf in traced.leaves}
    by_name = {culprit.node: culprit for culprit in found}
    explained = {names[path] for line in lines for path in line.culprit.leaves}
    explained |= {line.node for line in lines if line.node is not None}
    made = []
    for line in lines:
        leaves = tuple(name for path, name in names.items() if path in line.culprit.leaves)
        code = _code_line(line, leaves, traced)
        if code is None:
            continue
        node = line.node or (leaves[0] if leaves else "")
        known = by_name.get(node) or Blame(node, "", None, None)
        formula = str(known.correction)
        is_short = len(formula) <= LONGEST_FORMULA and is_in_own_words(formula, traced.graph)
        shown = code.right is None or is_short
        blame = Blame(node, known.op, known.arg, code.span, claim=True, code=code, given=known.given)
        told = [
            one for one in known.mistakes if code.right is None or is_in_own_words(one.text, traced.graph)
        ]
        mistakes = mistakes_of(line.culprit, told)
        made.append(blame._replace(mistakes=mistakes, correction=known.correction if shown else None))
    if not made:
        return tuple(found)
    return (*made, *(culprit for culprit in found if culprit.node not in explained))


def _code_line(line: WrongLine, leaves: tuple[str, ...], traced: TracedProgram) -> CodeLine | None:
    setting = line.culprit.setting
    if setting.statement is None:
        return None
    sets = "return" if setting.key.target == RETURN else setting.key.target
    time = setting.time + 1 if setting.time else None
    right = line.culprit.right
    shown = shown_node(traced.graph, line.node) if line.node is not None else None
    span, text = setting.statement.span, setting.statement.text
    return CodeLine(span, text, sets, right, leaves, time, line.node, shown=shown)


# --- corrections ---


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


def _corrected(
    traced: TracedProgram,
    settings: Sequence[Setting],
    meant: Meant,
    culprits: Sequence[Culprit],
    wrong: frozenset[Path],
    scale: Mapping[Path, float],
    reached: Mapping[LineKey, frozenset[Path]],
) -> list[Culprit]:
    """The culprits, with what their lines should say; another line alone, if a change of it mends all.

    `scale` is what the right gradients of some leaves are multiplied by: a mean that backward alone takes.
    """
    places = Places()
    run_backward(traced.program, traced.upstream, places)
    by_line = {line_of(place.statement): place for place in places.seen.values()}
    by_line = {line: place for line, place in by_line.items() if _is_backward(traced, line, settings)}
    points = _points(traced, scale)
    doubtful = doubts(settings, meant)
    named = [line_of(one.setting.statement) for one in culprits if one.setting.statement]
    calls = [line for one in culprits for line in calls_to(settings, one.setting)]
    named += calls
    kept = frozenset(path for path in points[0].right if path not in wrong)
    kept = frozenset(path for path in kept if _mends(traced, points, frozenset({path})))
    counts = _counts(traced, points)
    search = Corrections(lambda: _mends(traced, points, wrong | kept), counts)
    suspects = [
        line
        for line in by_line
        if (line in named or doubtful.get(line) != RIGHT)
        and (line in calls or reached.get(line, wrong) >= wrong)
    ]
    shared = read_by_all(counts, by_line, culprits)
    order = sorted(
        suspects, key=lambda line: (line not in shared, doubtful.get(line, RIGHT + 1), line not in named)
    )
    # Lines that set no arrays come last: a sign in a length is seldom what is meant.
    trusted = [Suspect(by_line[line], trust(by_line[line], shared, named, doubtful)) for line in order]
    corrections = search.smallest(trusted)
    if corrections:
        best = _likeliest(traced, search, corrections, meant)
        line, text = count_instead(search, counts, by_line, line_of(best.place.statement), best.text)
        culprit = corrected_culprit(by_line[line], text, settings, culprits, wrong)
        if culprit.adjoint.node < 0:
            with search.changed(by_line[line], text):
                culprit = culprit._replace(adjoint=_adjoint(traced, by_line[line], meant))
        return [culprit]
    if len(culprits) == 1 and not search.gave_up:  # all changes of its line were among them
        return list(culprits)
    return list(_with_corrections(traced, culprits, by_line, points, counts, kept))


def _likeliest(
    traced: TracedProgram, search: Corrections, corrections: Sequence[Correction], meant: Meant
) -> Correction:
    """Of several corrections the one with which most of what backward sets has a meaning."""

    def strangeness(correction: Correction) -> tuple[int, ...]:
        recorder = Recorder()
        with search.changed(correction.place, correction.text):
            run_backward(traced.program, traced.upstream, recorder)
        ranks = meant.strange(recorder.settings)
        line = line_of(correction.place.statement)
        of_line = [one for one in ranks if one.statement and line_of(one.statement) == line]
        own = [0 if meant.is_part(one.value) else ranks[one] for one in of_line]
        calls = any(one.argument and one.statement is correction.place.statement for one in recorder.settings)
        strangest = sum(rank == STRANGEST for rank in ranks.values())
        # Else the last one: what is right up to there has a name that says so.
        return strangest, min(own, default=STRANGEST), calls, sum(ranks.values()), -line[1]

    return min(corrections, key=strangeness) if len(corrections) > 1 else corrections[0]


def _counts(traced: TracedProgram, points: Sequence[Point]) -> Counts:
    """The lines that set no gradients: only the upstream gradient is another one, where it may be."""

    def run(recorder: Recorder, moved: bool) -> None:
        upstream = points[1].upstream if moved else traced.upstream
        moves = points[1].values if moved and not traced.program.upstream_is_free else {}
        run_backward(traced.program, upstream, recorder, values=copied(moves))

    return Counts(run)


def _is_backward(traced: TracedProgram, line: tuple[str, int], settings: Sequence[Setting]) -> bool:
    """Whether a change of a line leaves the forward pass alone, which is right by definition."""
    if line in forward_lines(traced.graph):
        return False
    lines = {line_of(one.statement)[1] for one in settings if one.statement}
    return not traced.program.both or line[1] >= min(lines, default=line[1])


def _adjoint(traced: TracedProgram, place: Place, meant: Meant) -> Adjoint:
    """What a line that is right now sets."""
    recorder = Recorder()
    run_backward(traced.program, traced.upstream, recorder)
    line = line_of(place.statement)
    same = [one for one in recorder.settings if one.statement and line_of(one.statement) == line]
    return next((one for setting in same[:1] for one in meant.equal(setting.value)), Adjoint(-1, None))


def _with_corrections(
    traced: TracedProgram,
    culprits: Sequence[Culprit],
    by_line: Mapping[Any, Place],
    points: Sequence[Point],
    counts: Counts,
    kept: frozenset[Path],
) -> Iterator[Culprit]:
    """Each culprit with what its line should say, as long as not too many changes were tried in all."""
    tried = 0
    for culprit in culprits:
        statement = culprit.setting.statement
        place = by_line.get(line_of(statement)) if statement else None
        if place is not None and tried < MOST_TRIED:
            search = Corrections(partial(_mends, traced, points, kept.union(culprit.leaves)), counts)
            culprit = culprit._replace(right=search.of(place), lengths=place.lengths)
            tried += search.tried
        yield culprit


def _points(traced: TracedProgram, scale: Mapping[Path, float]) -> list[Point]:
    """Where a correction must hold: here, at two points beside, at two far away on the same branches."""
    points = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        upstream, far = traced.upstream, seed > 2
        values = {leaf.path: _moved(leaf.value, rng, far=far) for leaf in traced.leaves if seed}
        if seed and traced.program.upstream_is_free:
            upstream = random_upstream(np.shape(upstream), seed).astype(np.asarray(upstream).dtype)
        if not far or is_of_graph(traced, values, upstream):
            right = right_gradients(at_values(traced, values, upstream))
            scaled = {path: scale.get(path, 1.0) * value for path, value in right.items()}
            points.append(Point(values, upstream, scaled))
    return points


def _moved(value: Any, rng: np.random.Generator, *, far: bool) -> Any:
    """Values near these, or drawn as if from where these are."""
    drawn = np.mean(value) + (np.std(value) or 1.0) * rng.normal(size=np.shape(value))
    moved = drawn if far else value * (1 + MOVED * rng.uniform(-1, 1, np.shape(value)))
    return np.asarray(moved, dtype=np.asarray(value).dtype)


def _mends(traced: TracedProgram, points: Sequence[Point], wrong: frozenset[Path]) -> bool:
    """Whether these gradients are right now at all points."""
    return all(_holds(traced, point, wrong) for point in points)


def _holds(traced: TracedProgram, point: Point, wrong: frozenset[Path]) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = {path: np.array(value) for path, value in point.values.items()}  # it may move them
            run = run_backward(traced.program, point.upstream, Recorder(_Nowhere()), values=values)
    except Exception:  # a changed statement may be of no use to what comes behind it
        return False
    claims = {found.leaf: found.value for found in run.gradients}
    return all(close(claims.get(path), point.right[path]) for path in wrong)
