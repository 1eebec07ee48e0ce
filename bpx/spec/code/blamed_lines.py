"""The lines that are wrong, as what a report says of those to blame."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.check.report.blame import Blame, CodeLine
from bpx.spec.code.corrected_lines import corrected
from bpx.spec.code.leaves import Path, walk
from bpx.spec.code.lines.backward_values import (
    Adjoint,
    adjoints,
    close,
    contributions,
    forward_values,
    jacobian,
    local_derivatives,
    parts,
    steps_between,
    sums_of_parts,
)
from bpx.spec.code.lines.line_blame import Attempt, Culprit, Search
from bpx.spec.code.lines.meant import Meant
from bpx.spec.code.lines.narrowed import narrowed
from bpx.spec.code.lines.recorder import RETURN, Recorder, Setting
from bpx.spec.code.traced_program import BackwardRun, TracedProgram, run_backward


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


def batch_lengths(traced: TracedProgram) -> list[int]:
    """The lengths that a batch may have."""
    arguments = (value for _, value in walk(traced.program.world.originals["args"]))
    return sorted({n for value in arguments if isinstance(value, np.ndarray) for n in value.shape if n > 1})


def _wrong_lines(traced: TracedProgram, mean: int) -> list[WrongLine]:
    """The lines, if backward divides the gradients of the parameters by `mean`."""
    graph = traced.graph
    ours = traced.our_nodes
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
    settings = _of_backward(traced, recorder.settings)
    meant = _meant(traced, known, found)
    search = Search(lambda attempt: _replaced(traced, attempt), claims, right, wrong)
    culprits = search.culprits(settings, meant)
    arriving = contributions(graph, 1.0, {culprit.adjoint.node for culprit in culprits})
    narrow = [narrowed(settings, one, arriving[one.adjoint.node]) for one in culprits]
    lines = corrected(traced, settings, meant, narrow, frozenset(wrong), scale)
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
    return Meant(groups, graph.origins, forward_values(graph, ours), rare)


def _steps(traced: TracedProgram, run: BackwardRun, by_node: dict[int, Any]) -> list[Adjoint]:
    """The weights as a right step leaves them, where backward moves them itself."""
    leaves = {leaf.path: leaf for leaf in traced.leaves}
    steps = []
    for found in run.gradients:
        node = traced.graph.nodes[leaves[found.leaf].name]
        if found.rate is not None and node in by_node:
            steps.append(Adjoint(node, leaves[found.leaf].value - found.rate * by_node[node]))
    return steps


def _jacobian(traced: TracedProgram) -> list[Adjoint]:
    """The matrix that a backward without an upstream gradient gives."""
    return jacobian(traced.graph, traced.weights[0], traced.upstream) if traced.program.jacobian else []


def _of_backward(traced: TracedProgram, settings: Sequence[Setting]) -> list[Setting]:
    """Without what the lines of the forward pass set, which is right by definition."""
    if not traced.program.both:
        return list(settings)
    spans = traced.graph.origins.values()
    forward = {(span.source.name, span.source.position(span.start)[0]) for span in spans}
    last: dict[tuple[str, int], int] = {}
    for number, setting in enumerate(settings):
        last[_place(setting)] = number
    ends = max(
        (
            number
            for number, setting in enumerate(settings)
            # The loss may be found at the very end.
            if _place(setting) in forward and not setting.argument and setting.key.target != RETURN
        ),
        default=-1,
    )
    # What comes before, as a copy that is kept of a state, is of the forward pass too.
    return [one for one in settings if _place(one) not in forward and last[_place(one)] > ends]


def _place(setting: Setting) -> tuple[str, int]:
    statement = setting.statement
    if statement is None:
        return setting.key.filename, setting.key.line
    return statement.span.source.name, statement.line


def _values(run: BackwardRun) -> dict[Path, Any]:
    return {found.leaf: found.value for found in run.gradients}


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
        code = _code_line(line, leaves)
        if code is None:
            continue
        node = line.node or (leaves[0] if leaves else "")
        known = by_name.get(node) or Blame(node, "", None, None)
        made.append(known._replace(claim=True, code=code, span=code.span, also=(), cancelled=(), heirs=()))
    if not made:
        return tuple(found)
    return (*made, *(culprit for culprit in found if culprit.node not in explained))


def _code_line(line: WrongLine, leaves: tuple[str, ...]) -> CodeLine | None:
    setting = line.culprit.setting
    if setting.statement is None:
        return None
    sets = "return" if setting.key.target == RETURN else setting.key.target
    time = setting.time + 1 if setting.time else None
    right = line.culprit.right
    return CodeLine(setting.statement.span, setting.statement.text, sets, right, leaves, time, line.node)
