"""`bpx explain`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import CodeOptions, read_names, read_upstream, spec_argument
from bpx.cli.input.completion import nodes
from bpx.cli.input.missing import EVERY
from bpx.cli.input.options import (
    Inputs,
    JsonFlag,
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
from bpx.cli.output.console import fail
from bpx.cli.output.session import WRONG, Session
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.explain.explanation import Explanation

Expand = Annotated[
    list[str] | None, typer.Option(metavar="NODE|all", help=say("cli.expand"), autocompletion=nodes)
]
PathsTo = Annotated[
    str | None,
    typer.Option(metavar="[INPUT]", help=say("cli.paths"), autocompletion=nodes),
]
Second = Annotated[bool, typer.Option("--second", help=say("cli.second"))]
Order = Annotated[int | None, typer.Option(metavar="N", help=say("cli.highest-order"))]
StepRate = Annotated[float | None, typer.Option(metavar="RATE", help=say("cli.step"))]
NodeAlone = Annotated[str | None, typer.Option(metavar="NAME", help=say("cli.node"), autocompletion=nodes)]
Named = Annotated[bool, typer.Option("--named", help=say("cli.named"))]
Tree = Annotated[bool, typer.Option("--tree", help=say("cli.tree"))]
Short = Annotated[bool, typer.Option("--short", help=say("cli.short"))]
WithRail = Annotated[bool, typer.Option("--rail", help=say("cli.rail"))]
Digits = Annotated[int | None, typer.Option(metavar="N", min=1, max=17, help=say("cli.picture-digits"))]
NoCheck = Annotated[bool, typer.Option("--no-check", help=say("cli.no-check"))]
ForwardOnly = Annotated[bool, typer.Option("--forward", help=say("cli.forward"))]
Change = Annotated[str | None, typer.Option("--sensitivity", metavar="[CHANGE]", help=say("cli.sensitivity"))]
Counted = Annotated[bool, typer.Option("--cost", help=say("cli.cost"))]
Sources = Annotated[bool, typer.Option("--sources", help=say("cli.sources"))]
Part = Annotated[str | None, typer.Option("--part", metavar="derivation|picture|table", help=say("cli.part"))]
_USUAL_CHANGE = 0.01
_DERIVATION, _PICTURE = "derivation", "picture"  # parts
_PARTS = {"latex": (_DERIVATION, _PICTURE, "table"), "markdown": (_PICTURE, "table")}
FormName = Annotated[str | None, form_option("explanation")]
OutputFile = Annotated[str | None, file_option("explanation")]


@command(
    "explain",
    'bpx explain "(x+y)^2" x=3 y=-1',
    'bpx explain "a = sigmoid(w*x); L = (a-y)^2" w=0.5 x=2 y=1',
    "bpx explain sigmoid --expand all",
)
def explain(
    target: Target,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    of: Of = None,
    wrt: Wrt = None,
    upstream: Upstream = None,
    expand: Expand = None,
    paths: PathsTo = None,
    second: Second = False,
    order: Order = None,
    step: StepRate = None,
    node: NodeAlone = None,
    named: Named = False,
    tree: Tree = False,
    rail: WithRail = False,
    short: Short = False,
    digits: Digits = None,
    no_check: NoCheck = False,
    forward: ForwardOnly = False,
    sources: Sources = False,
    sensitivity: Change = None,
    cost: Counted = False,
    part: Part = None,
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Show how a gradient is computed, step by step."""
    with Session("explanation", form or _form_of(part, output), json, output) as session:
        from bpx.cli.output.expected import of_explanation
        from bpx.explain.explain import explain as run_explain
        from bpx.graph.numbers import SHOWN_DIGITS

        spec = spec_argument(target, set_, code=CodeOptions(inputs, random), notation=notation)
        _refuse_part(part, session.form.name)
        added = {"--paths": paths, "--second": second, "--order": order, "--step": step is not None}
        beside: dict[str, object] = {"--tree": tree, "--rail": rail, "--sources": sources, "--cost": cost}
        beside |= {"--sensitivity": sensitivity, "--short": short}
        _refuse_beside(part, beside | ({"--node": node} if part == _DERIVATION else added))
        if named and session.form.name == "html":
            fail("page-of-named")
        is_tikz = part == _PICTURE and session.form.name == "latex"
        if (session.form.is_laid_out or is_tikz) and node is None:
            from bpx.explain.picture.picture import refuse_large_layout

            refuse_large_layout(spec, of)
        if part == _DERIVATION:
            from bpx.explain.derivation import derivation
            from bpx.explain.query.section import SectionOptions

            options = SectionOptions(_chosen_paths(paths), second or (order or 1) > 1, step, False, order)
            asked = read_names(wrt), read_upstream(upstream), digits or SHOWN_DIGITS
            session.write(derivation(spec, of, *asked, forward=forward, expand=expand or (), options=options))
            return
        asked_wrt = read_names(wrt)
        of_explanation(
            spec, of, asked_wrt, is_json=session.is_json, sensitivity=sensitivity is not None
        ).announce(session.is_json)
        explanation = run_explain(
            spec,
            of=of,
            wrt=asked_wrt,
            upstream=read_upstream(upstream),
            expand=expand or (),
            paths=_chosen_paths(paths),
            second=second,
            step=step,
            node=node,
            named=named,
            tree=tree,
            rail=rail,
            short=short,
            digits=digits or SHOWN_DIGITS,
            check=not no_check and part != _PICTURE,
            order=order,
            forward=forward,
            sources=sources,
            sensitivity=_change(sensitivity),
            cost=cost,
        )
        if part == _PICTURE:
            session.write(_picture(explanation, session.form.name))
            return
        session.show(explanation)
        if explanation.unmet and not session.is_json:
            session.report(explanation.unmet)
        if explanation.is_wrong:
            raise typer.Exit(WRONG)


def _chosen_paths(text: str | None) -> list[str] | None:
    return [] if text == EVERY else read_names(text)


def _change(text: str | None) -> float | None:
    """By how much each entry is changed; None where that is not asked for. Raises `BpxError`."""
    from bpx.words.diagnostic import BpxError, Diagnostic

    if text is None:
        return None
    try:
        return _USUAL_CHANGE if text == EVERY else float(text)
    except ValueError:
        raise BpxError([Diagnostic("bad-change", None, {"found": text})]) from None


def _form_of(part: str | None, output: str | None) -> str | None:
    """The form where none is asked for by name: parts are those of LaTeX unless a file says otherwise."""
    return "latex" if part and not Path(output or "").suffix else None


def _refuse_part(part: str | None, form: str) -> None:
    """End the command where the form has no such part."""
    if part is None:
        return
    if form not in _PARTS:
        fail("form-without-parts", form=form)
    if part in _PARTS["latex"] and part not in _PARTS[form]:
        fail("part-of-latex", part=part, form=form)
    if part not in _PARTS[form]:
        fail("unknown-choice", "choices-are", found=part, known=", ".join(_PARTS[form]))


def _refuse_beside(part: str | None, options: Mapping[str, object]) -> None:
    """End the command where options have no place in the part."""
    if part not in (None, "table") and (names := [f"`{name}`" for name, asked in options.items() if asked]):
        fail("option-beside-part", part=part, names=", ".join(names))


def _picture(explanation: Explanation, form: str) -> str:
    """The picture alone, as a part of LaTeX or Markdown."""
    from bpx.render.picture.mermaid import fenced

    picture = explanation.picture()
    return picture.to("tikz") if form == "latex" else fenced(picture)
