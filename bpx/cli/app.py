"""The command line as a whole: its name, its help, `--version`. Each command registers itself here."""

from __future__ import annotations

from typing import Annotated

import typer

from bpx import __version__

app = typer.Typer(
    name="bpx",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="See how a gradient is made, step by step, and find out whether one is right.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bpx {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
