"""Every path from the output to an input, with its factors, their product and the running sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.explain.sections.reverse import summed
from bpx.graph.arrays import Array
from bpx.graph.formula import Formula, product_of, symbol, words
from bpx.graph.named.values import not_an_input
from bpx.render.blocks import Block, Cell, Heading, Lines, Phrase, Value, numeric_columns, table
from bpx.render.plain_data import plain_count, plain_value, quantities
from bpx.words.diagnostic import BpxError
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.passes.paths import PathLedger

_COMES_DOWN = symbol("upstream")  # in the formulas of a path: what comes down this path, not the whole
_END = 12  # of a longer path, this many nodes at either end
_LEFT_OUT = "…"


class PathRow(NamedTuple):
    """One path: node ids from the output down, local formulas and values, product, running sum."""

    nodes: tuple[int, ...]
    local_formulas: tuple[Formula, ...]
    locals: tuple[Array | None, ...]
    product: Array
    running: Array
    summed: tuple[tuple[int, ...], ...]  # per edge, as in `EdgeRow`


class PathTable(NamedTuple):
    """All paths to one input; `rest` is what the paths that are not shown sum to."""

    input: str
    path_count: int
    shown: tuple[PathRow, ...]
    rest: Array
    total: Array


@dataclass(frozen=True, eq=False)
class Paths(Section):
    """The paths to each input asked for."""

    tables: tuple[PathTable, ...]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Raises `BpxError` for a name that no gradient is asked for."""
        from bpx.passes.paths import path_ledger

        if options.paths is None:
            return None
        unknown = [name for name in options.paths if name not in query.wrt]
        if unknown:
            raise BpxError([not_an_input(name, query.wrt) for name in unknown])
        ledgers = {
            name: path_ledger(query.ledger, query.values, query.wrt[name])
            for name in options.paths or query.wrt
        }
        return cls(tuple(_path_table(query, name, ledger) for name, ledger in ledgers.items()))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """A table for each input, if there are any."""
        return {"paths": [_plain(table) for table in self.tables]} if self.tables else {}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A table for each input."""
        for paths in self.tables:
            yield from _path_blocks(passes, paths)


def _path_table(query: GradientQuery, name: str, ledger: PathLedger) -> PathTable:
    rows = [
        PathRow(
            (query.output, *(edge.arg for edge in path.edges)),
            tuple(query.edge_row(edge, _COMES_DOWN).local_formula for edge in path.edges),
            tuple(None if edge.local is None else query.values[edge.local] for edge in path.edges),
            path.product,
            path.running,
            tuple(query.summed_axes(edge) for edge in path.edges),
        )
        for path in ledger.shown
    ]
    return PathTable(name, ledger.path_count, tuple(rows), ledger.rest, ledger.total)


def _plain(table: PathTable) -> dict[str, Any]:
    rows = [
        {
            "nodes": list(row.nodes),
            "local_formulas": list(map(str, row.local_formulas)),
            "locals": [None if local is None else plain_value(local) for local in row.locals],
            "summed": [list(axes) for axes in row.summed],
            **quantities(product=row.product, running=row.running),
        }
        for row in table.shown
    ]
    return {
        "input": table.input,
        "count": plain_count(table.path_count),
        "shown": rows,
        "others": plain_count(table.path_count - len(rows)),
        **quantities(rest=table.rest, total=table.total),
    }


def _path_blocks(passes: Passes, paths: PathTable) -> Iterator[Block]:
    output = passes.names[passes.output]
    yield Heading(say("account.paths", output=output, input=paths.input))
    if not paths.path_count:
        yield Lines((say("account.no-path", input=paths.input),))
        return
    tall = any(np.ndim(row.product) > 0 for row in paths.shown)
    rows: list[list[Cell]] = [row for path in paths.shown for row in _path_rows(passes, path, tall)]
    others = paths.path_count - len(paths.shown)
    if others:
        rest = say("account.rest", count=plain_count(others))
        rows.append([rest, "", Value(paths.rest), *([] if tall else [Value(paths.total)])])
    rows.append([passes.partial_by(paths.input), *[""] * (1 if tall else 2), Value(paths.total)])
    keys = ["path", "quantity", "value"] if tall else ["path", "factors", "contribution", "running"]
    yield table(keys, rows, right=numeric_columns(rows), strong={len(rows) - 1})
    yield Lines((say("account.count-paths", count=_count_text(paths.path_count)),))


def _path_rows(passes: Passes, path: PathRow, tall: bool) -> list[list[Cell]]:
    """A path in one row, or in several where its contribution is an array."""
    names = _shortened([passes.symbols[node] for node in path.nodes])
    route = Phrase((names[0], *(piece for name in names[1:] for piece in (" → ", name))))
    seed = next(row.upstream for row in passes.nodes if row.id == passes.output)
    product, value, running = product_of(factors_of(path, seed)), Value(path.product), Value(path.running)
    if not tall:
        return [[route, product, value, running]]
    return [
        [route, say("account.factors"), product],
        ["", say("account.contribution"), value],
        ["", say("account.running"), running],
    ]


def factors_of(path: PathRow, seed: Array | None) -> Sequence[Formula]:
    """The factors of a path from the output down, the first and the last of many."""
    factors = list(map(_factor, path.locals, path.local_formulas, path.summed))
    if seed is not None and np.any(seed != 1):
        factors.insert(0, Value(seed).formula)
    return _shortened(factors)


def _factor(local: Array | None, formula: Formula, axes: Sequence[int]) -> Formula:
    """A scalar local derivative as a number, any other by its formula."""
    is_scalar = local is not None and np.ndim(local) == 0
    return summed(Value(local).formula if local is not None and is_scalar else formula, axes)


def _count_text(count: int) -> str:
    plain = plain_count(count)
    return f"{plain:,}" if isinstance(plain, int) else plain


def _shortened(formulas: Sequence[Formula]) -> Sequence[Formula]:
    if len(formulas) <= 2 * _END + 1:
        return formulas
    return [*formulas[:_END], words(_LEFT_OUT), *formulas[-_END:]]
