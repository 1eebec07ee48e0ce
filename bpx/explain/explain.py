"""`NamedGraph` → `Explanation`: all rows of the forward and the reverse pass, and the sections asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpx.explain.explanation import Explanation
from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.named_nodes import NamedNodes, named_passes
from bpx.explain.query.scalar_texts import StreamedQuery
from bpx.explain.query.section import Section, SectionOptions
from bpx.explain.sections import SECTIONS
from bpx.explain.sections.forward import Forward
from bpx.explain.sections.higher import check_order
from bpx.explain.sections.worksheet import Worksheet
from bpx.explain.short.short_forms import refuse_many_names
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import MOST_DIGITS, SHOWN_DIGITS
from bpx.passes.query import as_list
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic

_PLAIN = SectionOptions()  # what every explanation has: rows alone, and no nodes beside them


@checked
@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def explain(
    spec: NamedGraph,
    *,
    of: str | None = None,
    wrt: str | Iterable[str] | None = None,
    upstream: Any = None,
    expand: str | Iterable[str] | None = None,
    paths: str | Iterable[str] | None = None,
    second: bool = False,
    step: float | None = None,
    node: str | None = None,
    check: bool = True,
    order: int | None = None,
    forward: bool = False,
    named: bool = False,
    tree: bool = False,
    rail: bool = False,
    digits: int = SHOWN_DIGITS,
    sources: bool = False,
    sensitivity: float | None = None,
    cost: bool = False,
    short: bool = False,
) -> Explanation:
    """The explanation of `spec`, or of its node `of`, with respect to the nodes `wrt`.

    `upstream` is the gradient arriving at the output, of its shape (default 1; for an output that is
    not scalar ones, so that the gradient is that of the sum). `expand` names nodes to rewrite in simpler
    ops, or `"all"`. `paths` names inputs whose paths are listed (an empty list: all). `second` adds
    second derivatives, `step` a step of gradient descent at that rate. `node` names a node or a layer to
    be shown alone; `check` compares the gradients with differences. `order` adds all derivatives up to it,
    those of order 3 and more by scalar inputs only. With `forward` the values of the forward pass are all
    that is given: a worksheet, with the cells of the reverse pass left empty. With `named` only nodes that
    have a name of the spec's own are shown, and derivatives from one to the next. `tree` shows both
    passes as a tree in place of tables, and `rail` draws lanes from node to node beside the reverse pass.
    `digits` are the significant digits of the numbers that people see; the rows and the JSON have them all.
    `sources` adds where each node was written, and how. `sensitivity` changes each entry by so much and runs
    the forward pass again; `cost` counts the operations of both passes and of other ways to the gradient.
    `short` adds the short form of each gradient of a
    named node, and why it equals what the reverse pass has.

    Raises `BpxError` where a name is unknown, a shape does not fit or a value is not finite.
    """
    check_order(order, spec)
    if not 1 <= digits <= MOST_DIGITS:
        raise BpxError([Diagnostic("bad-digits", None, {"found": digits, "most": MOST_DIGITS})])
    if named and paths is not None:
        raise BpxError([Diagnostic("paths-of-named", None, help="paths-or-named")])
    if short:
        refuse_many_names(spec, of)
    expand, second = as_list(expand), second or (order or 1) > 1
    if forward:
        asked = {
            "sensitivity": sensitivity is not None,
            "cost": cost,
            "step": step is not None,
            "short": short,
        }
        refuse_sections(second=second, paths=paths is not None, tree=tree, rail=rail, **asked)
    options = SectionOptions(as_list(paths), second, step, check, order, forward, sources, tree, rail)
    options = options._replace(sensitivity=sensitivity, cost=cost, short=short)
    if sources or node is not None:
        spec = replace(spec, with_origins=True)
    is_plain = options._replace(check=True) == _PLAIN and not expand and not named
    query = _query(spec, of, as_list(wrt), upstream, is_plain)
    if expand:
        query = query.expanded(expand)
    opened = None if node is None else query.opened(node, NamedNodes(query).symbols if named else None)
    sections = _sections(query, options)
    notes = (*query.notes(), *(note for section in sections for note in section.notes))
    explanation = query.passes(Explanation, notes=notes, opened=opened, sections=sections, digits=digits)
    return named_passes(query, explanation) if named else explanation


def _query(
    spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any, is_plain: bool
) -> GradientQuery:
    """The query; for sections that every explanation has, of a large graph one that builds no nodes."""
    query = StreamedQuery.of(spec, of, wrt, upstream) if is_plain else None
    return query or GradientQuery.on_copy(spec, of, wrt, upstream)


def refuse_sections(**asked: bool) -> None:
    """A worksheet has no room for what is worked out. Raises `BpxError` where some of it is `asked` for."""
    if names := [f"`{name}`" for name, is_asked in asked.items() if is_asked]:
        raise BpxError(
            [Diagnostic("worksheet-alone", None, {"names": ", ".join(names)}, "leave-forward-out")]
        )


def _sections(query: GradientQuery, options: SectionOptions) -> tuple[Section, ...]:
    if options.forward:
        return (Forward.of(query, options), Worksheet.of(query, options))
    sections = (section.of(query, options) for section in SECTIONS)
    return tuple(section for section in sections if section is not None)
