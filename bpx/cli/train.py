"""`bpx train`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import read_names, spec_argument
from bpx.cli.input.options import JsonFlag, Target, Values, endings, form_option
from bpx.cli.output.session import WRONG, Session
from bpx.cli.output.signals import HeldBack
from bpx.words.files import write_file
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.spec.reading.documents.document import Format
    from bpx.train.training import Training
    from bpx.words.diagnostic import Diagnostic


Trained = Annotated[
    str | None,
    typer.Option("--wrt", metavar="NAME,...", help=say("cli.train-wrt")),
]
Optimizer = Annotated[str, typer.Option(metavar="NAME", help=say("cli.optimizer"))]
Rate = Annotated[
    float | None,
    typer.Option(metavar="R", help=say("cli.rate")),
]
Momentum = Annotated[float | None, typer.Option(metavar="M", help=say("cli.momentum"))]
Schedule = Annotated[str, typer.Option(metavar="NAME", help=say("cli.schedule"))]
Steps = Annotated[int, typer.Option(metavar="N", help=say("cli.steps"))]
StopAt = Annotated[
    float | None,
    typer.Option("--target", metavar="LOSS", help=say("cli.stop")),
]
BatchSize = Annotated[
    int | None,
    typer.Option(metavar="B", help=say("cli.batch")),
]
Seed = Annotated[int, typer.Option(metavar="S", help=say("cli.batch-seed"))]
ShowSteps = Annotated[int, typer.Option(metavar="K", help=say("cli.show-steps"))]
CheckEvery = Annotated[int | None, typer.Option(metavar="K", help=say("cli.check-every"))]
FormName = Annotated[str | None, form_option("training")]
SpecFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help=say("cli.trained")),
]
ReportFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help=say("cli.report", endings=endings("training"))),
]


@command(
    "train",
    "bpx train logistic_regression --steps 50",
    "bpx train two_moons --optimizer adam --batch 20",
    "bpx train logistic_regression --steps 50 -o trained.toml",
)
def train(
    target: Target,
    set_: Values = None,
    wrt: Trained = None,
    optimizer: Optimizer = "sgd",
    rate: Rate = None,
    momentum: Momentum = None,
    schedule: Schedule = "constant",
    steps: Steps = 100,
    stop: StopAt = None,
    batch: BatchSize = None,
    seed: Seed = 0,
    show_steps: ShowSteps = 0,
    check: CheckEvery = None,
    form: FormName = None,
    json: JsonFlag = False,
    output: SpecFile = None,
    report: ReportFile = None,
) -> None:
    """Train the parameters of a graph, step by step."""
    with Session("training", form, json, report) as session:
        session.outputs.add(output, is_spec=True)
        from bpx.cli.output.expected import of_training
        from bpx.cli.output.progress import ProgressBar
        from bpx.spec.writing.write import write_spec
        from bpx.train.train import Options
        from bpx.train.train import train as run_train
        from bpx.train.training import INTERRUPTED

        moved = Options(optimizer, rate, momentum, steps, batch, seed, stop)
        options = moved._replace(show_steps=show_steps, check=check, schedule=schedule)
        format, problems = _format_of(output)
        spec = spec_argument(target, set_, [*problems, *options.problems()])
        of_training(spec, steps, batch).announce(session.is_json)
        with ProgressBar() as progress, HeldBack() as signals:
            training = run_train(
                spec,
                options,
                wrt=read_names(wrt),
                progress=progress,
                stops=lambda: signals.exit_code is not None,
            )
        training = replace(training, notes=(*training.notes, *_notes(training, output)))
        try:
            # Before the report is shown: who reads that may have seen enough.
            if output and not training.problems:
                write_file(output, write_spec(training.spec, format))
        finally:
            session.show(training)
        if training.problems:
            raise typer.Exit(WRONG)
        if training.stopped == INTERRUPTED:
            raise typer.Exit(signals.exit_code or 0)


def _notes(training: Training[Any], output: str | None) -> Iterator[Diagnostic]:
    """Where the parameters went, and how to go on, where that does not go without saying."""
    from bpx.train.training import INTERRUPTED
    from bpx.words.diagnostic import Diagnostic

    facts = {"name": output, "taken": training.taken, "steps": training.max_steps}
    if training.problems and output:
        yield Diagnostic("not-written", None, facts, severity="note")
    elif training.stopped == INTERRUPTED and output:
        left = training.max_steps - training.taken
        yield Diagnostic("kept-so-far", None, {**facts, "left": left}, "train-on", severity="note")
    elif training.stopped == INTERRUPTED:
        # A schedule goes by the number of all steps: fewer of them would not lead to the same place.
        help = "keep-steps" if training.schedule else "repeat-steps"
        yield Diagnostic("not-kept", None, facts, help, severity="note")


def _format_of(file: str | None) -> tuple[Format, list[Diagnostic]]:
    """The format of a spec to be written, and a problem where the file's name has none."""
    from bpx.spec.reading.target import FORMATS
    from bpx.words.diagnostic import Diagnostic

    format = FORMATS.get(Path(file).suffix.lower()) if file else "toml"
    return format or "toml", [] if format else [Diagnostic("unknown-format", None, {"name": file})]
