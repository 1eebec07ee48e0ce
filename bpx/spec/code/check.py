"""The check of a backward function against the graph that its forward function is traced to.

The numbers that backward gives for a random upstream gradient are claims on the inputs of the graph, and are
judged as any claims are. Trust rests on the forward function alone: the graph was compared with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np

from bpx.check.function.black_box import check_function
from bpx.check.gradcheck import gradcheck
from bpx.check.ladders.why import Why
from bpx.check.numeric.tolerances import SINGLE_ROUNDINGS
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.graph.numbers import index_text
from bpx.spec.code.blamed_lines import WrongLine, blamed, wrong_lines
from bpx.spec.code.gradients import Found
from bpx.spec.code.habits import (
    SHORT_FLOATS,
    adds_up,
    changes,
    claims_of,
    elsewhere,
    mean_in_backward,
    moves_of,
    short_roundoff,
    with_steps,
    without_mean,
)
from bpx.spec.code.leaves import Path, get, named
from bpx.spec.code.lines.backward_values import own_name
from bpx.spec.code.lines.line_blame import MANY
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.options import ProgramOptions
from bpx.spec.code.program import Program
from bpx.spec.code.steps.readings import readings_alone
from bpx.spec.code.traced_program import (
    BackwardRun,
    TracedProgram,
    at_values,
    certify_nearby,
    random_upstream,
    run_backward,
    trace_program,
    with_claims,
)
from bpx.spec.code.understand import settled
from bpx.spec.code.words_of_code import parameters
from bpx.spec.trace.tape import TraceError
from bpx.words.diagnostic import Diagnostic
from bpx.words.guards.faults import helped

_ONE_AT_A_TIME = Lock()  # a program runs on its module's own variables, which the threads of a process share

# An entry for one element of the output: `∂forward[1, 0]/∂w[2]`.
_OF_ELEMENT = re.compile(r"[∂d](?P<output>[^\[\]/]+)\[(?P<index>\d+(?:,\d+)*)\]/[∂d](?P<entry>.+)")


def check_program(program: Program, *, written: str = "{}", **options: Any) -> Report:
    """Check the backward of a program, and if it is wrong, find the line.

    Where the forward cannot be traced, it is checked by differences. For the options see
    `bpx.spec.code.options.ProgramOptions`; diagnostics name them as they are `written`. Raises `BpxError`
    where something is missing.
    """

    def check(reading: Program) -> Report:
        chosen = ProgramOptions.of(options, reading, written)
        try:
            return _check_traced(reading, chosen)
        except TraceError as refusal:
            return _check_black_box(reading, chosen, refusal, written)

    return settled(program, check)


def _check_black_box(program: Program, options: ProgramOptions, refusal: TraceError, written: str) -> Report:
    """The check by differences of forward, where it cannot be traced."""
    [problem] = refusal.diagnostics[:1]
    settings = options.of_differences(problem.message, written)
    recorder = Recorder()
    run = run_backward(program, _upstream(program, options), recorder)
    program = program.alike(steps=readings_alone(moves_of(run, program, recorder.locals), recorder))
    originals = program.world.originals
    leaves = named({found.leaf: np.array(get(originals, found.leaf)) for found in run.gradients})
    if not leaves:
        raise refusal
    leaves = options.among(leaves)
    forward = _Forward(program, [leaf.path for leaf in leaves])

    def backward(upstream: Any, *values: Any) -> Any:
        at = {leaf.path: value for leaf, value in zip(leaves, values, strict=True)}
        found = {item.leaf: item.value for item in run_backward(program, upstream, values=at).gradients}
        # A backward that takes no upstream gradient gives that of the loss itself.
        weight = 1.0 if program.upstream_is_free else float(upstream)
        return tuple(_times(found.get(leaf.path), weight) for leaf in leaves)

    names = [leaf.name for leaf in leaves]
    report = check_function(forward, [leaf.value for leaf in leaves], backward, names, **settings)
    note = Diagnostic("not-traced", problem.span, {"reason": problem.message}, severity="note")
    name = program.forward.name.rpartition(".")[2]
    notes = (note, *report.notes)
    return replace(report, output=name, notes=notes, of_code=True, all=options.all)


class _Forward:
    """The output of a program as a function of these leaves, which can be sent to other processes."""

    def __init__(self, program: Program, leaves: Sequence[Path]) -> None:
        self.program, self.leaves = program, leaves

    def __call__(self, *values: Any) -> Any:
        with _ONE_AT_A_TIME:
            return self.program.run(dict(zip(self.leaves, values, strict=True)))


def _upstream(program: Program, options: ProgramOptions) -> Any:
    """What is handed to backward: random numbers of the output's shape and type, or 1 for a loss."""
    output = np.asarray(program.run({}))
    if options.upstream is not None:
        return options.upstream_of(output)
    if not program.upstream_is_free:
        return np.ones(output.shape)
    return random_upstream(output.shape, options.seed).astype(output.dtype)


def _times(gradient: Any, weight: float) -> Any:
    return None if gradient is None else weight * np.asarray(gradient)


def _check_traced(program: Program, chosen: ProgramOptions) -> Report:
    with np.errstate(all="ignore"):
        upstream = _upstream(program, chosen)
        recorder = Recorder()
        run = run_backward(program, upstream, recorder)
        traced = trace_program(program, _leaves_of(run), upstream)
        if chosen.announce_graph:
            chosen.announce_graph(traced.graph, [leaf.name for leaf in traced.leaves])
        certify_nearby(traced)
        roundoff = short_roundoff(recorder, traced.trace.roundoff)
        traced = traced._replace(trace=traced.trace._replace(roundoff=roundoff))
        traced, run, assumed = with_steps(traced, run, recorder)
    report = judged(traced, run, chosen)
    if report.verdict != "disagree":
        report = _with_habits(report, traced, chosen.chosen(leaf.name for leaf in traced.leaves), chosen)
    notes = (*report.notes, *assumed, *changes(program, upstream, run.gradients))
    if chosen.wrt is None:
        notes = (*notes, *_unclaimed(traced, report, program))
    misshapen = [one for one in run.misshapen if _is_asked(one, chosen)]
    if misshapen and report.verdict != "disagree":
        report = with_lines_of(report, traced, [found.leaf for found in misshapen])
    return replace(with_shapes(report, traced, misshapen), notes=notes)


def _leaves_of(run: BackwardRun) -> list[Path]:
    """What there are gradients of, of any shape; nothing where none has the shape of its array."""
    return [found.leaf for found in (*run.gradients, *run.misshapen)] if run.gradients else []


def with_shapes(
    report: Report,
    traced: TracedProgram,
    misshapen: Sequence[Found],
    known: Mapping[str, tuple[Mistake, ...]] = MappingProxyType({}),
) -> Report:
    """The report with the gradients of another shape than their arrays, at the lines that set them.

    Of some leaves, more than the shape is `known`, by their names.
    """
    blame = report.blame
    for shape in reversed([_wrong_shape(found, traced.program) for found in misshapen]):
        of_line = [one for one in blame if one.code and shape.node in one.code.wrong]
        others = tuple(
            one for one in blame if one not in of_line[:1] and (one.code or one.node != shape.node)
        )
        line = of_line[0] if of_line else shape
        blame = (line._replace(mistakes=known.get(shape.node, shape.mistakes)), *others)
    return replace(report, blame=blame)


def with_lines_of(report: Report, traced: TracedProgram, paths: Collection[Path]) -> Report:
    """The report with the lines that make the gradients of these leaves wrong."""
    lines = [line for line in wrong_lines(traced) if not {*line.culprit.leaves}.isdisjoint(paths)]
    return replace(report, blame=blamed(lines, traced, report.blame))


def judged(traced: TracedProgram, run: BackwardRun, chosen: ProgramOptions) -> Report:
    """What a run of backward gave, judged by the graph of forward, with the lines to blame."""
    with np.errstate(all="ignore"):
        claims, notes = claims_of(traced, run)
    names = chosen.chosen(claims)
    claims = {name: claims[name] for name in names}
    options: dict[str, Any] = {"wrt": names, "detect": chosen.detect, "seed": chosen.seed}
    options |= {"budget": chosen.budget, "all": chosen.all}
    element = _element_asked(traced, chosen.why)
    why = None if element else chosen.why
    report = gradcheck(with_claims(traced, claims, chosen.rtol), causes=False, why=why, **options)
    if report.verdict == "disagree":
        plain, misshapen = report, {found.leaf for found in run.misshapen}
        report, faults = helped(lambda: _with_lines(plain, traced, claims, options, misshapen), plain)
        report = replace(report, notes=(*report.notes, *faults))
    output = own_name(traced.graph, report.output)
    report = replace(report, of_code=True, rounded=False, output=output, upstream=traced.upstreams)
    if element:
        report = replace(report, why=_why_of_element(traced, *element, chosen))
    elif report.why and traced.weights:
        report = replace(report, why=_why_of_mixture(traced, report.why))
    short = _short_type(traced, claims)
    if short is not None:
        # Less than the rounding of that type is not seen.
        least = SINGLE_ROUNDINGS * float(np.finfo(short).eps)
        report = replace(report, detect=max(report.detect, least))
        notes = (*notes, Diagnostic("short-floats", None, {"type": short.name}, severity="note"))
    return replace(report, notes=(*_understood(traced), *notes, *report.notes))


def _element_asked(traced: TracedProgram, why: str | None) -> tuple[tuple[int, ...], str] | None:
    """The element of the output, and the entry, of `∂forward[1, 0]/∂w[2]`; None where no element is named."""
    parts = _OF_ELEMENT.fullmatch("".join((why or "").split()))
    shape = np.shape(traced.upstream)
    if parts is None or not traced.weights or parts["output"] != _output_name(traced):
        return None
    index = tuple(int(number) for number in parts["index"].split(","))
    fits = len(index) == len(shape) and all(i < length for i, length in zip(index, shape, strict=True))
    return (index, parts["entry"]) if fits else None


def _why_of_element(
    traced: TracedProgram, index: tuple[int, ...], entry: str, chosen: ProgramOptions
) -> Why | None:
    """The ladder of an entry for one element of the output: what backward gives where only that counts."""
    upstream = np.zeros(np.shape(traced.upstream))
    upstream[index] = 1.0
    alone = at_values(traced, {}, upstream)
    with np.errstate(all="ignore"):
        claims, _ = claims_of(alone, run_backward(traced.program, upstream))
    options: dict[str, Any] = {"detect": chosen.detect, "seed": chosen.seed, "budget": chosen.budget}
    spec = with_claims(alone, claims, chosen.rtol)
    why = gradcheck(spec, wrt=chosen.chosen(claims), causes=False, why=entry, **options).why
    element = _output_name(traced) + index_text(index)
    asked = why and why.asked._replace(label=f"∂{element}/∂{why.asked.label}", function=element)
    return why and asked and replace(why, asked=asked)


def _why_of_mixture(traced: TracedProgram, why: Why) -> Why:
    """The ladder of an entry, which says that it is of a mixture, and how one element is asked for."""
    output, first = _output_name(traced), index_text((0,) * np.ndim(traced.upstream))
    function = f"sum({traced.weights[0]} * {output})"
    one = f"∂{output}{first}/∂{why.asked.label}"
    return replace(why, asked=why.asked._replace(function=function, element=one))


def _output_name(traced: TracedProgram) -> str:
    return traced.program.output_name or traced.program.forward.name.rpartition(".")[2]


def _short_type(traced: TracedProgram, claims: dict[str, Any]) -> Any:
    """The shortest type that was met, by whose rounding all is judged; None where it is float64."""
    met = {claim.dtype for claim in claims.values()}
    for kind in SHORT_FLOATS:
        if np.dtype(kind) in met or traced.trace.roundoff == float(np.finfo(kind).eps):
            return np.dtype(kind)
    return None


def _unclaimed(traced: TracedProgram, report: Report, program: Program) -> Iterator[Diagnostic]:
    """A note on the arguments of which there is no gradient."""
    claimed = {leaf.name for leaf in traced.leaves} | {blame.node for blame in report.blame}
    silent = [name for name in _arrays(program) if name not in claimed]
    if silent and not program.both:
        facts = {"names": ", ".join(f"`{name}`" for name in silent), "count": len(silent)}
        yield Diagnostic("no-claim", None, facts, severity="note")


def _arrays(program: Program) -> list[str]:
    """The arguments of forward that are arrays of floats."""
    args = program.world.originals["args"]
    asked = {parameter.name for parameter in parameters(program.forward.function)}
    return [
        name for name, value in args.items() if name in asked and getattr(value, "dtype", None) == np.float64
    ]


def _is_asked(found: Found, chosen: ProgramOptions) -> bool:
    return chosen.wrt is None or named({found.leaf: found.value})[0].name in chosen.wrt


def _wrong_shape(found: Found, program: Program) -> Blame:
    """A gradient that is of no use, whatever its numbers are."""
    wanted = np.shape(get(program.world.originals, found.leaf))
    [leaf] = named({found.leaf: found.value})
    facts = {"found": str(np.shape(found.value)), "wanted": str(wanted), "name": leaf.name}
    mistake = Mistake.of("wrong-shape", **facts)
    return Blame(leaf.name, "", None, None, (mistake,), claim=True)


def _understood(traced: TracedProgram) -> tuple[Diagnostic, ...]:
    """How the functions were called, and that they were traced."""
    program = traced.program
    facts = {
        "forward": program.forward.name,
        "backward": program.backward.name,
        "loss": program.loss.name if program.loss else "",
        "count": traced.trace.lines,
        "upstream": ", ".join(f"`{name}`" for name in program.upstream),
        "output": traced.graph.names[traced.graph.output],
    }
    code = "traced-both" if program.both else "traced-weighted" if program.upstream else "traced"
    code = "traced-loss" if program.loss else code
    if not traced.trace.lines and code in ("traced", "traced-weighted"):  # the source is not at hand
        code = f"{code}-whole"
    notes = [Diagnostic(code, None, facts, severity="note")]
    for branch in traced.trace.branches[:3]:
        if branch.span is not None:
            facts = {"text": branch.span.text, "taken": str(branch.taken)}
            line = branch.span.source.position(branch.span.start)[0]
            notes.append(Diagnostic("branch-taken", None, {**facts, "line": line}, severity="note"))
    return tuple(notes)


def _with_lines(
    report: Report,
    traced: TracedProgram,
    claims: dict[str, Any],
    options: dict[str, Any],
    misshapen: Collection[Path],
) -> Report:
    """The report with the lines to blame; what they set is a claim too, so that its kind can be named.

    Gradients that are `misshapen` are no claims, but lines set them too.
    """
    paths = {leaf.path for leaf in traced.leaves if leaf.name in claims or leaf.path in misshapen}
    lines = [line for line in wrong_lines(traced) if paths & {*line.culprit.leaves}]
    if lines and lines[0].mean > 1:
        claims = without_mean(traced, claims, lines[0].mean)
        why = report.why.asked.label if report.why else None
        report = gradcheck(with_claims(traced, claims), why=why, **options)
        report = replace(report, notes=(*report.notes, mean_in_backward(lines[0].mean)))
    inner = {line.node: line.claim for line in lines if line.node is not None and line.node not in claims}
    every = {name: claim for name, claim in claims.items() if name not in _alike(lines, traced)} | inner
    again = gradcheck(with_claims(traced, every), **{**options, "wrt": [*every]})
    return replace(report, blame=blamed(lines, traced, again.blame), innocent=() if lines else again.innocent)


def _alike(lines: Sequence[WrongLine], traced: TracedProgram) -> set[str]:
    """All gradients but the first of each line that makes many wrong: that one shows the mistake."""
    names = {leaf.path: leaf.name for leaf in traced.leaves}
    many = [line for line in lines if len(line.culprit.leaves) > MANY]
    alike = [[name for path, name in names.items() if path in line.culprit.leaves] for line in many]
    return {name for of_line in alike for name in of_line[1:]}


def _with_habits(
    report: Report, traced: TracedProgram, checked: Collection[str], chosen: ProgramOptions
) -> Report:
    """The report with what only a second call shows, or one with other inputs."""
    names = {leaf.path: leaf.name for leaf in traced.leaves if leaf.name in checked}
    added = [names[path] for path in adds_up(traced.program, traced.upstream) if path in names]
    blame = tuple(_of_gradient(name, Mistake("accumulates")) for name in added)
    others = [name for name in checked if name not in added]
    report = with_other_inputs(report, traced, others, chosen)
    return replace(report, blame=(*report.blame, *blame))


def with_other_inputs(
    report: Report, traced: TracedProgram, checked: Collection[str], chosen: ProgramOptions
) -> Report:
    """The report with what only calls with other inputs show of these gradients, where all agree."""
    if report.verdict != Verdict.AGREE.word:
        return report
    found = elsewhere(traced, chosen)
    blame = tuple(_of_gradient(name, one) for name, one in found.mistakes.items() if name in checked)
    facts = {"name": traced.program.forward.name}
    notes = () if found.steady else (Diagnostic("unsteady-forward", None, facts, severity="warning"),)
    return replace(report, blame=(*report.blame, *blame), notes=(*report.notes, *notes))


def _of_gradient(name: str, mistake: Mistake) -> Blame:
    """A mistake that no line is known for."""
    return Blame(name, "", None, None, (mistake,), claim=True)
