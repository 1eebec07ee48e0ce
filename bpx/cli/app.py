"""The command line as a whole: its name, its help, `--version`."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from bpx import __version__
from bpx.cli.command import COMMANDS, command_named
from bpx.cli.input.language import speak_as_asked
from bpx.cli.input.text_params import keep_texts
from bpx.cli.output.help_form import HelpContext
from bpx.words.say import say

# Typer takes every help text when it is told of a command, so that the language must be known by now.
with suppress(ValueError):  # a language that bpx does not know: `main` says so
    speak_as_asked(sys.argv[1:])


class _Commands(TyperGroup):
    """All commands. One is loaded when it is called: to list it, its name and its help are enough."""

    context_class = HelpContext

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=say(f"cli.{name}")) for name in COMMANDS}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in COMMANDS:
            self.commands[args[0]] = command_named(args[0])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        keep_texts(self.get_params(ctx))
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="bpx",
    cls=_Commands,
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
    lang: Annotated[str | None, typer.Option(metavar="en|zh", help=say("cli.lang"))] = None,
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(say("cli.tour"))
