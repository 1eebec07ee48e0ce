"""`bpx examples`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import typer

from bpx.cli.command import command
from bpx.cli.input import completion
from bpx.cli.input.options import JsonFlag, file_option, form_option
from bpx.cli.output.session import Session, TextSession
from bpx.render.shown import Shown
from bpx.words.say import say, titled

if TYPE_CHECKING:
    from bpx.render.blocks import Block


@dataclass(frozen=True, repr=False)
class ExampleList(Shown):
    """Examples by name, each with its title."""

    kind: ClassVar[str] = "examples"

    titles: tuple[tuple[str, str], ...]

    @classmethod
    def bundled(cls) -> Self:
        """Those that come with bpx."""
        from bpx.spec.reading.examples import example_names

        return cls(tuple((name, _title(name)) for name in example_names()))

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        examples = [{"name": name, "title": title} for name, title in self.titles]
        return {"bpx": 1, "kind": self.kind, "examples": examples}

    def blocks(self) -> list[Block]:
        """One table."""
        from bpx.render.blocks import Table

        rows = tuple((name, titled(title)) for name, title in self.titles)
        return [Table((say("examples.name"), say("examples.title")), rows)]


def _title(name: str) -> str:
    from bpx.spec.reading.documents.document import read_document
    from bpx.spec.reading.examples import example_path
    from bpx.spec.reading.target import read_file

    return str(read_document(read_file(example_path(name)), "toml")[0].get("title", ""))


def _text(name: str) -> str:
    """The spec of an example as it is written. Raises `BpxError`."""
    from bpx.spec.reading.examples import example_names, example_path
    from bpx.spec.reading.target import read_file
    from bpx.words.diagnostic import BpxError, Diagnostic

    if name not in example_names():
        unknown = Diagnostic(
            "unknown-example", None, {"name": name, "known": ", ".join(example_names())}, "examples-are"
        )
        raise BpxError([unknown.suggesting(name, example_names())])
    return read_file(example_path(name)).text


@command("examples", "bpx examples", "bpx examples sigmoid", "bpx examples --json")
def examples(
    name: Annotated[
        str | None, typer.Argument(help=say("cli.example-name"), autocompletion=completion.examples)
    ] = None,
    form: Annotated[str | None, form_option("examples")] = None,
    json: JsonFlag = False,
    output: Annotated[str | None, file_option("examples")] = None,
) -> None:
    """List the bundled examples, or show one as it is written."""
    if name is not None:
        with TextSession(output) as text_session:
            text_session.write(_text(name))
        return
    with Session("examples", form, json, output) as session:
        session.show(ExampleList.bundled())
