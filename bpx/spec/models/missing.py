"""The operations of a model that bpx has no op for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from bpx.render.blocks import Block, Lines, Table
from bpx.render.shown import Shown
from bpx.spec.models.build import row_of
from bpx.spec.models.model import Place
from bpx.spec.models.target import read_model, rows_of
from bpx.words.say import say


class MissingOp(NamedTuple):
    """An operation that bpx lacks: how often it occurs, and at which line first."""

    op: str
    occurrences: int
    place: Place | None


@dataclass(frozen=True, repr=False)
class MissingOps(Shown):
    """What a model of `operations` operations needs and bpx lacks."""

    kind: ClassVar[str] = "missing"

    model: str
    operations: int
    missing: tuple[MissingOp, ...]

    @classmethod
    def of(cls, target: str) -> Self:
        """Those of the model in a file. Raises `BpxError`."""
        model = read_model(target)
        rows = rows_of(model)
        lacking = [operation for operation in model.operations if row_of(rows, operation.op) is None]
        counts = Counter(operation.op for operation in lacking)
        places = {operation.op: operation.place for operation in reversed(lacking)}
        missing = tuple(MissingOp(op, count, places[op]) for op, count in counts.most_common())
        return cls(target, len(model.operations), missing)

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        return {
            "bpx": 1,
            "kind": self.kind,
            "model": self.model,
            "operations": self.operations,
            "missing": [
                {
                    "op": each.op,
                    "count": each.occurrences,
                    "file": each.place.file if each.place else None,
                    "line": each.place.line if each.place else None,
                    "code": each.place.text if each.place else None,
                }
                for each in self.missing
            ],
        }

    def blocks(self) -> list[Block]:
        """One row for each operation, the most frequent first."""
        if not self.missing:
            return [Lines((say("missing.none", count=self.operations),))]
        headers = tuple(say(f"missing.{key}") for key in ("op", "count", "line"))
        rows = tuple((each.op, str(each.occurrences), _where(each.place)) for each in self.missing)
        return [Table(headers, rows)]


def _where(place: Place | None) -> str:
    return f"{place.file}:{place.line}: {place.text}" if place else ""
