"""`bpx convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import CodeOptions, spec_argument
from bpx.cli.input.options import Inputs, Notation, Random, Target, Values
from bpx.cli.output.console import fail
from bpx.cli.output.session import TextSession
from bpx.words.say import say

_SPECS = ("toml", "json")  # the formats of specs; the others are those of code


@command(
    "convert",
    'bpx convert "(x+y)^2" x=3 y=-1 -o square.toml',
    "bpx convert net.py:loss -o net.toml",
    "bpx convert mazur_network --to numpy -o net.py",
)
def convert(
    target: Target,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    to: Annotated[str | None, typer.Option(metavar="toml|json|numpy|torch|jax", help=say("cli.to"))] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help=say("cli.convert-output"))
    ] = None,
) -> None:
    """Write a graph as a spec, in TOML or JSON, or as Python code with both passes."""
    is_spec = (to or "toml") in _SPECS and Path(output or "").suffix.lower() != ".py"
    with TextSession(output, is_spec=is_spec) as session:
        from bpx.spec.writing.code.libraries import LIBRARIES
        from bpx.spec.writing.code.module import write_module
        from bpx.spec.writing.write import write_spec

        format = _format(to, output, tuple(LIBRARIES))
        spec = spec_argument(target, set_, code=CodeOptions(inputs, random), notation=notation)
        session.write(write_module(spec, format) if format in LIBRARIES else write_spec(spec, format))


def _format(name: str | None, file: str | None, libraries: tuple[str, ...]) -> Any:
    """The format asked for, or that of the file's ending. Raises `BpxError` where they are not the same."""
    from bpx.spec.reading.target import FORMATS

    formats = (*FORMATS.values(), *libraries)
    ending = Path(file or "").suffix.lower()
    if name and name not in formats:
        fail("unknown-choice", "choices-are", found=name, known=", ".join(formats))
    means = {**{key: (format,) for key, format in FORMATS.items()}, ".py": libraries}.get(ending, ())
    if name and means and name not in means:
        fail("other-format", name=file, ending=ending, format=name)
    if ending and not (name or means):
        fail("unknown-format", name=file)
    return name or (means[0] if means else "toml")
