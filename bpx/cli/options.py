"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bpx.render.forms import endings_of, forms_of

Target = Annotated[
    str,
    typer.Argument(help="An expression, a .toml or .json spec, - for standard input, or an example's name."),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Give an input a value: x=3, w='[1, 2]', t=pi/2."),
]
Of = Annotated[
    str | None, typer.Option("--of", metavar="NODE", help="Derive this node instead of the output.")
]
Wrt = Annotated[
    str | None,
    typer.Option(
        "--wrt", metavar="NAME,...", help="With respect to these, inputs or inner nodes (default: inputs)."
    ),
]
Upstream = Annotated[
    str | None,
    typer.Option("--upstream", metavar="VALUE", help="The gradient arriving at the output (default: ones)."),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


def form_option(kind: str) -> Any:
    """`--format` with the forms that objects of a kind can take."""
    choices = "|".join(form.name for form in forms_of(kind))
    return typer.Option("--format", "-f", metavar=f"<{choices}>", help="The form of the output.")


def file_option(kind: str) -> Any:
    """`-o` with the endings that set the form."""
    return typer.Option(
        "--output", "-o", metavar="FILE", help=f"Write to a file; {endings(kind)} set the form."
    )


def endings(kind: str) -> str:
    """The endings that set a form, in a row."""
    *others, last = endings_of(kind)
    return f"{', '.join(others)} and {last}"
