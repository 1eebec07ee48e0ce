"""[tables] and [inputs] of a document → tables, and inputs with their values and where these come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.arrays import LARGEST_DRAWN, Array, Shape, SizeError, size_within_limits
from bpx.graph.named.recipe import LARGEST_SEED, Cells, Normal, NumberTable, Recipe, Uniform
from bpx.spec.reading.decoder import FORMS, KEYS, OF_ANY_INPUT, ROLES, Decoder, is_finite_number
from bpx.spec.reading.documents.locate import Places
from bpx.spec.reading.syntax import InputSyntax
from bpx.spec.text.problems import listed
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

Entry = Mapping[str, Any]


class InputDecoder(Decoder):
    """Decodes tables, and then inputs, which may take their values out of them."""

    def __init__(self, document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> None:
        super().__init__(document, places, problems)
        self.tables: dict[str, NumberTable | None] = {}  # None: broken, and reported
        self.used: set[str] = set()
        self.elements_left = LARGEST_DRAWN

    @property
    def forms(self) -> dict[str, Callable[[str, Entry], Recipe | None]]:
        """The ways that take a recipe. Not kept: that would be a circle, which keeps the document with it."""
        return {"normal": self.normal, "uniform": self.uniform, "table": self.cells}

    # --- inputs ---

    def input(self, name: str, value: Any) -> InputSyntax:
        """One input, its value drawn or taken out of its table."""
        input = InputSyntax(None, span=self.places.key("inputs", name))
        if not isinstance(value, dict):
            input.value = self.numbers(name, value, "inputs", name)
            return input
        input.role = self.role(name, value.get("role", input.role))
        if "range" in value:
            input.range = self.range(name, value["range"])
            input.range_span = self.places.value("inputs", name, "range")
        form = self.form(name, value)
        if form is None:  # one of the unknown keys, which were reported, may be meant to give the value
            input.broken = not value.keys() <= {*KEYS["input"]}
        elif form == "value":
            input.value = self.numbers(name, value["value"], "inputs", name, "value")
        else:
            input.recipe = self.forms[form](name, value)
            input.value = np.broadcast_to(0.0, input.recipe.shape) if input.recipe else None
            input.to_draw = self.places.value("inputs", name)
            input.broken = input.value is None
        return input

    def form(self, name: str, entry: Entry) -> str | None:
        """The way in which the input is given its values; None where they may come from outside."""
        forms = [form for form in FORMS if form in entry]
        known = (forms[0], *FORMS[forms[0]], *OF_ANY_INPUT) if len(forms) == 1 else KEYS["input"]
        self.check_keys(entry, "input", ("inputs", name), known)
        if len(forms) > 1:
            span = self.places.key("inputs", name, forms[1])
            self.problem("two-forms", span, name=name, first=forms[0], second=forms[1])
        return forms[0] if forms else None

    def range(self, name: str, value: Any) -> tuple[float, float] | None:
        """Two finite numbers, the lower one first."""
        numbers = value if isinstance(value, list) else []
        if len(numbers) == 2 and all(map(is_finite_number, numbers)) and numbers[0] < numbers[1]:
            return float(numbers[0]), float(numbers[1])
        self.problem("bad-range", self.places.value("inputs", name, "range"), "range", name=name)
        return None

    def role(self, name: str, role: Any) -> str:
        """The role that is stated, or data where there is no such role."""
        if isinstance(role, str) and role in ROLES:
            return role
        facts = {"role": self.written("inputs", name, "role"), "known": ", ".join(ROLES)}
        problem = Diagnostic("unknown-role", self.places.value("inputs", name, "role"), facts, "roles")
        self.problems.append(problem.suggesting(role if isinstance(role, str) else "", ROLES))
        return "data"

    def fits(self, name: str, key: str, shape: Shape) -> bool:
        """Is there room for an input of this shape? Asked before any memory is taken."""
        try:
            size = size_within_limits(name, shape)
        except SizeError as error:
            reason = error.extent
        else:
            if size <= self.elements_left:
                self.elements_left -= size
                return True
            reason = say("word.together", count=LARGEST_DRAWN - self.elements_left + size)
        self.problem("input-too-large", self.places.value("inputs", name, key), name=name, reason=reason)
        return False

    # --- drawn inputs ---

    def normal(self, name: str, entry: Entry) -> Normal | None:
        """`{ normal = [16, 2], mean = 0, scale = 0.5, seed = 1 }`."""
        shape, seed = self.shape(name, "normal", entry), self.seed(name, entry)
        mean, scale = self.number(name, "mean", entry, 0), self.number(name, "scale", entry, 1)
        if shape is None or seed is None or mean is None or scale is None:
            return None
        return Normal(shape, seed, mean, scale)

    def uniform(self, name: str, entry: Entry) -> Uniform | None:
        """`{ uniform = [16, 2], low = -1, high = 1, seed = 1 }`."""
        shape, seed = self.shape(name, "uniform", entry), self.seed(name, entry)
        low, high = self.number(name, "low", entry, 0), self.number(name, "high", entry, 1)
        if low is not None and high is not None and low >= high:
            span = self.places.key("inputs", name, "high" if "high" in entry else "low")
            self.problem("low-not-below-high", span, name=name, low=str(low), high=str(high))
            return None
        if shape is None or seed is None or low is None or high is None:
            return None
        return Uniform(shape, seed, low, high)

    def shape(self, name: str, form: str, entry: Entry) -> Shape | None:
        """Whole, positive lengths, of an array there is room for."""
        lengths = entry[form]
        if not isinstance(lengths, list) or not all(_is_whole(length) and length > 0 for length in lengths):
            path = ("inputs", name, form)
            self.problem("bad-lengths", self.places.value(*path), name=name, found=self.written(*path))
            return None
        shape = tuple(map(int, lengths))
        return shape if self.fits(name, form, shape) else None

    def seed(self, name: str, entry: Entry) -> int | None:
        """What is drawn must be the same every time, so there is no drawing without a seed."""
        if "seed" not in entry:
            self.problem("missing-seed", self.places.key("inputs", name), "write-seed", name=name)
            return None
        seed = entry["seed"]
        if _is_whole(seed) and 0 <= seed <= LARGEST_SEED:
            return int(seed)
        place, text = self.places.value("inputs", name, "seed"), self.written("inputs", name, "seed")
        self.problem("seed-out-of-range", place, name=name, most=LARGEST_SEED, found=text)
        return None

    def number(self, name: str, key: str, entry: Entry, usual: float) -> float | None:
        """A finite number; `usual` where nothing is said."""
        value = entry.get(key, usual)
        if is_finite_number(value):
            return value  # type: ignore[no-any-return]
        path = ("inputs", name, key)
        self.problem("no-finite-number", self.places.value(*path), name=key, found=self.written(*path))
        return None

    # --- tables ---

    def table(self, name: str, entry: Any) -> None:
        """One table of [tables]."""
        self.tables[name] = None
        path = ("tables", name)
        if not self.has_type(dict, entry, *path):
            return
        self.check_keys(entry, "table", path)
        missing = [key for key in KEYS["table"] if key not in entry]
        for key in missing:
            self.problem("table-without", self.places.key(*path), "table-form", name=name, key=key)
        columns = self.columns(name, entry["columns"], *path, "columns") if "columns" in entry else None
        cells = self.rows(name, entry["rows"], columns) if "rows" in entry else None
        if columns and cells is not None:
            self.tables[name] = NumberTable(columns, entry["rows"], cells)

    def columns(self, table: str, columns: Any, *path: str) -> tuple[str, ...] | None:
        """Names of columns, each once; None where something is wrong with them."""
        if not self.has_type(list, columns, *path):
            return None
        if not columns:
            self.problem("no-columns", self.places.value(*path), name=table)
        known: set[str] = set()
        fine = [self.column(table, column, known, *path, i) for i, column in enumerate(columns)]
        return tuple(columns) if fine and all(fine) else None

    def column(self, table: str, column: Any, known: set[str], *path: str | int) -> bool:
        """Is it text, and none of the `known` ones, to which it is added?"""
        if not isinstance(column, str):
            self.problem("not-a-column", self.places.value(*path), name=table, found=self.written(*path))
            return False
        if column in known:
            self.problem("repeated-column", self.places.value(*path), name=table, column=column)
            return False
        known.add(column)
        return True

    def rows(self, name: str, rows: Any, columns: Sequence[str] | None) -> Array | None:
        """Rows × columns numbers; None where something is wrong with them."""
        path = ("tables", name, "rows")
        if not self.has_type(list, rows, *path):
            return None
        if not rows:
            self.problem("empty-array", self.places.value(*path), name=name)
            return None
        fine = [self.row(name, row, columns, *path, index) for index, row in enumerate(rows)]
        return self.numbers(name, rows, *path) if columns and all(fine) else None

    def row(self, name: str, row: Any, columns: Sequence[str] | None, *path: Any) -> bool:
        """Is it a list with something for each column, and nothing in it a list again?"""
        if not isinstance(row, list):
            self.problem("not-a-row", self.places.value(*path), name=name, found=self.written(*path))
            return False
        if columns and len(row) != len(columns):
            facts = {"name": name, "row": path[-1] + 1, "found": len(row), "wanted": len(columns)}
            self.problem("table-row", self.places.value(*path), **facts)
            return False
        lists = [index for index, cell in enumerate(row) if isinstance(cell, list)]
        for index in lists:
            place = self.places.value(*path, index)
            self.problem("not-a-number", place, name=name, found=self.written(*path, index))
        return not lists

    def cells(self, name: str, entry: Entry) -> Cells | None:
        """`{ table = "iris", columns = ["a", "b"] }`, or `column = "c"`, or all columns."""
        table = self.table_named(name, entry["table"])
        if "columns" in entry and "column" in entry:
            span = self.places.key("inputs", name, "column")
            self.problem("two-forms", span, name=name, first="columns", second="column")
            return None
        chosen: dict[str, Any] = {key: entry[key] for key in ("columns", "column") if key in entry}
        columns = self.chosen_columns(name, chosen, table) if table else None
        if not table or not columns or not self.fits(name, "table", (len(table.rows), len(columns))):
            return None
        return Cells(entry["table"], table, columns, chosen)

    def table_named(self, name: str, table: Any) -> NumberTable | None:
        """The table of that name; None where there is none, or a broken one."""
        path = ("inputs", name, "table")
        if not self.has_type(str, table, *path):
            return None
        self.used.add(table)
        if table not in self.tables:
            problem = Diagnostic("unknown-table", self.places.value(*path), {"name": table})
            self.problem_with_guess(problem, table, self.tables)
        return self.tables.get(table)

    def chosen_columns(
        self, name: str, chosen: Mapping[str, Any], table: NumberTable
    ) -> tuple[str, ...] | None:
        """The columns that an input takes; None where the table has no such ones."""
        path = ("inputs", name)
        if not chosen:
            return table.columns
        columns: tuple[str, ...] | None
        places: list[tuple[str | int, ...]]
        if "column" in chosen:
            columns = (chosen["column"],) if self.has_type(str, chosen["column"], *path, "column") else None
            places = [(*path, "column")]
        else:
            columns = self.columns(name, chosen["columns"], *path, "columns")
            places = [(*path, "columns", i) for i in range(len(columns or ()))]
        return columns if columns and self.columns_exist(table, columns, places) else None

    def columns_exist(
        self, table: NumberTable, columns: Sequence[str], places: Sequence[tuple[str | int, ...]]
    ) -> bool:
        """Has the table all these columns? Those it has not are reported, each at its place."""
        known = set(table.columns)
        unknown = [
            (column, place) for column, place in zip(columns, places, strict=True) if column not in known
        ]
        for column, place in unknown:
            facts = {"column": column, "known": listed(table.columns)}
            problem = Diagnostic("unknown-column", self.places.value(*place), facts, "columns-are")
            self.problem_with_guess(problem, column, table.columns)
        return not unknown

    def unused_tables(self) -> list[Diagnostic]:
        """A warning for each table that no input uses."""
        return [
            Diagnostic("unused-table", self.places.key("tables", name), {"name": name}, severity="warning")
            for name in self.tables
            if name not in self.used
        ]


def _is_whole(value: Any) -> bool:
    return is_finite_number(value) and value == int(value)
