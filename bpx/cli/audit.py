"""`bpx audit`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpx.check.numeric.tolerances import DETECT, MOST_EXACT_OPERATIONS
from bpx.cli.command import command
from bpx.cli.gradcheck import All, Budget, Detect, Digits, RelativeError, Sort, SortBy, Strict, room_of_digits
from bpx.cli.input.arguments import CodeOptions, read_names, read_tables, read_upstream, spec_argument
from bpx.cli.input.options import Inputs, JsonFlag, Of, Random, Upstream, Values, file_option, form_option
from bpx.cli.output.session import WRONG, Session
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.render.shown import Shown

First = Annotated[str, typer.Argument(metavar="TARGET", help=say("cli.audit-target"))]
Second = Annotated[str, typer.Argument(metavar="FILE", help=say("cli.audit-file"))]
GraphOfTwo = Annotated[str | None, typer.Option("--graph", metavar="TARGET", help=say("cli.audit-graph"))]
Skip = Annotated[str | None, typer.Option(metavar="NAME,...", help=say("cli.audit-skip"))]
Floats = Annotated[str | None, typer.Option(metavar="TYPE", help=say("cli.audit-floats"))]
FormName = Annotated[str | None, form_option("gradcheck")]
OutputFile = Annotated[str | None, file_option("gradcheck")]


@command(
    "audit",
    "bpx audit logistic_regression gradients.npz",
    "bpx audit logistic_regression gradients.json --rtol 1e-5",
    "bpx audit --graph logistic_regression numpy.npz torch.npz",
)
def audit(
    first: First,
    second: Second,
    graph: GraphOfTwo = None,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    of: Of = None,
    upstream: Upstream = None,
    skip: Skip = None,
    floats: Floats = None,
    digits: Digits = None,
    rtol: RelativeError = 0.0,
    detect: Detect = DETECT,
    budget: Budget = MOST_EXACT_OPERATIONS,
    sort: SortBy = Sort.WORST,
    all_: All = False,
    strict: Strict = False,
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Check the gradients that another program wrote, or compare those of two programs."""
    with Session("gradcheck" if graph is None else "audit", form, json, output) as session:
        from bpx.check.report.options import bad_options
        from bpx.cli.output.expected import of_check
        from bpx.spec.tables.audit import audit, audit_two
        from bpx.spec.tables.claims import Asked
        from bpx.spec.tables.read_table import is_table
        from bpx.words.diagnostic import BpxError, Diagnostic

        tables, problems = read_tables([second] if graph is None else [first, second])
        problems += bad_options(1, 0, 1, detect, budget)
        if graph is None and is_table(first):
            problems.append(Diagnostic("audit-graph", None, {"name": first, "other": second}, "give-graph"))
            raise BpxError(problems)
        target = first if graph is None else graph
        spec = spec_argument(target, set_, problems, CodeOptions(inputs, random))
        of_check(spec, of).announce(session.is_json)
        asked = Asked(of, read_upstream(upstream), read_names(skip) or (), floats)
        options: dict[str, Any] = {"detect": detect, "budget": budget, "all": all_}
        room = room_of_digits(digits, rtol)
        shown: Shown
        if graph is None:
            report = audit(spec, tables[0], asked, room, **options)
            shown = report = replace(report, sort=sort, strict=strict)
            failed = report.failed
        else:
            both = audit_two(spec, (tables[0], tables[1]), asked, room, **options)
            one, two = (replace(report, sort=sort, strict=strict) for report in both.reports)
            shown = both = replace(both, reports=(one, two))
            failed = both.failed
        session.show(shown)
        if failed:
            raise typer.Exit(WRONG)
