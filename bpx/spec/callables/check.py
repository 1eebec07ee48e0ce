"""The check of `backward(g, *inputs)` against `forward(*inputs)`: as a formula, or else as a black box.

What the functions do with their inputs, and whether they give the same every time, is found by calling them,
as for a black box. Where forward can be traced, its graph judges what backward gives for one upstream
gradient, and says what should have come for all others. Whatever else there is, the black box is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpx.check.function.black_box import FunctionOptions, check_function
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.function.black_box_steadiness import find_unsteady_claims
from bpx.check.function.caller import Caller
from bpx.check.numeric.tolerances import REPEATS
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.spec.callables.other_upstreams import disagrees, with_kinds, with_other_upstreams
from bpx.spec.callables.positional_program import PositionalProgram
from bpx.spec.callables.styles import program_in_other_style
from bpx.spec.code.check import check_program, judged, with_lines_of, with_other_inputs, with_shapes
from bpx.spec.code.options import ProgramOptions
from bpx.spec.code.traced_program import (
    BackwardRun,
    TracedProgram,
    certify_nearby,
    random_upstream,
    run_backward,
    trace_program,
)
from bpx.spec.trace.tape import TraceError
from bpx.spec.trace.user_source import in_turn
from bpx.words.diagnostic import Diagnostic

_OF_DIFFERENCES = ("calls", "seconds", "exact")
_OF_SHAPE = ("wrong-shape", "unsummed-shape")


@in_turn
def check_callables(
    forward: Callable[..., Any],
    inputs: Any,
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    **options: Any,
) -> Report:
    """Check `backward`; for arguments, options and errors see `bpx.check.function.black_box.check_function`.

    Functions in other styles are checked as those of a file are, see `bpx.spec.code.check.check_program`.
    Of the options `calls`, `seconds` and `exact` are about differences, and are reasons to use these.
    """
    program = program_in_other_style(forward, inputs, backward, names)
    if program is not None:
        return check_program(program, **options)
    chosen = FunctionOptions.of(options)
    usual = chosen._replace(**{name: FunctionOptions._field_defaults[name] for name in _OF_DIFFERENCES})
    notes: tuple[Diagnostic, ...] = ()
    report = None
    if chosen == usual:
        try:
            report = _check_traced(Caller(forward, backward, inputs, names), chosen)
        except TraceError as refusal:
            notes = (_not_traced(refusal),)
        if report is not None and report.verdict != Verdict.CANNOT_TELL.word:
            return report
    other = check_function(forward, inputs, backward, names, **options)
    if report is not None and other.verdict == Verdict.CANNOT_TELL.word:
        return report
    if chosen == usual:
        other = _with_lines_of_shapes(other, Caller(forward, backward, inputs, names), chosen.seed)
    return replace(other, notes=(*notes, *other.notes), of_code=True)


def _not_traced(refusal: TraceError) -> Diagnostic:
    [problem] = refusal.diagnostics[:1]
    return Diagnostic("not-traced", problem.span, {"reason": problem.message}, severity="note")


def _with_lines_of_shapes(report: Report, caller: Caller, seed: int) -> Report:
    """The report with the lines that set gradients of the wrong shape, where forward can be traced."""
    known = {culprit.node: culprit.mistakes for culprit in report.blame}
    if not any(mistake.code in _OF_SHAPE for mistakes in known.values() for mistake in mistakes):
        return report
    try:
        traced, run = _traced(caller, np.shape(caller.forward()), seed)
    except TraceError:
        return report
    wrong = [column.input for column in report.columns if disagrees(column)]
    paths = [leaf.path for leaf in traced.leaves if leaf.name in wrong]
    return with_shapes(with_lines_of(report, traced, paths), traced, run.misshapen, known)


def _check_traced(caller: Caller, options: FunctionOptions) -> Report | None:
    """The check against the graph; None for what only calls can judge. Raises `TraceError`."""
    rows = BlackBoxRows(caller, np.random.default_rng(options.seed))
    claimed = rows.claims()
    evaluation = BlackBoxEvaluation(claimed, options.detect)
    if not _is_plain(rows) or not _is_steady(rows, evaluation):
        return None
    traced, run = _traced(caller, rows.output.shape, options.seed)
    asked = {"seed": options.seed, "detect": options.detect}
    chosen = ProgramOptions(options.seed, options.detect, why=options.why)
    judgement = judged(traced, run, chosen)
    report = with_other_upstreams(judgement, traced, rows, claimed, **asked)
    if report.verdict == Verdict.DISAGREE.word and find_unsteady_claims(rows, evaluation):
        return None  # nobody is called wrong by chance
    report = with_other_inputs(report, traced, [leaf.name for leaf in traced.leaves], chosen)
    report = with_kinds(report, traced, rows, claimed, options.detect)
    notes = (*report.notes, *caller.notes, *rows.unclaimed_notes())
    return replace(report, output=traced.program.output_name or report.output, notes=notes)


def _traced(caller: Caller, shape: tuple[int, ...], seed: int) -> tuple[TracedProgram, BackwardRun]:
    """The graph of forward, and what backward gives for an upstream gradient. Raises `TraceError`."""
    upstream = random_upstream(shape, seed) if shape else np.array(1.0)
    program = PositionalProgram(caller, len(shape))
    with np.errstate(all="ignore"):
        run = run_backward(program, upstream)
        leaves = [found.leaf for found in (*run.gradients, *run.misshapen)]
        traced = trace_program(program, leaves, upstream)
        certify_nearby(traced)
    return traced, run


def _is_plain(rows: BlackBoxRows) -> bool:
    """Is a gradient of the right shape claimed for something, by names that may stand in formulas?"""
    caller = rows.caller
    return (
        len(rows.unclaimed) < len(caller.varied)
        and not rows.misshapen
        and bool(np.isfinite(rows.output).all())
        and all(name.isidentifier() for name in caller.names)
    )


def _is_steady(rows: BlackBoxRows, evaluation: BlackBoxEvaluation) -> bool:
    """Do the functions give the same whenever they are asked the same?"""
    if find_unsteady_claims(rows, evaluation):
        return False
    for _ in range(REPEATS):
        rows.caller.forward()
    return rows.caller.unsteady_at is None
