"""The notes below a report: what was checked, where, and how well; and what is said of who is to blame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bpx.check.numeric.tolerances import SINGLE_ROUNDINGS
from bpx.check.report.blame import Blame, CodeLine, Twin
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.options import HintLevel
from bpx.check.report.results import CheckResults
from bpx.graph.arrays import Array
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS, array, is_written_short, number, shape_text
from bpx.render.blocks import Cell, Phrase, phrase
from bpx.words.say import say, visible

_FIRST_OF_MANY = 3  # numbers of an array that is too large for a line
_MOST_NAMES = 3  # of entries in a sentence
MOST_NAMED = 8  # nodes in a sentence
_EPSILON_OF_SINGLE = 2.0**-23
_COUNTS = {
    Verdict.DISAGREE: "count-disagree",
    Verdict.KINK: "count-kink",
    Verdict.OUTSIDE_DOMAIN: "count-outside-domain",
    Verdict.CANNOT_TELL: "count-cannot-tell",
}


def notes(report: CheckResults) -> Iterator[str]:
    """All that is said below the tables, a sentence a line."""
    yield from (note.to_line() for note in report.notes)
    yield from _upstream(report.upstream)
    if report.certified:
        key = "certified-all" if report.certified == report.total else "certified-some"
        yield say(f"check.{key}", count=report.certified, total=report.total)
    if report.local:
        yield say("check.local", total=len(report.local), found=_local_counts(report))
    yield from _points(report)
    for point, inputs in report.odd_places(report.shown()).items():
        if point and all(value.size <= LARGEST_SHOWN for value in inputs.values()):
            values = " ".join(f"{name}={array(value)}" for name, value in inputs.items())
            yield say("check.place", point=point, values=values)
    yield from _formulas(report)
    if not report.has_numbers and report.verdict != Verdict.AGREE.word:
        yield say("check.hint-level", level=report.level)
    elif _is_single_precision(report):
        yield say("check.single-precision")
    if report.rounded:
        yield say("check.rounded")
    elif report.worst and report.verdict == Verdict.AGREE.word and report.reason is None:
        short = any(note.code == "short-floats" for note in report.notes)
        key = "check.detect-of-largest" if short else "check.detect"
        yield say(key, detect=number(report.detect, SHOWN_DIGITS))


def _local_counts(report: CheckResults) -> str:
    """How many local derivatives agree, and how many do not: `12 of 13 agree, 1 at a kink`."""
    total, agree = len(report.local), report.sound
    if agree == total:
        return say("check.local-agree", total=total)
    others = counts_text(
        {verdict.word: sum(row.verdict is verdict for row in report.local) for verdict in Verdict}
    )
    return say("word.comma").join(
        [*([say("check.local-some-agree", count=agree, total=f"{total:,}")] if agree else []), others]
    )


def _upstream(upstream: Mapping[str, Array]) -> Iterator[str]:
    """With what backward was called: who has all digits of it can do every number over."""
    for name, value in upstream.items():
        if value.size <= LARGEST_SHOWN:
            yield say("check.upstream", values=f"{visible(name)}={array(value)}")
        else:
            first = ", ".join(number(one, SHOWN_DIGITS) for one in value.ravel()[:_FIRST_OF_MANY].tolist())
            facts = {"name": visible(name), "shape": shape_text(value.shape), "first": first}
            yield say("check.upstream-large", **facts)


def _points(report: CheckResults) -> Iterator[str]:
    """How many points were asked for, and what did not take part in them."""
    if report.points > 1:
        yield say("check.points", points=f"{report.points:,}")
        if any(row.elsewhere is None for row in report.claims):
            yield say("check.numbers-here")
        if report.unmoved:
            yield say("check.unmoved", count=len(report.unmoved), names=_quoted(report.unmoved))
    if report.skipped:
        yield say("check.skipped", count=report.skipped)


def _formulas(report: CheckResults) -> Iterator[str]:
    """What other points say of claimed formulas, where they do not refute them."""
    hold = [row for row in report.claims if row.elsewhere is Verdict.AGREE]
    if hold:
        yield say("check.formulas-hold", count=len(hold), agreed=min(row.agreed for row in hold))
        kept = list(dict.fromkeys(name for row in hold for name in row.kept))
        if kept:
            yield say("check.formulas-kept", count=len(kept), names=_quoted(kept))
    unclear = [row.name for row in report.claims if row.elsewhere is Verdict.CANNOT_TELL]
    if unclear:
        yield say("check.formulas-open", count=len(unclear), names=_quoted(unclear))


def _quoted(names: Sequence[str]) -> str:
    return shortened([f"`{visible(name)}`" for name in names], MOST_NAMED)


def counts_text(counts: Mapping[str, int]) -> str:
    """How many entries do not agree, verdict by verdict: `2 disagree, 1 at a kink`."""
    counts_by_key = {key: counts[verdict.word] for verdict, key in _COUNTS.items()}
    return say("word.comma").join(
        say(f"check.{key}", count=count) for key, count in counts_by_key.items() if count
    )


def shortened(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Names in a row, of many the first."""
    return say("word.list").join([*names[:most], *(["…"] if len(names) > most else [])])


def _is_single_precision(report: CheckResults) -> bool:
    """Is all that disagrees a claimed number that is off by about the rounding of float32?"""
    formulas = {row.name for row in report.claims if row.is_formula}
    columns = [column for column in report.columns if column.counts[Verdict.DISAGREE.word]]
    if not columns or any(column.input in formulas or not _is_claimed(report, column) for column in columns):
        return False
    wrong = [column.claimed[column.verdicts == Verdict.DISAGREE] for column in columns]
    near = all(_share_off(column) <= SINGLE_ROUNDINGS * _EPSILON_OF_SINGLE for column in columns)
    return near and not all(map(is_written_short, wrong))


def _is_claimed(report: CheckResults, column: GradientTable) -> bool:
    return column.input in {row.name for row in report.claims}


def _share_off(column: GradientTable) -> float:
    """How far the entries that disagree are off, in units of the largest; infinite where nothing is known."""
    gaps = np.abs(column.claimed - column.reference)[column.verdicts == Verdict.DISAGREE]
    known = column.reference[np.isfinite(column.reference)]
    largest = float(np.max(np.abs(known), initial=0.0))
    with np.errstate(over="ignore"):
        share = float(np.divide(np.max(gaps), largest)) if largest else np.inf
    return np.inf if np.isnan(share) else share


def about_line(code: CodeLine) -> Iterator[str]:
    """What the line should set, and what is wrong because of it."""
    key = "line-returns" if code.sets == "return" else "line-sets"
    key = key if code.gradient_of else f"{key}-part"
    node, line = code.shown or (code.gradient_of or "", None)
    key = f"{key}-at" if line is not None else key
    yield say(f"check.{key}", sets=visible(code.sets), node=visible(node), line=line)
    if code.time is not None:
        yield say("check.line-time", time=code.time)
    if code.right:
        yield say("check.line-right", right=visible(code.right))
    others = [f"`{visible(name)}`" for name in code.wrong if name != code.gradient_of]
    if others:
        key = "line-wrong" if code.only else "line-wrong-too"
        yield say(f"check.{key}", count=len(others), names=shortened(others, MOST_NAMED))


def segment_text(culprit: Blame) -> str:
    """Where the mistake is: in code the lines, which can be seen; else the nodes."""
    if culprit.segment_lines:
        by_file: dict[str, list[str]] = {}
        for name, line in culprit.segment_lines:
            by_file.setdefault(name, []).append(str(line))
        text = say("word.and").join(
            f"{shortened(numbers)} of {visible(name)}" for name, numbers in by_file.items()
        )
        return say("check.segment-lines", count=len(culprit.segment_lines), lines=text)
    names = shortened([f"`{visible(name)}`" for name in culprit.segment_written], MOST_NAMED)
    return say("check.segment", count=len(culprit.segment), names=names)


def about_others(key: str, names: Sequence[str]) -> Iterator[str]:
    """What there is to say of other claims, if there are any."""
    if names:
        quoted = shortened([f"`{visible(name)}`" for name in names], MOST_NAMED)
        yield say(f"check.{key}", count=len(names), names=quoted)


def about_step(culprit: Blame) -> Iterator[str]:
    """Of a hint: the step of the chain rule at which the slip is, and what kind of slip it is."""
    if culprit.level == HintLevel.NUMBERS:
        return
    if culprit.claim and culprit.arg and not culprit.code:
        yield say("check.hint-step", op=culprit.op, node=visible(culprit.node))
    if culprit.level > HintLevel.KIND and culprit.mistakes:
        kind = culprit.mistakes[0].hint(HintLevel.KIND)._replace(path=None)
        yield say("check.hint-kind", mistake=kind.text)


def about_twin(twin: Twin) -> Iterator[Cell]:
    """The same slip in other numbers, the right derivative beside the wrong one."""
    values = Phrase(tuple(piece for value in twin.values for piece in (", ", value))[1:])
    yield phrase("check.twin", setting=twin.setting, values=values, upstream=twin.upstream)
    yield phrase("check.twin-right", derivative=twin.derivative, right=twin.right)
    yield phrase("check.twin-wrong", derivative=twin.derivative, wrong=twin.wrong)
