"""`bpx schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpx.cli.command import command
from bpx.cli.output.session import TextSession
from bpx.words.say import say


class _SchemaSession(TextSession):
    """A schema is JSON, and no file that says otherwise is written."""

    def prepare(self) -> None:
        """Raises `BpxError` for such a file."""
        from bpx.render.forms import unknown_ending
        from bpx.words.diagnostic import BpxError

        if self.file and Path(self.file).suffix.lower() not in ("", ".json"):
            raise BpxError([unknown_ending(self.file, [".json"])])


@command("schema", "bpx schema", "bpx schema -o bpx.schema.json", "bpx schema > bpx.schema.json")
def schema(
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help=say("cli.convert-output"))
    ] = None,
) -> None:
    """Print the JSON Schema of the spec format."""
    with _SchemaSession(output) as session:
        import json

        from bpx.spec.writing.schema import schema as build_schema

        session.write(json.dumps(build_schema(), indent=2) + "\n")
