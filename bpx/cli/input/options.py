"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bpx.cli.input.completion import nodes, targets
from bpx.render.forms import endings_of, forms_of
from bpx.words.say import say

Target = Annotated[
    str,
    typer.Argument(help=say("cli.target"), autocompletion=targets),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help=say("cli.set")),
]
Of = Annotated[str | None, typer.Option("--of", metavar="NODE", help=say("cli.of"), autocompletion=nodes)]
Wrt = Annotated[
    str | None,
    typer.Option("--wrt", metavar="NAME,...", help=say("cli.wrt"), autocompletion=nodes),
]
Upstream = Annotated[
    str | None,
    typer.Option("--upstream", metavar="VALUE", help=say("cli.upstream")),
]
Inputs = Annotated[str | None, typer.Option("--inputs", metavar="FILE|NAME", help=say("cli.inputs"))]
Random = Annotated[str | None, typer.Option("--random", metavar="NAME:SHAPE", help=say("cli.random"))]
Notation = Annotated[str | None, typer.Option(metavar="text|latex|python", help=say("cli.notation"))]
JsonFlag = Annotated[bool, typer.Option("--json", help=say("cli.json"))]


def form_option(kind: str) -> Any:
    """`--format` with the forms that objects of a kind can take."""
    choices = "|".join(form.name for form in forms_of(kind))
    return typer.Option("--format", "-f", metavar=f"<{choices}>", help=say("cli.format"))


def file_option(kind: str) -> Any:
    """`-o` with the endings that set the form."""
    return typer.Option("--output", "-o", metavar="FILE", help=say("cli.output", endings=endings(kind)))


def endings(kind: str) -> str:
    """The endings that set a form, in a row."""
    *others, last = endings_of(kind)
    return say("word.and").join([say("word.list").join(others), last])
