"""Links with numbers in them: judged at the values given, to the digits that are printed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr
from bpx.graph.numbers import CONSTANTS
from bpx.spec.derivations.comparisons import Before, Comparisons
from bpx.spec.derivations.graph.model import Built, Model
from bpx.spec.derivations.graph.sheet import Chain
from bpx.spec.derivations.text.statements import Link
from bpx.spec.derivations.verdicts import Step, Verdict
from bpx.spec.text.syntax_tree import Expression, Node, Number, NumberList, fold, postorder, with_args
from bpx.words.say import say

_WRITTEN = re.compile(r"(?P<whole>\d*)(?:\.(?P<decimals>\d*))?(?:[eE](?P<exponent>[-+−]?\d+))?")
_SLACK = 1.02  # of the room, for rounding at exactly half a unit
_EXACT = 1e-9  # relative: the rounding of float64


def number_link(
    judge: Comparisons, chain: Chain, link: Link, built: Built, target: Expr, before: Before | None
) -> tuple[Step, Before] | None:
    """The step of a link of numbers; None where it is a formula, or as right as one."""
    expression, expr, model = built.expression, built.expr, judge.model
    if expression is None or expr is None or judge.same(expr, target):
        return None
    alone = is_number(expression)
    if not alone and not _decimals(expression):
        return None
    if before is not None and before.wrong_line and judge.same(expr, before.expr):
        return None
    span = link.text.span
    if model.given is None:
        missing = _missing(model, target)
        if not alone or not missing:
            return None
        reason = say("written-step.no-value", names=", ".join(f"`{name}`" for name in missing))
        return Step(chain, span, Verdict.CANNOT_TELL, reason=reason), Before(expr, 0)
    value, truth = model.values([expr, target], model.given)
    room = rounding(model, built, link.about) + (before.room if before else 0.0)
    if _fits(value, truth, room) or _fits_rounded(judge, chain, value, target, room, before):
        _keep(judge, chain, value, target)
        kept = before.text if before else None
        return Step(chain, span, Verdict.RIGHT), Before(expr, 0, room=_size(room), text=kept)
    line = _follows(judge, chain, value, room, before) or _from_values(judge, value, target, room, before)
    if line:
        return Step(chain, span, Verdict.FOLLOWS, follows=line), Before(expr, line, room=_size(room))
    if others := _replaced(judge, target):
        reason = say("written-step.other-values", names=", ".join(f"`{name}`" for name in others))
        return Step(chain, span, Verdict.CANNOT_TELL, reason=reason), Before(target, 0)
    step = Step(chain, span, Verdict.WRONG, numbers={"written": value, "right": truth})
    judge.note(step, target, before, _size(room))
    if chain.name in model.exprs and value.shape == target.shape and alone:
        judge.slipped[target.id] = value, step.line
    return step, Before(expr, step.line, room=_size(room))


def _keep(judge: Comparisons, chain: Chain, value: Array, target: Expr) -> None:
    """Remember a printed number: what is worked out from it is as rounded as it is."""
    judge.slipped.pop(target.id, None)
    if chain.atom:
        judge.rounded[chain.atom] = judge.model.graph.constant(value)
    elif chain.name in judge.model.exprs and value.shape == target.shape:
        judge.printed[target.id] = value


def _fits_rounded(
    judge: Comparisons, chain: Chain, value: Array, target: Expr, room: Array, before: Before | None
) -> bool:
    """Is it right for the numbers above as they were printed?"""
    model, given = judge.model, judge.model.given
    assert given is not None
    exprs = [target]
    if before is not None and not before.wrong_line:
        exprs += [before.expr] if before.expr is not None else []
        if before.text is not None:
            exprs += [
                one.expr for one in judge.readings(before.text, judge.as_printed) if one.expr is not None
            ]
    return any(
        _fits(value, model.values([expr], given, printed)[0], room)
        for expr in exprs
        for printed in (judge.printed, {})
        if target.id not in printed
    )


def _size(room: Array) -> float:
    return float(np.max(room, initial=0.0))


def _fits(value: Array, truth: Array, room: Any) -> bool:
    if value.shape != truth.shape and value.shape:
        return False
    return bool(np.all(np.abs(value - truth) <= _SLACK * room + _EXACT * np.abs(truth)))


def _follows(
    judge: Comparisons, chain: Chain, value: Array, room: Array, before: Before | None
) -> int | None:
    """The line of the slip that a wrong number follows from."""
    given = judge.model.given
    assert given is not None
    wrong = before.expr if before is not None and before.wrong_line else None
    if before and wrong is not None and _fits(value, judge.model.values([wrong], given)[0], room):
        return before.wrong_line
    claimed = [before.claimed] if before is not None and before.claimed is not None else []
    lines = [line for _, line in judge.claimed.values()]
    every = [*((expr, max(lines, default=0)) for expr in claimed), *judge.expected(chain)]
    for expr, line in every:
        expected = judge.model.values([expr], given)[0]
        if line and _fits(value, expected, room + _carried_room(judge, expected)):
            return line
    return None


def _from_values(
    judge: Comparisons, value: Array, target: Expr, room: Array, before: Before | None
) -> int | None:
    """The line of a wrong value, printed above, that this number was worked out from."""
    given, graph = judge.model.given, judge.model.graph
    assert given is not None
    texts = judge.readings(before.text, judge.as_rounded) if before is not None and before.text else []
    for expr in (target, *(built.expr for built in texts)):
        needed = set(graph.needs(of=[expr.id])) if expr is not None else set()
        used = {at: slip for at, slip in judge.slipped.items() if at in needed and at != target.id}
        if expr is None or not used:
            continue
        printed = {**judge.printed, **{at: wrong for at, (wrong, _) in used.items()}}
        printed.pop(target.id, None)
        expected = judge.model.values([expr], given, printed)[0]
        if _fits(value, expected, room + 0.005 * np.abs(expected)):
            return max(line for _, line in used.values())
    return None


def _carried_room(judge: Comparisons, expected: Array) -> Array:
    """How far rounding of claimed numbers may have moved what was worked out from them: half a percent."""
    return np.asarray(0.005 * np.abs(expected)) if judge.claimed else np.zeros(expected.shape)


def _missing(model: Model, target: Expr) -> list[str]:
    needed = set(model.graph.needs(of=[target.id]))
    return [
        name
        for name in model.sheet.inputs
        if name not in model.sheet.values and model.exprs[name].id in needed
    ]


def _replaced(judge: Comparisons, target: Expr) -> list[str]:
    """The inputs behind a target whose values in the text do not hold, as others are given."""
    exprs, needed = judge.model.exprs, set(judge.model.graph.needs(of=[target.id]))
    return [name for name in judge.reader.replaced if name in exprs and exprs[name].id in needed]


# --- rounding -----------------------------------------------------------------------------------


def rounding(model: Model, built: Built, about: bool) -> Array:
    """How far a formula may be off because the numbers in it are rounded to their printed digits."""
    assert built.expression and built.expr is not None and model.given is not None
    expression = built.expression
    names = {**model.exprs, **model.names_in_letters()}
    here = model.values([built.expr], model.given)[0]
    room = np.zeros(here.shape)
    for node in postorder(expression.root):
        half = half_unit(expression, node, about)
        if half is None:
            continue
        moved = _moved(expression, node, half)
        other = model.of_tree(moved, names).expr
        if other is not None and other.shape == built.expr.shape:
            room = room + np.abs(model.values([other], model.given)[0] - here)
    return room


def _decimals(expression: Expression) -> bool:
    return any(half_unit(expression, node, False) is not None for node in postorder(expression.root))


def half_unit(expression: Expression, node: Node, about: bool) -> float | None:
    """Half a unit of the last printed digit; None for whole numbers, which are exact."""
    if not isinstance(node, Number | NumberList):
        return None
    halves = []
    for text in re.findall(
        r"\d*\.?\d+(?:[eE][-+−]?\d+)?|\d+\.", expression.text.content[node.start : node.end]
    ):
        match = _WRITTEN.fullmatch(text)
        if match and (match["decimals"] is not None or match["exponent"] or about):
            unit = float("1e" + (match["exponent"] or "0").replace("−", "-"))  # 0 or ∞ of a long exponent
            halves.append(0.5 * unit * 10.0 ** -len(match["decimals"] or ""))
    halves = [half for half in halves if half < np.inf]
    return max(halves) if halves else None


def _moved(expression: Expression, node: Node, by: float) -> Expression:
    """The formula with one of its numbers moved."""

    def changed(one: Node, args: list[Node]) -> Node:
        if one is node and isinstance(one, Number):
            return one._replace(value=one.value + by)
        if one is node and isinstance(one, NumberList):
            return one._replace(value=_plus(one.value, by))
        return with_args(one, args) if args else one

    return expression._replace(root=fold(expression.root, changed))


def _plus(nest: Any, by: float) -> Any:
    return [_plus(inner, by) for inner in nest] if isinstance(nest, list) else nest + by


def is_number(expression: Expression) -> bool:
    """Does a formula have no names but those of constants?"""
    return all(name in CONSTANTS for name in expression.names())
