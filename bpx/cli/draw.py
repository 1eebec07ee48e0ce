"""`bpx draw`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import CodeOptions, read_names, read_upstream, spec_argument
from bpx.cli.input.completion import nodes
from bpx.cli.input.options import (
    Inputs,
    Notation,
    Of,
    Random,
    Target,
    Upstream,
    Values,
    Wrt,
    file_option,
    form_option,
)
from bpx.cli.output.console import fail, warn
from bpx.cli.output.session import Session
from bpx.render.forms import PAGE
from bpx.render.picture.choices import Pass, Style
from bpx.words.say import say


@command(
    "draw",
    "bpx draw logistic_regression -o graph.svg",
    "bpx draw logistic_regression -o page.html",
    'bpx draw "(x+y)^2" x=3 y=-1 --style circuit -o circuit.png',
    "bpx draw lstm_cell --pass forward -o lstm.dot",
    "bpx draw mazur_network --named -o named.svg",
)
def draw(
    target: Target,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    of: Of = None,
    wrt: Wrt = None,
    upstream: Upstream = None,
    node: Annotated[
        str | None, typer.Option(metavar="NAME", help=say("cli.node"), autocompletion=nodes)
    ] = None,
    named: Annotated[bool, typer.Option("--named", help=say("cli.named"))] = False,
    shown_pass: Annotated[Pass, typer.Option("--pass", help=say("cli.pass"))] = Pass.BOTH,
    style: Annotated[Style, typer.Option(help=say("cli.style"))] = Style.CARDS,
    digits: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=17, help=say("cli.picture-digits"))
    ] = None,
    form: Annotated[str | None, form_option(PAGE)] = None,
    output: Annotated[str | None, file_option(PAGE)] = None,
) -> None:
    """Draw the graph as a picture."""
    with Session(PAGE, form, False, output) as session:
        from bpx.explain.explain import explain
        from bpx.explain.picture.picture import PictureOptions, refuse_large_circuit, refuse_large_layout
        from bpx.graph.numbers import SHOWN_DIGITS

        if named and session.form.name == "html":
            fail("page-of-named")
        spec = spec_argument(target, set_, code=CodeOptions(inputs, random), notation=notation)
        if style is Style.CIRCUIT and node is None:
            refuse_large_circuit(spec, of)
        if session.form.is_laid_out and node is None:
            refuse_large_layout(spec, of)
        explanation = explain(
            spec,
            of=of,
            wrt=read_names(wrt),
            upstream=read_upstream(upstream),
            node=node,
            named=named,
            check=False,
        )
        session.show(explanation.page(PictureOptions(shown_pass, style, digits or SHOWN_DIGITS)))
        if not form and not output and sys.stdout.isatty():
            warn(say("cli.draw-hint"))
