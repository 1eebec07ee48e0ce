"""`bpx sweep`."""

from __future__ import annotations

from typing import Annotated

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import CodeOptions, spec_argument
from bpx.cli.input.completion import nodes
from bpx.cli.input.missing import EVERY
from bpx.cli.input.options import (
    Inputs,
    JsonFlag,
    Notation,
    Random,
    Target,
    Values,
    file_option,
    form_option,
)
from bpx.cli.output.session import Session
from bpx.words.say import say

_USUAL_STEPS = 20

Over = Annotated[
    list[str] | None,
    typer.Option("--over", metavar="NAME=FROM..TO", help=say("cli.over"), autocompletion=nodes),
]
Of = Annotated[
    str | None, typer.Option("--of", metavar="NODE", help=say("cli.sweep-of"), autocompletion=nodes)
]
Gradient = Annotated[bool, typer.Option("--gradient", help=say("cli.sweep-gradient"))]
Descend = Annotated[str | None, typer.Option("--descend", metavar="[N]", help=say("cli.descend"))]
Rate = Annotated[float | None, typer.Option(metavar="R", help=say("cli.rate"))]
Optimizer = Annotated[str, typer.Option(metavar="NAME", help=say("cli.sweep-optimizer"))]
FormName = Annotated[str | None, form_option("sweep")]
OutputFile = Annotated[str | None, file_option("sweep")]


@command(
    "sweep",
    'bpx sweep "(w-1)^2" w=0 --over "w=-2..2"',
    'bpx sweep logistic_regression --over "w[0]=-2..2" --over "b=-2..2" --descend',
    'bpx sweep logistic_regression --over "b=-2..2:101" -o sweep.svg',
)
def sweep(
    target: Target,
    over: Over = None,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    of: Of = None,
    gradient: Gradient = False,
    descend: Descend = None,
    rate: Rate = None,
    optimizer: Optimizer = "sgd",
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Evaluate a graph at many values of its inputs."""
    with Session("sweep", form, json, output) as session:
        from bpx.cli.output.expected import of_sweep
        from bpx.train.sweep.axes import first_values
        from bpx.train.sweep.sweep import sweep as run_sweep

        steps, code = _steps(descend), CodeOptions(inputs, random)
        swept = first_values(over or [])
        spec = spec_argument(target, set_, code=code, notation=notation, where_missing=swept)
        of_sweep(spec, over or [], of, steps).announce(session.is_json)
        session.show(
            run_sweep(
                spec,
                over or [],
                of=of,
                gradient=gradient,
                descend=steps,
                rate=rate,
                optimizer=optimizer,
            )
        )


def _steps(text: str | None) -> int | None:
    """The number of steps of a descent; None where none is asked for. Raises `BpxError`."""
    from bpx.words.diagnostic import BpxError, Diagnostic

    if text is None:
        return None
    try:
        return _USUAL_STEPS if text == EVERY else int(text)
    except ValueError:
        raise BpxError([Diagnostic("bad-step-count", None, {"found": text})]) from None
