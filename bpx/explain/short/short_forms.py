"""Each named gradient as the reverse pass has it, and beside it the form in which a textbook has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Self

from bpx.check.numeric.tolerances import PROOF_DIGITS
from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.named_nodes import NamedNodes
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.formula import Formula, derivative, equation
from bpx.graph.graph import CONSTANT
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.query import output_asked
from bpx.render.blocks import Block, Cell, Heading, Lines, Phrase, table
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.short.proof import Proof
    from bpx.check.short.route import ShortForm
    from bpx.check.short.short_forms import GradientForms

MOST_SHORT = 200  # nodes with a name; the form of each is looked for in the whole graph


def refuse_many_names(spec: NamedGraph, of: str | None) -> None:
    """Before any pass: too many nodes have a name of the spec's own. Raises `BpxError`."""
    needed = spec.graph.needs(of=[output_asked(spec, of)])
    _refuse_many(sum(node in spec.own_names and spec.graph.ops[node] is not CONSTANT for node in needed))


def _refuse_many(count: int) -> None:
    if count > MOST_SHORT:
        raise BpxError([Diagnostic("too-many-short", None, {"size": f"{count:,}", "most": MOST_SHORT})])


@dataclass(frozen=True, eq=False)
class ShortForms(Section):
    """The forms of the gradients of named nodes, from the output down; `symbols` are the names of nodes."""

    gradients: tuple[GradientForms, ...]
    symbols: dict[int, Formula]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Only where they are asked for."""
        if not options.short:
            return None
        from bpx.check.short.short_forms import ShortForms as Search  # what few explanations need
        from bpx.check.whole.checked_graph import CheckedGraph, Query

        named = NamedNodes(query)
        _refuse_many(len(named.symbols))
        checked = CheckedGraph.at(
            Query(query.spec, query.output, query.wrt, query.seed, causes=False), query.spec.input_values
        )
        search = Search(checked)
        reached = [node for node in sorted(named.symbols, reverse=True) if node in query.ledger.upstream]
        return cls(tuple(search.of(node) for node in reached if node != query.output), named.symbols)

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The gradients with their forms, each with its proof."""
        return {"short": [_plain(passes, forms) for forms in self.gradients]}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A table; where a node is looked at alone, of it and its args."""
        shown = {row.id for row in passes.shown_nodes} | {edge.arg for edge in passes.shown_edges}
        gradients = [one for one in self.gradients if passes.opened is None or one.node in shown]
        if not gradients:
            return
        rows = [row for forms in gradients for row in self._rows(passes, forms)]
        yield Heading(say("account.short-forms"))
        yield table(["of", "by-reverse-pass", "short-form"], rows)
        yield Lines((say("account.short-read"),))

    def _rows(self, passes: Passes, gradient: GradientForms) -> Iterator[list[Cell]]:
        """The long form, and beside it the short ones with their proof below."""
        partial = derivative(self.symbols[passes.output], self.symbols[gradient.node])
        long = gradient.long or say("derivation.too-long")
        if not gradient.is_shorter:
            yield [partial, long, say("account.no-shorter-form")]
            return
        yield [partial, long, reduce(equation, (form.formula for form in gradient.forms))]
        yield ["", "", Phrase(tuple(_reasons(gradient.forms)))]


def _reasons(forms: Sequence[ShortForm]) -> Iterator[Cell]:
    """Why forms equal the gradient; of the chain rule only where it is all there is."""
    proofs = dict.fromkeys(form.proof for form in forms)
    told = [proof for proof in proofs if proof.method != "pass"] or [*proofs]
    for i, proof in enumerate(told):
        yield from ("; ", *_reason(proof)) if i else _reason(proof)


def _reason(proof: Proof) -> tuple[Cell, ...]:
    """Why a form equals the gradient, and what it assumes."""
    reason = say(f"account.equal-by-{proof.method}", points=proof.points, digits=PROOF_DIGITS)
    if not proof.assumes:
        return (reason,)
    others = (piece for one in proof.assumes[1:] for piece in (", ", one))
    return (reason, say("account.equal-where"), proof.assumes[0], *others)


def _plain(passes: Passes, gradient: GradientForms) -> dict[str, Any]:
    return {
        "of": passes.names[gradient.node],
        "id": gradient.node,
        "reverse_pass": None if gradient.long is None else str(gradient.long),
        "shorter": gradient.is_shorter,
        "forms": [_plain_form(form) for form in gradient.forms],
    }


def _plain_form(form: ShortForm) -> dict[str, Any]:
    points = {"points": form.proof.points, "digits": PROOF_DIGITS} if form.proof.points else {}
    return {
        "formula": str(form.formula),
        "operations": form.operations,
        "equal_by": form.proof.method,
        **points,
        "assumes": [str(one) for one in form.proof.assumes],
    }
