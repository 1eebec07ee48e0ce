"""The ladder of one entry as blocks: what is compared, every step, one of them by hand, and a curve."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bpx.check.ladders.why import Note, Rung, Why
from bpx.graph.numbers import number
from bpx.render.blocks import Block, Cell, Curve, Heading, Lines, Table
from bpx.words.say import say, visible

_DIGITS = 12  # of quotients: what the plateau has, and what rounding does to it, are both to be seen
_FEWEST_POINTS = 2  # of a curve


def why_blocks(why: Why) -> Iterator[Block]:
    """All there is to say of one entry."""
    asked = why.asked
    facts = {"entry": visible(asked.label), "output": visible(asked.function), "moved": visible(asked.moved)}
    yield Heading(say("why.title", **facts))
    yield Lines(tuple(_sentences(why, facts)))
    yield _compared(why)
    if why.rungs:
        yield Heading(say("why.steps", **facts))
        yield _steps(why)
        yield Lines(tuple(_below(why, facts)))
        yield from _curve(why)


def _sentences(why: Why, facts: dict[str, str]) -> Iterator[str]:
    """The verdict, where the reference comes from, and what the ladder shows."""
    asked = why.asked
    yield say("why.verdict", verdict=say(f"verdict.{asked.verdict.replace(' ', '-')}"), **facts)
    if asked.reason:
        yield say("word.colon").join((facts["entry"], asked.reason))
    if asked.enclosure:
        low, high = (number(end) for end in asked.enclosure)
        yield say("why.source-proof", low=low, high=high)
    elif asked.between is None and math.isfinite(asked.reference):
        yield say(f"why.source-{asked.source.value}", **facts)
    if asked.element:
        yield say("why.mixture", element=asked.element, **facts)
    if asked.point:
        yield say("why.point", point=asked.point)
    if why.has_slope and not why.two_sided:
        yield from _slope(why)
    elif asked.between or math.isfinite(why.ladder.left + why.ladder.right):
        slopes = sorted(asked.between or (why.ladder.left, why.ladder.right))
        low, high = (number(slope, _DIGITS) for slope in slopes)
        yield say("why.sides", low=low, high=high, **facts)
    else:
        yield say(f"why.{why.status}", **facts)


def _slope(why: Why) -> Iterator[str]:
    """The plateau, and whether the reference lies on it."""
    if why.is_too_fine:
        yield say("why.too-fine", error=number(why.ladder.error, 2))
    elif why.plateau:
        first, last = (why.rungs[i] for i in why.plateau)
        count = why.plateau[1] - why.plateau[0] + 1
        yield say("why.plateau", first=_step(first.step), last=_step(last.step), count=count)
    else:
        yield say("why.no-plateau")
    if why.differs:
        yield say("why.differs")


def _compared(why: Why) -> Table:
    """The claim, the reference and what the ladder gives, with their error bars."""
    asked, ladder = why.asked, why.ladder
    rows: list[tuple[Cell, ...]] = [
        (say("why.claim"), number(asked.claimed), "", _off(asked.claimed, asked.reference))
    ]
    if math.isfinite(asked.reference):
        rows.append((say("why.reference"), number(asked.reference), _bar(asked.error), ""))
    if why.has_slope and not why.two_sided:
        off = _off(ladder.value, asked.reference)
        rows.append((say("why.ladder"), number(ladder.value, _DIGITS), _bar(ladder.error), off))
    headers = tuple(say(f"why.{key}") if key else "" for key in ("", "number", "bar", "off"))
    return Table(headers, tuple(rows), frozenset({1, 2, 3}))


def _steps(why: Why) -> Table:
    """A row for each step."""
    quotients = ("right", "left") if why.two_sided else ("quotient", "error", "gap")
    keys = ("step", *quotients, "note")
    rows = tuple(tuple(_cells(why, rung)) for rung in why.rungs)
    return Table(tuple(say(f"why.{key}") for key in keys), rows, frozenset(range(len(keys) - 1)))


def _cells(why: Why, rung: Rung) -> Iterator[str]:
    note = "" if rung.note is Note.NONE else say(f"why.note-{rung.note.value}")
    yield _step(rung.step)
    if why.two_sided:
        yield from (_finite(slope, _DIGITS) for slope in (rung.right, rung.left))
        yield note if rung.note is Note.UNDEFINED else ""
        return
    yield _finite(rung.central, _DIGITS)
    yield _bar(rung.error) if math.isfinite(rung.central) else ""
    yield _off(rung.central, why.asked.reference)
    yield say("why.used", note=note) if rung.used else note


def _below(why: Why, facts: dict[str, str]) -> Iterator[str]:
    """What the columns mean, and one line by hand."""
    yield say("why.columns-two-sided" if why.two_sided else "why.columns", **facts)
    best = why.by_hand
    if best:
        ladder = why.ladder
        numbers = {"above": best.above, "below": best.below, "middle": ladder.middle, "step": best.step}
        numbers |= {"x": ladder.x, "up": ladder.x + best.step, "down": ladder.x - best.step}
        numbers |= {"right": best.right, "left": best.left, "quotient": best.central}
        texts = {name: number(value) for name, value in numbers.items()}
        yield say("why.by-hand-two-sided" if why.two_sided else "why.by-hand", **texts, **facts)


def _curve(why: Why) -> Iterator[Block]:
    """How far the quotients are from the reference, to a logarithmic scale, with the claim across it."""
    points = why.distances()
    if why.two_sided or len(points) < _FEWEST_POINTS:
        return
    off = abs(why.asked.claimed - why.asked.reference)
    least = min(distance for _, distance in points)
    level = (max(off, least), say("why.claim")) if math.isfinite(off) else None
    ends = (_step(points[0][0]), _step(points[-1][0]))
    yield Heading(say("why.curve"))
    yield Curve(tuple(distance for _, distance in points), 0, ends, level)


def _step(step: float) -> str:
    """A step in so many digits that it can be found again."""
    return number(step, 6)


def _bar(error: float) -> str:
    return number(error, 2) if math.isfinite(error) else ""


def _off(value: float, reference: float) -> str:
    return number(abs(value - reference), 2) if math.isfinite(value - reference) else ""


def _finite(value: float, digits: int) -> str:
    return number(value, digits) if math.isfinite(value) else ""
