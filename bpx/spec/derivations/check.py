"""A derivation in a text → a report on every step of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bpx.check.report.blame import SLIP_OF, Mistake
from bpx.check.report.options import hint_level
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr
from bpx.graph.named.values import as_array, not_an_input
from bpx.spec.derivations.blame import named_kind
from bpx.spec.derivations.graph.model import Built, Model
from bpx.spec.derivations.graph.points import Point
from bpx.spec.derivations.graph.shapes import best_model
from bpx.spec.derivations.graph.sheet import Kind, Reader
from bpx.spec.derivations.judge import Judge
from bpx.spec.derivations.report import DerivationReport
from bpx.spec.derivations.slips import Slip, slip_in
from bpx.spec.derivations.text.indices import uses_indices
from bpx.spec.derivations.text.notes import pieces
from bpx.spec.derivations.text.statements import Statement, statements
from bpx.spec.derivations.verdicts import Step, Verdict
from bpx.spec.reading.target import read_file
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic, Source

MOST_FORMULAS = 1_000  # set equal to something in one file: lecture notes have hundreds
_ENDINGS = (".md", ".markdown", ".tex", ".txt", ".ipynb")


@np.errstate(all="ignore")
def check_derivation(
    name: str,
    text: str,
    values: Mapping[str, Any] | None = None,
    *,
    hint: int = 2,
    all: bool = False,
) -> DerivationReport:
    """Judge every step of the derivation in a text; the ending of `name` says how it is written.

    `values` are given beside those in the text. `hint` says how much is told of a slip, from 1, the line, to
    5, numbers. Raises `BpxError` for a level that there is not, and for a value of what is no input.
    """
    level = hint_level(hint)
    problems: list[Diagnostic] = []
    arrays = {key: as_array(key, value, problems) for key, value in (values or {}).items()}
    given = {key: array for key, array in arrays.items() if array is not None}
    every = statements(pieces(name, text), MOST_FORMULAS)
    if sum(len(one.links) for one in every) > MOST_FORMULAS:
        facts = {"file": name, "most": MOST_FORMULAS}
        raise BpxError([Diagnostic("too-many-formulas", every[0].left.span, facts, "split-notes")])
    reader, model = read(every, given)
    own = [name for name in reader.sheet.inputs if name not in reader.unused]
    problems += [not_an_input(name, own) for name in given if name in reader.unused]
    if problems:
        raise BpxError(problems)
    judge = Judge(reader, model)
    steps = []
    for step in judge.steps():
        if step.verdict is Verdict.WRONG:
            _explain(judge, step)
        steps.append(step)
    kinds = [chain.kind for chain in reader.chains]
    return DerivationReport(
        name,
        tuple(steps),
        kinds.count(Kind.EQUATION),
        len(reader.sheet.values),
        level,
        all,
        {key: (given[key], value) for key, value in reader.replaced.items()},
    )


def read(every: Sequence[Statement], values: dict[str, Array]) -> tuple[Reader, Model]:
    """What the statements are, and their graph; in index notation, where they use it and it can be read."""
    texts = [text.content for one in every for text in (one.left, *(link.text for link in one.links))]
    if uses_indices(texts):
        reader = Reader(every, values, index_notation=True)
        model = best_model(reader)
        if not model.problems:
            return reader, model
    reader = Reader(every, values)
    return reader, best_model(reader)


def _explain(judge: Judge, step: Step) -> None:
    """Find the place, the kind and the right formula of a slip."""
    model, link = (
        judge.model,
        next(link for link in step.chain.statement.links if link.text.span == step.span),
    )
    every = judge.readings(link.text) or judge.model.every_reading(link.text)
    targets = [*judge.targets(step)]
    special = [points for _, _, points in judge.special_points()]
    for points in (model.points, *special, *(points for _, points in judge.assumed())):
        _name(judge, step, every, targets, points)
        if step.mistake is not None:
            break
    _add_numbers(model, step, every, targets)


def _name(
    judge: Judge, step: Step, every: Sequence[Built], targets: Sequence[Expr], points: Sequence[Point]
) -> None:
    """Name the slip, as it shows at these points."""
    model, atom = judge.model, step.chain.atom
    slip = _first_slip(model, every, targets, points)
    if slip is not None:
        step.slip, step.mistake, step.correct = slip.place, slip.mistake, slip.correct
    room = judge.rooms.get(id(step), 0.0)
    point = model.given if model.given is not None else next(iter(points), None)
    for built in every if atom and point is not None else ():
        assert atom and point is not None
        named = named_kind(model, atom, built, point, np.asarray(room) if room else None)
        if named is not None and not _says_more(step.mistake, named.mistake):
            step.mistake, step.op = named.mistake, named.op
            step.correct = step.correct or named.correct
            break


def _says_more(mistake: Mistake | None, other: Mistake) -> bool:
    """Does a slip of the pen say more than what it makes of the chain rule? Signs and the n of a mean do."""
    kind = SLIP_OF.get(mistake.code) if mistake else None
    if kind and other.code == "both":
        return True
    return kind in ("sign", "mean") and SLIP_OF.get(other.code) != kind


def _first_slip(
    model: Model, every: Sequence[Built], targets: Sequence[Expr], points: Sequence[Point]
) -> Slip | None:
    for target in targets:
        for built in every:
            slip = slip_in(model, built, target, points)
            if slip is not None:
                return slip
    return None


def _add_numbers(model: Model, step: Step, every: Sequence[Built], targets: Sequence[Expr]) -> None:
    """What was written, and what is right, at the values given or at a random point."""
    point = model.given if model.given is not None else next(iter(model.points), None)
    if point is None or not targets or not every or every[0].expr is None or step.numbers:
        return
    written, right = model.values([every[0].expr, targets[0]], point)
    step.numbers = {"written": written, "right": right}


@checked
def check_notes(
    notes: str | Path, values: Mapping[str, Any] | None = None, *, hint: int = 2, all: bool = False
) -> DerivationReport:
    """Judge every step of a derivation: of a file, or of the text itself.

    A file is given as a `Path`, or by a name that ends in `.md`, `.tex`, `.txt` or `.ipynb`. `values` are
    those of names, beside the ones in the text; `hint` is how much to say of a slip, from 1, the line, to 5,
    numbers; with `all` the right steps are shown too. The report is true if every step is right.
    Raises `bpx.BpxError` where the file cannot be read, or there is no such level.
    """
    is_file = isinstance(notes, Path) or ("\n" not in notes and Path(notes).suffix.lower() in _ENDINGS)
    source = read_file(Path(notes)) if is_file else Source("<notes>", str(notes))
    return check_derivation(source.name, source.text, values, hint=hint, all=all)
