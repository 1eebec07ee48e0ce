"""`bpx ops`."""

from __future__ import annotations

from typing import Annotated

import typer

from bpx.cli.command import command
from bpx.cli.input.completion import ops as op_names
from bpx.cli.input.options import JsonFlag, file_option, form_option
from bpx.cli.output.console import fail
from bpx.cli.output.session import Session
from bpx.words.say import say


@command("ops", "bpx ops", "bpx ops softmax", "bpx ops --json")
def ops(
    name: Annotated[str | None, typer.Argument(help=say("cli.op"), autocompletion=op_names)] = None,
    missing: Annotated[str | None, typer.Option(metavar="MODEL", help=say("cli.missing"))] = None,
    form: Annotated[str | None, form_option("ops")] = None,
    json: JsonFlag = False,
    output: Annotated[str | None, file_option("ops")] = None,
) -> None:
    """List the ops with their rules and domains."""
    with Session("ops", form, json, output) as session:
        if missing is not None:
            from bpx.spec.models.missing import MissingOps

            session.show(MissingOps.of(missing))
            return
        from bpx.explain.ops.op_table import OpTable
        from bpx.spec.notations.python.names import NAMES
        from bpx.spec.text.cells import CELLS

        if name in CELLS:
            call = f"{name}({', '.join(CELLS[name].args)})"
            fail("op-is-block", "explain-block", name=name, call=call)
        # What NumPy and PyTorch call it will do, too.
        plain = (name or "").rpartition(".")[2]
        session.show(OpTable.of(NAMES.get(plain, plain) or name))
