"""A report as blocks: the answer, who is to blame, the entries, the rules checked alone, a line to sum up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bpx.check.ladders.blocks import why_blocks
from bpx.check.report.blame import Blame, Correction
from bpx.check.report.entry import Entry, LocalRow, Reason, Verdict, second_name
from bpx.check.report.figures import difference, digits, numbers
from bpx.check.report.notes import (
    about_line,
    about_others,
    about_step,
    about_twin,
    counts_text,
    notes,
    segment_text,
    shortened,
)
from bpx.check.report.options import HintLevel
from bpx.check.report.results import MOST_SHOWN, CheckResults, ClaimResult
from bpx.graph.formula import numbers as numbers_formula
from bpx.graph.numbers import SHOWN_DIGITS, index_text, number, shape_text
from bpx.render.blocks import Block, Cell, Heading, Headline, Lines, Phrase, Table, headline, phrase
from bpx.words.diagnostic import Span
from bpx.words.say import say, visible

_LONGEST_TEXT = 60  # characters of an option that is quoted
_MOST_IN_A_SENTENCE = 6  # values of inputs
_ANSWERS = {
    Verdict.AGREE: "agree",
    Verdict.DISAGREE: "disagree",
    Verdict.KINK: "kink",
    Verdict.OUTSIDE_DOMAIN: "outside-domain",
    Verdict.CANNOT_TELL: "cannot-tell",
}


def report_blocks(report: CheckResults) -> list[Block]:
    """The whole report, section by section."""
    shown = report.shown()
    blocks: list[Block] = [
        Headline(headline(report.title, answer(report))),
        *_only_here(report),
        *_blame(report),
    ]
    if report.of_code and shown:
        return [
            *blocks,
            *_by_input(report),
            *_rules(report),
            *_notes(report),
            *_why(report),
            Heading(summary(report)),
        ]
    if report.of_several_outputs:
        blocks += _inputs(report)
    claimed, own = [entry for entry in shown if not entry.own], [entry for entry in shown if entry.own]
    if not report.has_numbers:
        blocks += _entries(report, claimed) if claimed else []
    elif report.mixed and claimed and own:
        blocks += [*_entries(report, claimed), *_entries(report, own, "not-claimed")]
    elif shown:
        blocks += _entries(report, shown)
    if report.left_out and not report.of_several_outputs:
        blocks += _inputs(report)
    blocks += _rules(report)
    blocks += [*_notes(report), *_why(report)]
    return [*blocks, Heading(summary(report))] if shown else blocks


def _why(report: CheckResults) -> Iterator[Block]:
    if report.why:
        yield from why_blocks(report.why)


def _notes(report: CheckResults) -> Iterator[Block]:
    lines = tuple(notes(report))
    if lines:
        yield Heading(say("check.notes"))
        yield Lines(lines)


# --- sentences ----------------------------------------------------------------------------------


def summary(report: CheckResults) -> str:
    """The report in one line: how many entries agree, or which do not."""
    if report.worst is None:
        return say("check.nothing", output=report.output)
    if report.worst.verdict is Verdict.AGREE:
        if not report.has_numbers:
            return say("check.hint-agree", total=report.total)
        if report.worst.is_noise:
            return say("check.all-noise", total=report.total)
        difference, entry = number(report.worst.difference, 2), entry_text(report, report.worst)
        return say("check.all-agree", total=report.total, difference=difference, entry=entry)
    counts, entries = counts_text(report.counts), _odd_entries(report)
    return say("check.checked", count=report.total, found=counts, entries=entries)


def _odd_entries(report: CheckResults) -> str:
    """The worst of the entries that do not agree, by name."""
    names = [
        entry_text(report, entry) for entry in report.shown("worst") if entry.verdict is not Verdict.AGREE
    ]
    return shortened(names)


def entry_text(report: CheckResults, entry: Entry) -> str:
    """An entry as people write it: `w[0, 2]`, for second derivatives `∂²L/∂x∂w[0]`, of code `∂f[1]/∂w[0]`."""
    if report.of_code and entry.output is not None:
        return visible(f"∂{report.output}{index_text(entry.output)}/∂{entry.label}")
    return label(report.output, entry.label, entry.by)


def label(output: str, name: str, by: str | None) -> str:
    """An entry or a whole input by name, for second derivatives together with what it is derived by."""
    return visible(name if by is None else second_name(output, name, by))


def answer(report: CheckResults) -> str:
    """What was found, in a sentence."""
    if report.worst is None:
        return say("check.nothing", output=report.output)
    key, counts = _answer_key(report), report.counts
    if key.endswith("-claimed"):
        counts = report.claimed_counts
    output = report.output
    return say(
        f"check.{key}",
        output=output if report.order == 1 else say("check.second-order", output=output),
        names=say("word.list").join(f"`{visible(one.node)}`" for one in report.blame),
        blamed=len(report.blame),
        count=f"{report.digits_lost if key == 'digits-lost' else counts[report.worst.verdict.word]:,}",
        total=sum(counts.values()),
        all=f"{report.total:,}",
    )


def _answer_key(report: CheckResults) -> str:
    """Which sentence says what was found; at least one entry was checked."""
    assert report.worst
    verdict, key = report.worst.verdict, _ANSWERS[report.worst.verdict]
    if report.blame and verdict is not Verdict.DISAGREE:
        shapes = verdict is Verdict.AGREE
        if shapes and all(one.mistakes and one.mistakes[0].code == "wrong-shape" for one in report.blame):
            return "wrong-shapes"
        return "wrong-besides" if all(culprit.claim for culprit in report.blame) else "wrong-rule"
    if verdict is Verdict.DISAGREE and report.wrong_elsewhere:
        is_right_here = all(row.here is Verdict.AGREE for row in report.claims if row.only_here)
        return "wrong-elsewhere" if is_right_here else "wrong-elsewhere-only"
    if verdict is Verdict.AGREE and report.digits_lost:
        return "digits-lost"
    return f"{key}-claimed" if report.mixed and not report.worst.own else key


def _only_here(report: CheckResults) -> Iterator[Block]:
    """Where claims that the given values do not refute are wrong."""
    rows = [row for row in report.claims if row.only_here and row.name not in report.innocent]
    if rows:
        yield Lines(tuple(_right_only(report, row) for row in rows))


def _right_only(report: CheckResults, row: ClaimResult) -> str:
    column = next(column for column in report.columns if column.input == row.name)
    entry = column.worst(1)[0]
    claimed, reference = numbers(entry)
    key = "right-only" if row.here is Verdict.AGREE else "open-only"
    return say(
        f"check.{key}" if report.has_numbers else f"check.hint-{key}",
        claim=entry.label,
        given=_place_text(report, 0) or say("check.given-values"),
        place=_place_text(report, entry.point) or say("check.point-number", point=entry.point),
        claimed=str(claimed),
        reference=str(reference),
    )


def _place_text(report: CheckResults, point: int) -> str | None:
    """`x = 2, y = 1`; None where there are too many numbers for a sentence."""
    inputs = report.places.get(point, {})
    if not inputs or sum(value.size for value in inputs.values()) > _MOST_IN_A_SENTENCE:
        return None
    return ", ".join(
        f"{visible(name)} = {numbers_formula(value, SHOWN_DIGITS)}" for name, value in inputs.items()
    )


# --- blame --------------------------------------------------------------------------------------


def _blame(report: CheckResults) -> Iterator[Block]:
    for culprit in report.blame:
        ending = _ending(report) if culprit is report.blame[-1] else ()
        yield Heading(blame_title(culprit, report.of_code))
        yield Lines((*details(culprit), *ending))


def blame_text(report: CheckResults) -> str:
    """All there is to say of those to blame, a sentence a line."""
    sentences = [
        line
        for culprit in report.blame
        for line in (blame_title(culprit, report.of_code), *map(str, details(culprit)))
    ]
    return "\n".join([*sentences, *_ending(report)])


def blame_title(culprit: Blame, of_code: bool = False) -> str:
    """Which rule or claim is wrong by itself, and where it stands."""
    if culprit.code:
        return say("check.blame-line", place=_place_of(culprit.code.span), text=visible(culprit.code.text))
    if of_code and culprit.claim:
        return say("check.blame-gradient", node=visible(culprit.node))
    kind = "blame-claim" if culprit.claim else "blame-rule" if culprit.arg else "blame-op"
    place = say("word.in-brackets", text=_place_of(culprit.span)) if culprit.span else ""
    return say(f"check.{kind}", node=culprit.subject, op=culprit.op, arg=culprit.arg) + place


def _place_of(span: Span) -> str:
    """`net.toml:3`; of a source of a single line, as an option is, its text: `--claim 2: "w = 3"`."""
    name = visible(span.source.name)
    if "\n" in span.source.text.strip():
        return f"{name}:{span.source.position(span.start)[0]}"
    text = " ".join(span.source.text.split())
    return f'{name}: "{visible(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…")}"'


def details(culprit: Blame) -> Iterator[Cell]:
    """The kind of mistake, what else it may be, and the formula that would be right."""
    if culprit.code:
        yield from about_line(culprit.code)
        if not culprit.mistakes:
            return
    first, *alternatives = [mistake.text for mistake in culprit.mistakes] or [say("mistake.unknown")]
    yield from about_others("given", culprit.given)
    if culprit.level > HintLevel.PLACE:
        yield from about_step(culprit)
        yield say("check.hint-kind" if culprit.level == HintLevel.KIND else "check.mistake", mistake=first)
    for alternative in alternatives:
        yield say("check.other-mistake", mistake=alternative)
    yield from about_others("also", culprit.also)
    yield from about_others("cancelled", culprit.cancelled)
    if culprit.claim and len(culprit.segment) > 1 and culprit.arg is None:
        yield segment_text(culprit)
    if culprit.twin:
        yield from about_twin(culprit.twin)
    if culprit.correction:
        yield phrase("check.correct", formula=_correction(culprit.correction))
    yield from about_others("innocent", culprit.heirs)


def _correction(correction: Correction) -> Cell:
    if not correction.where:
        return correction.formula
    first, *others = correction.where
    where = Phrase((first, *(piece for equation in others for piece in (", ", equation))))
    return phrase("check.where", formula=correction.formula, where=where)


def _ending(report: CheckResults) -> Iterator[str]:
    yield from _proof(report)
    heirs = {name for culprit in report.blame for name in culprit.heirs}
    key = "innocent" if len(report.blame) == 1 else "innocent-of-several"
    yield from about_others(key, [name for name in report.innocent if name not in heirs])
    yield from about_others("no-cause", report.unexplained)


def _proof(report: CheckResults) -> Iterator[str]:
    """One sentence: all culprits were corrected together."""
    proof = next((culprit.proof for culprit in report.blame if culprit.proof), None)
    if proof:
        named = dict.fromkeys(map(_culprit_text, report.blame))
        key = "proof" if proof.holds else "no-proof"
        culprits = say("word.and").join(named)
        yield say(f"check.{key}", culprits=culprits, agree=f"{proof.agree:,}", of=proof.of)


def _culprit_text(culprit: Blame) -> str:
    return (
        say("check.the-claim", node=culprit.subject)
        if culprit.claim
        else say("check.the-rule", op=culprit.op)
    )


# --- tables -------------------------------------------------------------------------------------


def _entries(report: CheckResults, shown: Sequence[Entry], title: str | None = None) -> Iterator[Block]:
    pointed = any(entry.point for entry in shown)
    several = report.of_several_outputs and not report.of_code
    keys = [
        *(["output"] if several else []),
        "entry",
        *(["point"] if pointed else []),
        "own" if title == "not-claimed" else "claimed",
        *(["reference", "difference", "digits"] if report.has_numbers else []),
        "verdict",
    ]
    rows: list[list[Cell]] = [
        [
            *([_output_text(report, entry)] if several else []),
            entry_text(report, entry),
            *([str(entry.point)] if pointed else []),
            *(numbers(entry) if report.has_numbers else numbers(entry)[:1]),
            *([difference(entry), digits(entry)] if report.has_numbers else []),
            entry.verdict.text,
        ]
        for entry in shown
    ]
    yield Heading(say(f"check.{title or ('worst-entries' if report.left_out else 'entries')}"))
    yield _table(keys, rows, shown)
    yield from _reasons((entry_text(report, entry), entry.reason) for entry in shown)


def _output_text(report: CheckResults, entry: Entry) -> str:
    """The element of the output that an entry is the derivative of; nothing where it is of a mixture."""
    return "" if entry.output is None else visible(report.output + index_text(entry.output))


def _inputs(report: CheckResults) -> Iterator[Block]:
    """How many entries of each input have which verdict; verdicts that no entry has are left out."""
    verdicts = [verdict for verdict in Verdict if report.counts[verdict.word]]
    headers = (say("check.input"), say("check.shape"), *(verdict.text for verdict in verdicts))
    rows = tuple(
        (
            label(report.output, column.input, column.by),
            shape_text(column.claimed.shape),
            *(f"{column.counts[verdict.word]:,}" for verdict in verdicts),
        )
        for column in report.columns
    )
    yield Heading(say("check.inputs"))
    yield Table(headers, rows, right=frozenset(range(2, len(headers))))


def _by_input(report: CheckResults) -> Iterator[Block]:
    """A table of the inputs with their worst entries; then the entries that are wrong, of many the worst."""
    verdicts = [verdict for verdict in Verdict if report.counts[verdict.word]]
    words = (*(verdict.text for verdict in verdicts), say("check.worst"))
    words += (say("check.difference"),) if report.has_numbers else ()
    rows = []
    for column in report.columns:
        worst = column.worst(1)[0]
        counts = [f"{column.counts[verdict.word]:,}" for verdict in verdicts]
        name = label(report.output, column.input, column.by)
        shape = shape_text(column.claimed.shape)
        off = (difference(worst),) if report.has_numbers else ()
        rows.append((name, shape, *counts, entry_text(report, worst), *off))
    yield Heading(say("check.inputs"))
    right = frozenset(range(2, 2 + len(verdicts)))
    yield Table((say("check.input"), say("check.shape"), *words), tuple(rows), right=right)
    odd = [entry for entry in report.shown() if entry.verdict is not Verdict.AGREE]
    shown = report.shown() if report.all else odd[:MOST_SHOWN]
    if shown:
        yield from _entries(report, shown, None if len(shown) >= len(odd) else "worst-odd")


def _rules(report: CheckResults) -> Iterator[Block]:
    """Those that do not agree when checked alone, or all of them."""
    shown = [row for row in report.local if report.all or row.verdict is not Verdict.AGREE]
    if shown:
        most = 2 if report.has_numbers else 1  # without the reference
        keys = ["node", "op", "by", *["claimed", "reference"][:most], "verdict"]
        rows: list[list[Cell]] = [
            [visible(row.node), row.op, row.arg, *numbers(row)[:most], row.verdict.text] for row in shown
        ]
        yield Heading(say("check.rules"))
        yield _table(keys, rows, shown)
        yield from _reasons((f"{row.node}, {row.arg}", row.reason) for row in shown)


def _table(keys: Sequence[str], rows: Sequence[Sequence[Cell]], shown: Sequence[Entry | LocalRow]) -> Table:
    strong = frozenset(index for index, row in enumerate(shown) if row.verdict is Verdict.DISAGREE)
    return Table(tuple(say(f"check.{key}") for key in keys), tuple(map(tuple, rows)), strong=strong)


def _reasons(named: Iterable[tuple[str, Reason | None]]) -> Iterator[Block]:
    """Each reason once, behind the names of those it holds for; a mere difference stands in the table."""
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in named:
        if reason and reason.code != "differs":
            names_by_reason.setdefault(reason.text, []).append(visible(name))
    if names_by_reason:
        yield Lines(
            tuple(f"{shortened(names)}{say('word.colon')}{text}" for text, names in names_by_reason.items())
        )
