"""The check of a backward function against the graph that its forward function is traced to.

The numbers that backward gives for a random upstream gradient are claims on the inputs of the graph, and are
judged as any claims are. Trust rests on the forward function alone: the graph was compared with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.check.gradcheck import gradcheck
from bpx.check.numeric.tolerances import DETECT
from bpx.check.report.report import Report
from bpx.spec.code.gradients import Found, claimed_gradients
from bpx.spec.code.leaves import Leaf, Path, get, named
from bpx.spec.code.line_blame import Culprit, Meant, Search, adjoints, close, forward_values, contributions, local_derivatives, narrowed, parts, steps_between
from bpx.spec.code.program import Program
from bpx.spec.code.recorder import Recorder
from bpx.graph.named.claim import Claim, Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.trace.trace import Trace, trace_function
from bpx.words.diagnostic import BpxError, Diagnostic


class BackwardRun(NamedTuple):
    """What backward gave for an upstream gradient."""

    upstream: Any
    gradients: tuple[Found, ...]


class TracedProgram(NamedTuple):
    """A program whose forward is a graph, with the leaves that backward has gradients of."""

    program: Program
    trace: Trace
    leaves: tuple[Leaf, ...]

    @property
    def graph(self) -> NamedGraph:
        """The graph of the forward function."""
        return self.trace.graph


def check_program(program: Program, *, seed: int = 0, detect: float = DETECT, **options: Any) -> Report:
    """Check the backward of a program.

    Raises `TraceError` where the forward cannot be traced, `BpxError` where something is missing.
    """
    output = np.asarray(program.run({}))
    upstream = random_upstream(output.shape, seed) if program.upstream or program.jacobian else np.ones(output.shape)
    run = run_backward(program, upstream)
    traced = trace_program(program, [found.leaf for found in run.gradients])
    graph = claimed(traced, run)
    report = gradcheck(graph, upstream=upstream, wrt=[leaf.name for leaf in traced.leaves], detect=detect, seed=seed, **options)
    report.__dict__["culprits"] = culprits(traced, upstream)
    return report


def culprits(traced: TracedProgram, upstream: Any) -> list[Culprit]:
    """The lines of backward that are wrong."""
    known = adjoints(traced.graph, upstream)
    by_node = {adjoint.node: adjoint.value for adjoint in known}
    right = {leaf.path: by_node[traced.graph.nodes[leaf.name]] for leaf in traced.leaves if traced.graph.nodes[leaf.name] in by_node}
    recorder = Recorder()
    claims = _values(run_backward(traced.program, upstream, recorder))
    wrong = [path for path, value in right.items() if not close(claims.get(path), value)]
    if not wrong:
        return []

    def gradients(replace: Any) -> Any:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _values(run_backward(traced.program, upstream, Recorder(replace)))
        except Exception:  # a replaced value may be of no use to what comes behind it
            return None

    settings = recorder.settings
    if traced.program.both:
        # What the lines of the forward pass set is right by definition.
        forward = {(span.source, span.source.position(span.start)[0]) for span in traced.graph.origins.values()}
        settings = [one for one in settings if one.statement is None or (one.statement.span.source, one.statement.line) not in forward]
    meant = Meant([known, parts(traced.graph, upstream, known), local_derivatives(traced.graph, upstream), steps_between(traced.graph, known)], traced.graph.origins, forward_values(traced.graph))
    found = Search(gradients, claims, right, wrong).culprits(settings, meant)
    arriving = contributions(traced.graph, upstream, {culprit.adjoint.node for culprit in found})
    return [narrowed(recorder.settings, culprit, arriving[culprit.adjoint.node]) for culprit in found]


def _values(run: BackwardRun) -> dict[Path, Any]:
    return {found.leaf: found.value for found in run.gradients}


def random_upstream(shape: tuple[int, ...], seed: int) -> Any:
    """Numbers of both signs, none of them small: each weighs its output."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def run_backward(program: Program, upstream: Any, recorder: Recorder | None = None) -> BackwardRun:
    """Forward and backward once, and the gradients that they leave; a recorder watches backward."""
    recorder = recorder or Recorder()
    for before, result, after in program.backward_run(upstream, {}, recorder.recording):
        if program.jacobian:
            return BackwardRun(upstream, tuple(_of_jacobian(program, before, result, upstream)))
        besides = program.outputs if program.both else ()
        args = list(program.world.originals["args"])
        gradients = claimed_gradients(program.backward.function, result, before, after, recorder.locals, args, program.world.paths, besides)
        by_leaf: dict[Path, Found] = {}
        for found in gradients:
            leaf = program.world.leaf(found.leaf)
            by_leaf.setdefault(leaf, found._replace(leaf=leaf))
        return BackwardRun(upstream, tuple(by_leaf.values()))
    raise AssertionError


def _of_jacobian(program: Program, before: Any, result: Any, upstream: Any) -> Sequence[Found]:
    """The gradient that a matrix ∂output/∂input gives."""
    matrix = np.asarray(result)
    for name, value in before["args"].items():
        if np.asarray(value).dtype.kind == "f" and matrix.shape == (upstream.size, np.size(value)):
            gradient = (np.ravel(upstream) @ matrix).reshape(np.shape(value))
            return [Found(("args", name), gradient, "returned")]
    raise BpxError([Diagnostic("no-upstream", None, {"name": program.backward.name}, "name-the-loss")])


def trace_program(program: Program, paths: Sequence[Path]) -> TracedProgram:
    """The graph of the forward function, with these leaves as its inputs."""
    if not paths:
        raise BpxError([Diagnostic("no-gradients", None, {"name": program.backward.name})])
    leaves = named({path: np.asarray(get(program.world.originals, path)) for path in paths})

    def forward(**values: Any) -> Any:
        return program.run({leaf.path: values[leaf.name] for leaf in leaves})

    inputs = {leaf.name: leaf.value for leaf in leaves}
    return TracedProgram(program, trace_function(forward, inputs, program.forward.function), tuple(leaves))


def claimed(traced: TracedProgram, run: BackwardRun) -> Any:
    """The graph with what backward gave as claims."""
    from dataclasses import replace

    names = {leaf.path: leaf.name for leaf in traced.leaves}
    claims = {
        names[found.leaf]: Claim(Derivative(None, names[found.leaf]), None, np.asarray(found.value, dtype=float).tolist(), None)
        for found in run.gradients
    }
    return replace(traced.graph, claims=claims)
