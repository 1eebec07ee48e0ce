"""An account as a list of blocks, the form that the table, plain and markdown renderers share.

A block is a headline, a heading, a table or a list of lines; what it says is decided here, how it
looks by each renderer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from bpx.account import EdgeRow, Explanation, NodeRow, PathTable, SecondRow, Step, summary
from bpx.diagnostic import Diagnostic
from bpx.formula import array, number, shape_text
from bpx.graph import Array
from bpx.words import say, visible

DIGITS = 6  # significant digits shown; JSON has them all
MOST_ROWS = 400  # rows of a table shown to people; of more, the first and the last
_MOST_CHARACTERS = 44  # of a formula with numbers put in


class Headline(NamedTuple):
    """The answer, first of all."""

    text: str


class Heading(NamedTuple):
    """The title of a section."""

    text: str


class Table(NamedTuple):
    """Rows of texts; the columns `right` line up on the right, the rows `strong` are sums."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()


class Lines(NamedTuple):
    """Sentences, one a line."""

    texts: tuple[str, ...]


Block = Headline | Heading | Table | Lines
_T = TypeVar("_T")


def text_of(value: Array | float) -> str:
    """A value as shown: small arrays in full, larger ones by shape, least, mean and largest element."""
    value = np.asarray(value)
    short = summary(value)
    if short is None:
        return array(value, DIGITS)
    low, mean, high = (number(short[key], DIGITS) for key in ("min", "mean", "max"))
    return f"({shape_text(value.shape)}) {low} … {high}, mean {mean}"


def explanation_blocks(account: Explanation) -> list[Block]:
    """The whole account, section by section."""
    blocks: list[Block] = [_headline(account), *_forward(account), *_reverse(account), *_gradients(account)]
    for table in account.paths:
        blocks += _paths(account, table)
    if account.second:
        blocks += _second(account.second)
    if account.step:
        blocks += _step(account, account.step)
    blocks += _patterns(account)
    notes = [*account.notes, *account.unmet]
    if notes:
        blocks += [Heading(say("account.notes")), Lines(tuple(map(note_text, notes)))]
    return blocks


def note_text(note: Diagnostic) -> str:
    """A diagnostic in a line, for the end of an account."""
    return f"{note.severity}: {note.message}{'; ' + note.advice if note.advice else ''}"


def _headline(account: Explanation) -> Headline:
    answer = f"{account.names[account.output]} = {text_of(account.value)}"
    title = visible(" ".join((account.title or "").split()))
    return Headline(f"{title}: {answer}" if title else answer)


def _forward(account: Explanation) -> Iterator[Block]:
    rows = [row for row in account.nodes if row.op != "constant"]
    shapes = any(row.shape for row in rows)
    numbers = any(row.with_numbers for row in rows)
    keys = [
        "node",
        "formula",
        *(["with-numbers"] if numbers else []),
        *(["shape"] if shapes else []),
        "value",
    ]
    yield Heading(say("account.forward"))
    yield _table(
        keys,
        [
            [
                row.name,
                _formula_text(row),
                *([_with_numbers(row)] if numbers else []),
                *([shape_text(row.shape) if row.shape else ""] if shapes else []),
                text_of(row.value),
            ]
            for row in rows
        ],
        right=set() if shapes else {len(keys) - 1},
    )
    if account.expanded:
        yield Lines((_expansion_text(account),))


def _formula_text(row: NodeRow) -> str:
    """Inputs have no formula; they say what they are for."""
    if row.role is None:
        return row.formula
    return say("account.input") if row.role == "data" else row.role


def _expansion_text(account: Explanation) -> str:
    assert account.expanded
    digits = account.expanded.digits
    if digits == float("inf"):
        return say("account.agree-exactly")
    return say("account.agree" if digits >= DIGITS else "account.disagree", digits=int(digits))


def _with_numbers(row: NodeRow) -> str:
    text = row.with_numbers or ""
    return text if len(text) <= _MOST_CHARACTERS and "[[" not in text else "…"


def _reverse(account: Explanation) -> Iterator[Block]:
    if not account.edges:
        return
    arriving: dict[int, list[EdgeRow]] = {}
    leaving: dict[int, list[EdgeRow]] = {}
    for edge in account.edges:
        arriving.setdefault(edge.arg, []).append(edge)
        leaving.setdefault(edge.consumer, []).append(edge)
    tall = any(np.ndim(edge.upstream) > 1 or np.ndim(edge.contribution) > 1 for edge in account.edges)
    rows: list[list[str]] = []
    sums: set[int] = set()
    for node in reversed(account.nodes):
        if len(arriving.get(node.id, ())) > 1:
            sums.add(len(rows))
            name, _, parts, total = _sum_row(account, node, arriving[node.id])
            rows.append([name, parts, total] if tall else [name, "", parts, total])
        for edge in leaving.get(node.id, ()):
            rows += _tall(_edge_row(account, edge)) if tall else [_edge_row(account, edge)]
    name = account.names[account.output]
    seed = text_of(leaving[account.output][0].upstream)
    yield Heading(say("account.reverse", seed=f"∂{name}/∂{name} = {seed}"))
    keys = ["edge", "quantity", "value"] if tall else ["edge", *_QUANTITIES]
    yield _table(keys, rows, strong=sums)


_QUANTITIES = ("upstream", "local", "contribution")


def _tall(row: list[str]) -> list[list[str]]:
    """An edge in three rows instead of one: matrices side by side do not fit a terminal."""
    edge, *values = row
    labels = [say(f"account.{key}") for key in _QUANTITIES]
    return [[edge if i == 0 else "", *pair] for i, pair in enumerate(zip(labels, values, strict=True))]


def _edge_row(account: Explanation, edge: EdgeRow) -> list[str]:
    names = account.names
    local = edge.local_formula
    if edge.local is not None and not _is_number(local):
        local = f"{local} = {text_of(edge.local)}"
    if edge.summed:
        axes = ", ".join(map(str, edge.summed))
        local += f"; {say('account.summed', axes=axes)}"
    return [
        f"{names[edge.consumer]} → {names[edge.arg]}",
        text_of(edge.upstream),
        local,
        text_of(edge.contribution),
    ]


def _sum_row(account: Explanation, node: NodeRow, edges: Sequence[EdgeRow]) -> list[str]:
    assert node.upstream is not None
    parts = say("account.the-sum")
    if all(np.size(edge.contribution) == 1 for edge in edges):
        texts = [text_of(edge.contribution) for edge in edges]
        bracketed = [texts[0], *(f"({text})" if text.startswith("-") else text for text in texts[1:])]
        parts = " + ".join(bracketed if len(bracketed) <= 6 else [*bracketed[:3], "…", bracketed[-1]])
    return [f"∂{account.names[account.output]}/∂{node.name}", "", parts, text_of(node.upstream)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _gradients(account: Explanation) -> Iterator[Block]:
    output = account.names[account.output]
    rows = [
        [f"∂{output}/∂{name}", say("account.independent") if name in account.independent else text_of(value)]
        for name, value in account.gradients.items()
    ]
    if rows:
        yield Heading(say("account.gradients"))
        yield _table(["of", "gradient"], rows)


def _patterns(account: Explanation) -> Iterator[Block]:
    ops = {row.id: row.op for row in account.nodes}
    used = dict.fromkeys(ops[edge.consumer] for edge in account.edges)
    if used:
        yield Heading(say("account.patterns"))
        yield Lines(tuple(say(f"pattern.{op}") for op in used))


def _paths(account: Explanation, table: PathTable) -> Iterator[Block]:
    output = account.names[account.output]
    yield Heading(say("account.paths", output=output, input=table.input))
    if not table.path_count:
        yield Lines((say("account.no-path", input=table.input),))
        return
    rows = [
        [
            _route(account, row.nodes),
            _factors(row.locals, row.local_formulas),
            *map(text_of, (row.product, row.running)),
        ]
        for row in table.shown
    ]
    others = table.path_count - len(table.shown)
    if others:
        rows.append([say("account.rest", count=f"{others:,}"), "", text_of(table.rest), text_of(table.total)])
    rows.append([f"∂{output}/∂{table.input}", "", "", text_of(table.total)])
    yield _table(["path", "factors", "contribution", "running"], rows, strong={len(rows) - 1})
    yield Lines((say("account.count-paths", count=f"{table.path_count:,}"),))


def _route(account: Explanation, nodes: Sequence[int]) -> str:
    names = [account.names[node] for node in _ends(nodes)]
    return " → ".join([*names[:_END], "…", *names[_END:]] if len(nodes) > len(names) else names)


def _factors(locals: Sequence[Array | None], formulas: Sequence[str]) -> str:
    texts = [
        text_of(value) if value is not None else formula
        for value, formula in zip(_ends(locals), _ends(formulas), strict=True)
    ]
    texts = [f"({text})" if text.startswith("-") or " " in text else text for text in texts]
    return " · ".join([*texts[:_END], "…", *texts[_END:]] if len(locals) > len(texts) else texts)


_END = 4  # of a long path, this many nodes at either end


def _ends(sequence: Sequence[_T]) -> Sequence[_T]:
    return sequence if len(sequence) <= 2 * _END + 1 else [*sequence[:_END], *sequence[-_END:]]


def _second(rows: Sequence[SecondRow]) -> Iterator[Block]:
    names = list(rows[0].by)
    yield Heading(say("account.second"))
    yield Table(
        (say("account.second-of"), *(f"∂/∂{name}" for name in names)),
        tuple(
            (f"∂/∂{row.input}{_index_text(row.entry)}", *(text_of(row.by[name]) for name in names))
            for row in rows
        ),
    )


def _index_text(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _step(account: Explanation, step: Step) -> Iterator[Block]:
    yield Heading(say("account.step", rate=number(step.rate, DIGITS)))
    yield _table(
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
            say("account.predicted", predicted=predicted, before=before, rate=rate, squared=squared),
        )
    )


def _table(
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Iterable[int] = (),
    strong: Iterable[int] = (),
) -> Table:
    headers = tuple(say(f"account.{key}") for key in keys)
    if len(rows) <= MOST_ROWS:
        return Table(headers, tuple(map(tuple, rows)), frozenset(right), frozenset(strong))
    half = MOST_ROWS // 2
    left_out = say("account.left-out", count=f"{len(rows) - 2 * half:,}")
    gap = (left_out, *[""] * (len(keys) - 1))
    kept = (*map(tuple, rows[:half]), gap, *map(tuple, rows[-half:]))
    shift = len(rows) - half
    moved = {row if row < half else row - shift + half + 1 for row in strong if row < half or row >= shift}
    return Table(headers, kept, frozenset(right), frozenset(moved))
