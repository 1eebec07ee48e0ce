"""An account as blocks, section by section: forward, reverse, gradients, what looking closer adds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from bpx.check.quick_check import QuickCheck
from bpx.explain.explanation import EdgeRow, Explanation, NodeRow, PathRow, PathTable, SecondRow, Step
from bpx.explain.sections.layers import is_large, layer_blocks
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.graph import OPS
from bpx.graph.numbers import DIGITS, LARGEST_SHOWN, index_text, number, shape_text
from bpx.render.blocks import Block, Heading, Headline, Lines, Table, table, text_of
from bpx.render.plain_data import plain_count, summary
from bpx.words.say import say, visible

_MOST_CHARACTERS = 44  # of a formula with numbers put in
_LEFT_OUT = "…"
LARGEST_OPENED = 100  # elements of an array shown in full where its node or layer is opened


def explanation_blocks(account: Explanation) -> list[Block]:
    """The whole account, section by section."""
    blocks: list[Block] = [_headline(account)]
    if is_large(account):
        blocks += layer_blocks(account)
    else:
        blocks += [*_forward(account), *_reverse(account)]
    blocks += _gradients(account)
    for paths in account.paths:
        blocks += _paths(account, paths)
    if account.second:
        blocks += _second(account.second)
    if account.step:
        blocks += _step(account, account.step)
    blocks += _patterns(account)
    remarks = [*(note.to_line() for note in account.notes), *_remarks(account)]
    if remarks:
        blocks += [Heading(say("account.notes")), Lines(tuple(remarks))]
    return blocks


def _remarks(account: Explanation) -> Iterator[str]:
    if account.stated:
        yield say("account.expected", stated=account.stated, held=account.stated - len(account.unmet))
    if any(_is_rounded(row.value) for row in account.nodes if row.op != "constant"):
        yield say("account.digits")
    if account.check:
        yield check_text(account.check)


def check_text(check: QuickCheck) -> str:
    """What differences say of the gradients, in a line."""
    if check.verdict == "skipped":
        return say("account.check-skipped")
    if check.verdict != "agree":
        return say("account.check-other", verdict=check.verdict)
    if math.isinf(check.digits):
        return say("account.check-exact")
    form = "check-agree-one" if check.entries == 1 else "check-agree"
    return say(f"account.{form}", entries=check.entries, digits=int(check.digits))


def _is_rounded(value: Array) -> bool:
    return summary(value) is not None or any(float(number(one, DIGITS)) != one for one in value.ravel())


def _headline(account: Explanation) -> Headline:
    answer = f"{account.names[account.output]} = {text_of(account.value)}"
    title = visible(" ".join((account.title or "").split()))
    return Headline(f"{title}: {answer}" if title else answer)


def _forward(account: Explanation) -> Iterator[Block]:
    rows = [row for row in account.shown_nodes if row.op != "constant"]
    keys = ["node", "formula"]
    if _is_worth_it([_with_numbers(row) for row in rows]):
        keys.append("with-numbers")
    shapes = any(row.shape for row in rows)
    keys += ["shape", "value"] if shapes else ["value"]
    yield Heading(say("account.forward"))
    for layer, members in groupby(rows, lambda row: row.layer):
        yield from _layer_heading(account, layer)
        texts = [[_node_text(account, row, key) for key in keys] for row in members]
        yield table(keys, texts, right=set() if shapes else {len(keys) - 1})
    if account.expanded:
        yield Lines((_expansion_text(account),))


def _text(account: Explanation, value: Array) -> str:
    """A value; where a node or a layer is opened, larger ones in full too."""
    return text_of(value, LARGEST_SHOWN if account.opened is None else LARGEST_OPENED)


def _layer_heading(account: Explanation, layer: str) -> Iterator[Block]:
    if any(row.layer for row in account.shown_nodes):
        yield Heading(say("account.layer-heading", name=layer) if layer else say("account.no-layer"))


def _node_text(account: Explanation, row: NodeRow, key: str) -> str:
    if key == "node":
        return row.name
    if key == "formula":
        return _formula_text(row)
    if key == "with-numbers":
        return _with_numbers(row)
    if key == "shape":
        return shape_text(row.shape) if row.shape else ""
    return _text(account, row.value)


def _formula_text(row: NodeRow) -> str:
    """Inputs have no formula; they say what they are for."""
    if row.role is None:
        return row.formula
    return say("account.input") if row.role == "data" else row.role


def _expansion_text(account: Explanation) -> str:
    assert account.expanded
    if not account.expanded.nodes:
        return say("account.nothing-expanded")
    digits = account.expanded.digits
    if digits == float("inf"):
        return say("account.agree-exactly")
    return say("account.agree" if digits >= DIGITS else "account.disagree", digits=int(digits))


def _is_worth_it(texts: Sequence[str]) -> bool:
    """Is a column of formulas with numbers put in more than a column of dots?"""
    left_out = texts.count(_LEFT_OUT)
    return len(texts) - left_out - texts.count("") > left_out // 2


def _with_numbers(row: NodeRow) -> str:
    text = row.with_numbers or ""
    if text == row.formula:  # of numbers alone there is nothing to put in
        return ""
    return text if len(text) <= _MOST_CHARACTERS and "[[" not in text else _LEFT_OUT


def _reverse(account: Explanation) -> Iterator[Block]:
    edges = account.shown_edges
    if not edges:
        return
    arriving: dict[int, list[EdgeRow]] = {}
    leaving: dict[int, list[EdgeRow]] = {}
    for edge in account.edges:
        arriving.setdefault(edge.arg, []).append(edge)
    for edge in edges:
        leaving.setdefault(edge.consumer, []).append(edge)
    above = {edge.arg for edge in edges} - {account.output}
    tall = any(np.ndim(edge.upstream) > 1 or np.ndim(edge.contribution) > 1 for edge in edges)
    yield Heading(say("account.reverse", seed=_seed_text(account)))
    for layer, members in groupby(reversed(account.shown_nodes), lambda row: row.layer):
        rows: list[list[str]] = []
        sums: set[int] = set()
        for node in members:
            if len(arriving.get(node.id, ())) > 1:
                sums.add(len(rows))
                name, parts, total = _sum_row(account, node, arriving[node.id])
                rows.append([name, parts, total] if tall else [name, "", parts, total])
            for edge in leaving.get(node.id, ()):
                name = _edge_text(account, edge, leaving[node.id])
                if tall:
                    rows += _tall_edge(account, edge, name, edge.consumer in above)
                else:
                    rows.append(_edge_row(account, edge, name))
        if rows:
            yield from _layer_heading(account, layer)
            keys = ["edge", "quantity", "value"] if tall else ["edge", "upstream", "local", "contribution"]
            yield table(keys, rows, strong=sums)


def _seed_text(account: Explanation) -> str:
    seed = next(edge.upstream for edge in account.edges if edge.consumer == account.output)
    return f"{_partial(account, account.output)} = {text_of(seed)}"


def _partial(account: Explanation, node: int) -> str:
    return partial(account.names[account.output], account.names[node])


def _edge_text(account: Explanation, edge: EdgeRow, beside: Sequence[EdgeRow]) -> str:
    """`o → x`, or `o → x (k)` where one node is several args of a call; `beside` are all edges of it."""
    text = f"{account.names[edge.consumer]} → {account.names[edge.arg]}"
    op = OPS.get(account.op_names[edge.consumer])
    several = op and not op.notation and sum(one.arg == edge.arg for one in beside) > 1
    if not (op and several):
        return text
    return f"{text} ({edge.position + 1 if op.variadic else op.args[edge.position]})"


def _edge_row(account: Explanation, edge: EdgeRow, name: str) -> list[str]:
    local = _bracketed_comparison(edge.local_formula)
    if edge.local is not None and not _is_number(local):
        local = f"{local} = {_text(account, edge.local)}"
    return [
        name,
        _text(account, edge.upstream),
        local + _summed(edge.summed),
        _text(account, edge.contribution),
    ]


def _tall_edge(account: Explanation, edge: EdgeRow, name: str, above: bool) -> list[list[str]]:
    """An edge in several rows: matrices side by side do not fit a terminal.

    An upstream gradient that stands `above`, as a contribution or a sum, is called by its name.
    """
    above = above and np.ndim(edge.upstream) > 0
    partial = _partial(account, edge.consumer)
    rows = [("upstream", say("account.above", name=partial) if above else _text(account, edge.upstream))]
    if edge.local is None:
        rows += [("contribution", edge.local_formula), ("same", _text(account, edge.contribution))]
    else:
        rows.append(("local", edge.local_formula + _summed(edge.summed)))
        if not _is_number(edge.local_formula):
            rows.append(("same", _text(account, edge.local)))
        rows.append(("contribution", _text(account, edge.contribution)))
    return [
        [name if first else "", say(f"account.{key}"), text]
        for first, (key, text) in zip([True, *[False] * len(rows)], rows, strict=False)
    ]


def _summed(axes: Sequence[int]) -> str:
    return f"; {say('account.summed', axes=', '.join(map(str, axes)))}" if axes else ""


def _bracketed_comparison(formula: str) -> str:
    """`(u > 0) = 1` rather than `u > 0 = 1`."""
    return f"({formula})" if any(sign in formula for sign in (" < ", " > ", "= ")) else formula


def _sum_row(account: Explanation, node: NodeRow, edges: Sequence[EdgeRow]) -> list[str]:
    assert node.upstream is not None
    parts = say("account.the-sum")
    if all(np.size(edge.contribution) == 1 for edge in edges):
        texts = [_text(account, edge.contribution) for edge in edges]
        bracketed = [texts[0], *(f"({text})" if text.startswith("-") else text for text in texts[1:])]
        parts = " + ".join(bracketed if len(bracketed) <= 6 else [*bracketed[:3], "…", bracketed[-1]])
    return [_partial(account, node.id), parts, _text(account, node.upstream)]


def _is_number(text: str) -> bool:
    return text.lstrip("-")[:1].isdigit() and all(char in "0123456789.e-+" for char in text)


def _gradients(account: Explanation) -> Iterator[Block]:
    output = account.names[account.output]
    args = {account.names[edge.arg] for edge in account.shown_edges}
    rows = [
        [
            partial(output, name),
            say("account.independent") if name in account.independent else _text(account, value),
        ]
        for name, value in account.gradients.items()
        if account.opened is None or name in args
    ]
    if rows:
        yield Heading(say("account.gradients"))
        yield table(["of", "gradient"], rows)


def _patterns(account: Explanation) -> Iterator[Block]:
    shown = {account.op_names[edge.consumer] for edge in account.shown_edges}
    ops = {op: meaning for op, meaning in account.ops.items() if account.opened is None or op in shown}
    if ops:
        yield Heading(say("account.patterns"))
        yield Lines(tuple(_pattern(op, meaning) for op, meaning in ops.items()))


def _pattern(op: str, meaning: str | None) -> str:
    sentence = say(f"pattern.{op}") if op in OPS else say("account.stated-rule", op=op)
    return f"{sentence} {meaning}." if meaning else sentence


def _paths(account: Explanation, table_: PathTable) -> Iterator[Block]:
    output = account.names[account.output]
    yield Heading(say("account.paths", output=output, input=table_.input))
    if not table_.path_count:
        yield Lines((say("account.no-path", input=table_.input),))
        return
    tall = any(np.ndim(row.product) > 0 for row in table_.shown)
    rows = [row for path in table_.shown for row in _path_rows(account, path, tall)]
    others = table_.path_count - len(table_.shown)
    if others:
        rest = say("account.rest", count=_count(others))
        rows.append(
            [rest, *([] if tall else [""]), text_of(table_.rest), *([] if tall else [text_of(table_.total)])]
        )
    rows.append([partial(output, table_.input), *[""] * (1 if tall else 2), text_of(table_.total)])
    keys = ["path", "quantity", "value"] if tall else ["path", "factors", "contribution", "running"]
    yield table(keys, rows, strong={len(rows) - 1})
    yield Lines((say("account.count-paths", count=_count(table_.path_count)),))


def _path_rows(account: Explanation, path: PathRow, tall: bool) -> list[list[str]]:
    """A path in one row, or in several where its contribution is an array."""
    route = " → ".join(_ends([account.names[node] for node in path.nodes]))
    seed = next(row.upstream for row in account.nodes if row.id == account.output)
    factors = list(map(_factor, path.locals, path.local_formulas, path.summed))
    if seed is not None and np.any(seed != 1):
        factors.insert(0, f"({text_of(seed)})")
    product_of_factors = " · ".join(_ends(factors))
    product, running = text_of(path.product), text_of(path.running)
    if not tall:
        return [[route, product_of_factors, product, running]]
    return [
        [route, say("account.factors"), product_of_factors],
        ["", say("account.contribution"), product],
        ["", say("account.running"), running],
    ]


def _factor(local: Array | None, formula: str, summed: Sequence[int]) -> str:
    """A scalar local derivative as a number, any other by its formula."""
    text = text_of(local) if local is not None and np.ndim(local) == 0 else formula
    text += _summed(summed)
    return f"({text})" if text.startswith("-") or " " in text else text


def _count(count: int) -> str:
    plain = plain_count(count)
    return f"{plain:,}" if isinstance(plain, int) else plain


_END = 12  # of a longer path, this many nodes at either end


def _ends(texts: Sequence[str]) -> Sequence[str]:
    return texts if len(texts) <= 2 * _END + 1 else [*texts[:_END], _LEFT_OUT, *texts[-_END:]]


def _second(rows: Sequence[SecondRow]) -> Iterator[Block]:
    names = list(rows[0].by)
    yield Heading(say("account.second"))
    yield Table(
        (say("account.second-of"), *(f"∂/∂{name}" for name in names)),
        tuple(
            (f"∂/∂{row.input}{index_text(row.entry)}", *(text_of(row.by[name]) for name in names))
            for row in rows
        ),
    )


def _step(account: Explanation, step: Step) -> Iterator[Block]:
    yield Heading(say("account.step", rate=number(step.rate, DIGITS)))
    yield table(
        ["input", "value", "update", "new-value"],
        [[name, *map(text_of, change)] for name, change in step.updates.items()],
    )
    rate, before, after, predicted, squared = (
        number(value, DIGITS) for value in (step.rate, step.before, step.after, step.predicted, step.squared)
    )
    output = account.names[account.output]
    yield Lines(
        (
            say("account.loss", output=output, before=before, after=after),
            say(
                "account.predicted",
                predicted=predicted,
                before=before,
                rate=f"({rate})" if rate.startswith("-") else rate,
                squared=squared,
            ),
        )
    )
