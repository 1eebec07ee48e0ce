"""`bpx schema`: the JSON Schema of specs, computed, and those of the JSON output, kept in `bpx/docs/schemas`.

The output's schemas are written by hand and not computed from what is printed: programs rely on them,
so a change of the output that nobody meant must contradict them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import bpx
from bpx.cli.command import command
from bpx.cli.input.completion import beginning
from bpx.cli.output.session import TextSession
from bpx.words.say import say

_SCHEMAS = Path(bpx.__file__).parent / "docs" / "schemas"
_SPEC = "spec"


class _SchemaSession(TextSession):
    """A schema is JSON, and no file that says otherwise is written."""

    def prepare(self) -> None:
        """Raises `BpxError` for such a file."""
        from bpx.render.forms import unknown_ending
        from bpx.words.diagnostic import BpxError

        if self.file and Path(self.file).suffix.lower() not in ("", ".json"):
            raise BpxError([unknown_ending(self.file, [".json"])])


def _completed(incomplete: str) -> list[str]:
    return beginning(kinds(), incomplete)


@command("schema", "bpx schema", "bpx schema -o bpx.schema.json", "bpx schema explanation")
def schema(
    kind: Annotated[str, typer.Argument(help=say("cli.schema-kind"), autocompletion=_completed)] = _SPEC,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help=say("cli.convert-output"))
    ] = None,
) -> None:
    """Print the JSON Schema of the spec format, or of a kind of JSON output."""
    with _SchemaSession(output) as session:
        session.write(json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n")


def kinds() -> list[str]:
    """Specs, and the kinds of JSON output that have a schema, in alphabetical order."""
    return [_SPEC, *sorted(path.stem for path in _SCHEMAS.glob("*.json"))]


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind. Raises `BpxError` where there is none."""
    from bpx.spec.writing.schema import schema as of_specs
    from bpx.words.diagnostic import BpxError, Diagnostic

    if kind == _SPEC:
        return of_specs()
    if kind not in kinds():
        facts = {"name": kind, "names": ", ".join(kinds())}
        unknown = Diagnostic("unknown-schema", None, facts, "list-schemas")
        raise BpxError([unknown.suggesting(kind, kinds())])
    return dict(json.loads((_SCHEMAS / f"{kind}.json").read_text(encoding="utf-8")))
