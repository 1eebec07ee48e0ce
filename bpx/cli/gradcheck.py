"""`bpx gradcheck`."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bpx.check.numeric.tolerances import DETECT, MOST_EXACT_OPERATIONS
from bpx.cli.command import command
from bpx.cli.input.arguments import (
    CodeOptions,
    code_argument,
    read_claims,
    read_names,
    read_tables,
    read_upstream,
    spec_argument,
)
from bpx.cli.input.options import (
    Inputs,
    JsonFlag,
    Notation,
    Of,
    Random,
    Target,
    Upstream,
    Values,
    Wrt,
    endings,
    file_option,
    form_option,
)
from bpx.cli.output.console import fail
from bpx.cli.output.session import WRONG, Session
from bpx.render.forms import PICTURE, form_of_file
from bpx.spec.reading.endings import is_code
from bpx.words.files import write_file
from bpx.words.say import say

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from bpx.check.report.report import Report
    from bpx.words.diagnostic import Diagnostic


class Sort(StrEnum):
    """The order of the entries of a report."""

    WORST = "worst"
    INPUT = "input"


Claims = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help=say("cli.claim")),
]
Points = Annotated[int, typer.Option(metavar="N", help=say("cli.points"))]
Seed = Annotated[int, typer.Option(metavar="S", help=say("cli.points-seed"))]
Order = Annotated[int, typer.Option(metavar="1|2", help=say("cli.order"))]
Detect = Annotated[float, typer.Option(metavar="R", help=say("cli.detect"))]
Budget = Annotated[int, typer.Option(metavar="N", help=say("cli.budget"))]
Jobs = Annotated[int, typer.Option("--jobs", "-j", metavar="N", help=say("cli.jobs"))]
Digits = Annotated[int | None, typer.Option(metavar="N", min=1, max=17, help=say("cli.digits"))]
RelativeError = Annotated[float, typer.Option("--rtol", metavar="R", min=0.0, max=1.0, help=say("cli.rtol"))]
Why = Annotated[str | None, typer.Option(metavar="ENTRY", help=say("cli.why"))]
Hint = Annotated[int, typer.Option(metavar="1-5", help=say("cli.hint"))]
SortBy = Annotated[Sort, typer.Option(help=say("cli.sort"))]
All = Annotated[bool, typer.Option("--all", help=say("cli.all"))]
Strict = Annotated[bool, typer.Option("--strict", help=say("cli.strict"))]
FormName = Annotated[str | None, form_option("gradcheck")]
_FILE = re.compile(r"\s*(?:@|([^=@]+=)\s*(?=@))")  # a file of claims, or of one: `x=@grad.npy`
DrawFile = Annotated[
    str | None, typer.Option(metavar="FILE", help=say("cli.draw-check", endings=endings(PICTURE)))
]
OutputFile = Annotated[str | None, file_option("gradcheck")]


@command(
    "gradcheck",
    'bpx gradcheck "(x+y)^2" x=3 y=-1 --claim "x = 2*(x+y)"',
    'bpx gradcheck logistic_regression --claim "z = a - y"',
    "bpx gradcheck net.py:forward,backward",
)
def gradcheck(
    target: Target,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    of: Of = None,
    wrt: Wrt = None,
    upstream: Upstream = None,
    claim: Claims = None,
    points: Points = 1,
    seed: Seed = 0,
    order: Order = 1,
    detect: Detect = DETECT,
    budget: Budget = MOST_EXACT_OPERATIONS,
    jobs: Jobs = 1,
    digits: Digits = None,
    rtol: RelativeError = 0.0,
    sort: SortBy = Sort.WORST,
    all_: All = False,
    why: Why = None,
    hint: Hint = 5,
    strict: Strict = False,
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
    draw: DrawFile = None,
) -> None:
    """Check whether a gradient is right, and if not, find the cause."""
    with Session("gradcheck", form, json, output) as session:
        from bpx.check.gradcheck import gradcheck as run_gradcheck
        from bpx.check.report.options import bad_hint, bad_jobs, bad_options
        from bpx.cli.output.expected import of_calls, of_check
        from bpx.cli.output.progress import ProgressBar
        from bpx.spec.reading.claims import with_claims, with_rtol

        if draw:
            form_of_file(draw, PICTURE)  # an ending nobody knows is refused before the work
            session.outputs.add(draw)
        files = [_FILE.sub(r"\1", text, count=1) for text in claim or () if _FILE.match(text)]
        claims, problems = read_claims([text for text in claim or () if not _FILE.match(text)], notation)
        tables, unreadable = read_tables(files) if files else ([], [])
        problems += [*unreadable, *bad_options(points, seed, order, detect, budget)]
        problems += [*bad_hint(hint), *bad_jobs(jobs)]
        options = CodeOptions(inputs, random, seed)
        asked = {
            "wrt": read_names(wrt),
            "upstream": read_upstream(upstream),
            "seed": seed,
            "detect": detect,
            "budget": budget,
            "all": all_,
            "why": why,
        }
        if is_code(target):
            from bpx.spec.code.check import check_program
            from bpx.spec.code.target import graph_of, program_of

            code = code_argument(target, set_, problems, options)
            program = program_of(code)
            if program is not None:
                if draw or session.form.view == PICTURE:
                    fail("draw-of-code", "draw-forward", name=target)
                asked |= {"claim": claim, "of": of, "order": order, "points": points}
                asked["rtol"] = room_of_digits(digits, rtol)
                with ProgressBar() as progress, workers(jobs) as executor:
                    report = check_program(
                        program,
                        **asked,
                        executor=executor,
                        progress=progress.count,
                        announce=lambda seconds, calls: of_calls(seconds, calls, jobs).announce(
                            session.is_json
                        ),
                        announce_graph=lambda graph, names: of_check(graph, None, names).announce(
                            session.is_json
                        ),
                        written="--{}",
                    )
                _show(session, replace(report, sort=sort, strict=strict).hint(hint))
                return
            spec = graph_of(code)
        else:
            spec = spec_argument(target, set_, problems, options, notation)
        notes: list[Diagnostic] = []
        if tables:
            from bpx.spec.tables.audit import read_all
            from bpx.spec.tables.claims import Asked

            for read in read_all(spec, tables, Asked(of, asked["upstream"])):
                claims, notes = [*claims, *read.claims], [*notes, *read.notes]
        size = {"points": points, "order": order, "jobs": jobs}
        of_check(spec, of, read_names(wrt), **size).announce(session.is_json)
        with ProgressBar() as progress, workers(jobs) as executor:
            report = run_gradcheck(
                with_rtol(with_claims(spec, claims), room_of_digits(digits, rtol)),
                of=of,
                points=points,
                order=order,
                progress=progress,
                executor=executor,
                **asked,
            )
        from bpx.explain.checked_picture import checked_picture

        drawing = partial(checked_picture, spec, of, asked["wrt"], asked["upstream"])
        report = replace(report, sort=sort, strict=strict, drawing=drawing, notes=(*report.notes, *notes))
        report = report.hint(hint)
        if draw:
            write_file(draw, form_of_file(draw, PICTURE).content(report.picture()))
        _show(session, report)


def _show(session: Session, report: Report) -> None:
    session.show(report)
    if report.failed:
        raise typer.Exit(WRONG)


def workers(jobs: int) -> AbstractContextManager[Executor | None]:
    """As many processes for the work, or None where one does it all: this one."""
    if jobs == 1:
        return nullcontext()
    from bpx.check.tasks.processes import processes

    return processes(jobs)


def room_of_digits(digits: int | None, rtol: float) -> float:
    """The relative error that claimed numbers may have; digits leave half a unit of the last one open."""
    return max(rtol, 0.5 * 10.0 ** (1 - digits)) if digits else rtol
