"""The command line as a whole: its name, its help, `--version`. Each command registers itself here."""

from __future__ import annotations

from typing import Annotated

import typer

from bpx import __version__
from bpx.words.say import say

app = typer.Typer(
    name="bpx",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=say("cli.bpx"),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bpx {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=say("cli.version"))
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(say("cli.tour"))
