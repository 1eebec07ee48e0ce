"""How a report looks: the answer first, the culprit next, every number from the JSON, one line to sum up."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from reports import AGREE, DISAGREE, MAKERS, column, network, report
from rich.cells import cell_len
from rich.console import Console
from rows_of_a_table import every

from bpx.check.report.blocks import summary
from bpx.check.report.entry import LocalRow, Verdict
from bpx.check.report.figures import numbers
from bpx.check.report.gradient_table import merged
from bpx.check.report.report import Report
from bpx.render.blocks import Heading, Headline, Lines, Table
from bpx.render.json import json_text
from bpx.render.markdown import markdown
from bpx.render.plain import plain
from bpx.render.table import renderables
from bpx.words.say import in_encoding

every_report = pytest.mark.parametrize("name", MAKERS)


def table_text(one: Report, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for renderable in renderables(one.blocks()):
        console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def plain_text(name: str, sort: str = "worst") -> str:
    return plain(dataclasses.replace(report(name), sort=sort).blocks())


def tables(one: Report, sort: str = "worst") -> list[Table]:
    return [block for block in dataclasses.replace(one, sort=sort).blocks() if isinstance(block, Table)]


def cells(one: Report, header: str, sort: str = "worst") -> list[str]:
    table = tables(one, sort)[0]
    return [row[table.headers.index(header)] for row in table.text_rows]


# --- the order of things ------------------------------------------------------------------------


@every_report
def test_the_answer_comes_first_and_the_sum_last(name: str) -> None:
    blocks = report(name).blocks()
    assert isinstance(blocks[0], Headline)
    if name != "nothing":
        assert blocks[-1] == Heading(summary(report(name)))


ANSWERS = {
    "all_agree": (
        "Logistic regression: loss of one sample — "
        "The gradient of L agrees with the reference in all 5 entries."
    ),
    "wrong_rule": "Gated by hand — The gradient of L is wrong in 3 of 4 entries.",
    "kink": "The gradient of y is wrong in 1 of 3 entries.",
    "only_a_kink": "The gradient of y is at a kink in 1 of 2 entries; no entry disagrees.",
    "outside_domain": (
        "The gradient of y does not exist or is not finite in 1 of 2 entries; no entry disagrees."
    ),
    "cannot_tell": (
        "The check cannot tell whether the gradient of y is right in 2 of 2 entries; no entry disagrees."
    ),
    "network": "A network — The gradient of loss is wrong in 11 of 25,450 entries.",
    "second_order": "The gradient of f (up to second order) is wrong in 1 of 6 entries.",
    "harmless_culprit": "The gradient of L agrees at these values, but a rule it was computed with is wrong.",
    "nothing": "Nothing to check: no gradient of y is claimed or requested.",
}


@every("name", ANSWERS)
def test_the_answer_in_a_sentence(name: str) -> None:
    assert plain_text(name).splitlines()[0] == ANSWERS[name]


SUMS = {
    "all_agree": "5 entries agree, each within its error bar",
    "harmless_culprit": "1 entry agrees within its error bar",
    "wrong_rule": "4 entries checked, 3 disagree: w[0], b, w[2]",
    "kink": "3 entries checked, 1 disagrees, 1 at a kink: x[2], x[0]",
    "only_a_kink": "2 entries checked, 1 at a kink: x[0]",
    "outside_domain": "2 entries checked, 1 outside the domain: x[0]",
    "cannot_tell": "2 entries checked, 2 undecided: x[0], x[1]",
    "network": "25,450 entries checked, 11 disagree: W1[5, 4], W1[5, 8], W1[5, 7], …",
    "second_order": "6 entries checked, 1 disagrees: ∂²f/∂x∂w[1]",
    "hostile_names": "1 entry checked, 1 disagrees: a<b>&�|*[0]",
}


@every("name", SUMS)
def test_the_sum_in_a_line(name: str) -> None:
    assert plain_text(name).splitlines()[-1] == SUMS[name]


@pytest.mark.parametrize("name", ["wrong_rule", "two_culprits", "wrong_claim", "harmless_culprit"])
def test_the_culprit_stands_in_the_first_three_lines(name: str) -> None:
    first = report(name).blame[0]
    text = "\n".join(plain_text(name).splitlines()[:3])
    assert f"`{first.node}`" in text
    assert f"net.toml:{first.line}" in text


def test_blame_in_full() -> None:
    text = plain_text("wrong_rule")
    assert text.split("\n\n")[1].splitlines() == [
        "Cause: the derivative of `gated` with respect to `x`, at node `a` (net.toml:3)",
        "  Mistake: one term of the product rule is missing",
        "  or: an inner derivative is forgotten",
        "  Correct: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))",
        "  Proof: with the rule of `gated` corrected, all 4 entries agree.",
        "  `w`, `b` are wrong only because they are computed from this.",
    ]


def test_two_culprits_and_a_proof_that_fails() -> None:
    text = plain_text("two_culprits")
    assert text.index("`gated` with respect to `x`") < text.index("Cause: the rule of `gelu`, at node `c`\n")
    assert "Mistake: no known pattern" in text
    proof = "With the rule of `gated` and the rule of `gelu` corrected, only 3 of 4 entries agree: "
    assert text.count(proof) == 1


def test_a_claim_to_blame() -> None:
    text = plain_text("wrong_claim")
    assert "Cause: the claim for `z` (net.toml:5)\n" in text
    assert "with the claim for `z` corrected" in text
    assert "`w` is wrong only because it is computed from this." in text


@pytest.mark.parametrize("count", [8, 9])
def test_of_many_innocents_some_are_named(count: int) -> None:
    one = dataclasses.replace(report("wrong_rule"), innocent=tuple(f"n{i}" for i in range(count)))
    text = plain(one.blocks())
    assert "`n7`" in text
    assert "`n8`" not in text
    assert ("`n7`, … are wrong only" in text) == (count > 8)


# --- entries ------------------------------------------------------------------------------------


def test_the_worst_entry_comes_first_or_the_inputs_keep_their_order() -> None:
    one = report("wrong_rule")
    assert cells(one, "entry") == ["w[0]", "b", "w[2]", "w[1]"]
    assert cells(one, "entry", sort="input") == ["w[0]", "w[1]", "w[2]", "b"]


def test_what_disagrees_is_strong() -> None:
    entries, rules = tables(report("wrong_rule"))
    assert entries.strong == {0, 1, 2}
    assert rules.strong == {0}


def entry(claimed: float, reference: float, error: float, verdict: Verdict = DISAGREE) -> Any:
    return column("x", claimed, reference, error, verdict).entry(0)


@every(
    "claimed, reference, error, verdict, texts",
    [
        (0.1, 0.1, 3e-12, AGREE, ("0.1", "0.1 ± 3e-12")),
        (2.0, 2.0, 0, AGREE, ("2", "2")),
        (1 / 3, 1 / 3 + 1e-9, 1e-8, AGREE, ("0.333333", "0.333333 ± 1e-8")),
        (2.0, 2.512345, 0.03, Verdict.CANNOT_TELL, ("2", "2.51 ± 0.03")),
        (2.0, 2.512345, 40, Verdict.CANNOT_TELL, ("2", "0 ± 40")),  # below its bar it is noise
        (1.0, 1.00001, 1e-9, DISAGREE, ("1", "1.00001 ± 1e-9")),
        (1.23456781, 1.23456791, 1e-12, DISAGREE, ("1.2345678", "1.2345679 ± 1e-12")),
        (1.0, 1.0 + 2**-52, 0, DISAGREE, ("1", "1.0000000000000002")),
        (1e300, -1e-300, 0, DISAGREE, ("1e300", "-1e-300")),
        (np.inf, np.nan, np.nan, Verdict.OUTSIDE_DOMAIN, ("inf", "—")),
        (np.nan, 1, 0, DISAGREE, ("nan", "1")),
        (1, 2, np.inf, Verdict.CANNOT_TELL, ("1", "2 ± inf")),
    ],
)
def test_digits_enough(
    claimed: float, reference: float, error: float, verdict: Verdict, texts: tuple[str, str]
) -> None:
    assert tuple(map(str, numbers(entry(claimed, reference, error, verdict)))) == texts


def test_at_a_kink_the_slopes_stand_for_the_reference() -> None:
    assert cells(report("kink"), "reference") == ["1 ± 1e-12", "0 … 1", "1 ± 1e-12"]
    assert cells(report("kink"), "difference") == ["1", "", "< 1e-12"]


@every(
    "claimed, reference, error, text",
    [
        (1.0, 1.0, 0, "all"),
        (0.0, 0.0, 0, "all"),
        (1.0, 1.0 + 9e-10, 1e-12, "9"),
        (1.0, -1.0, 1e-12, "0"),
        (1e-17, 0.0, 1e-12, ""),
        (2.0, 0.5, 3.0, ""),
    ],
)
def test_digits_agreed(claimed: float, reference: float, error: float, text: str) -> None:
    one = Report(None, "y", (column("x", claimed, reference, error),))
    assert cells(one, "digits") == [text]


def test_what_cannot_be_told_from_zero_is_not_the_worst() -> None:
    one = Report(None, "y", (column("x", [1e-17, 1.0], [0.0, 1.0 + 1e-11], 1e-12),))
    assert summary(one) == "2 entries agree; largest difference 1e-11 at x[1]"
    assert [row["digits"] for row in one.to_dict()["entries"]] == [pytest.approx(11), "inf"]


def test_only_what_is_equal_agrees_to_the_last_digit() -> None:
    one = Report(None, "y", (column("x", [0.0, 1e-17], [0.0, 0.0], 1e-10),))
    assert "last digit" not in summary(one)


def test_reasons_stand_below_each_once() -> None:
    lines = [block for block in report("cannot_tell").blocks() if isinstance(block, Lines)]
    assert lines[0].texts == ("x[0], x[1]: rounding moves it by 0.003",)


def test_that_two_numbers_differ_stands_in_the_table_alone() -> None:
    assert "the difference is" not in plain_text("wrong_rule")
    assert "the difference is" in json_text(report("wrong_rule").to_dict())


def test_second_derivatives_have_their_names() -> None:
    assert set(cells(report("second_order"), "entry")) == {
        "∂²f/∂x²",
        "∂²f/∂x∂w[0]",
        "∂²f/∂x∂w[1]",
        "∂²f/∂w[1]∂w[0]",
        "∂²f/∂w[1]²",
        "∂²f/∂(w · r)∂x",
    }


def test_at_many_points_the_point_is_named() -> None:
    assert cells(report("many_points"), "point") == ["13", "0"]
    assert "point" not in tables(report("all_agree"))[0].headers
    text = plain_text("many_points")
    assert "Checked at 20 points" in text
    assert "3 random points were outside the domain and were skipped." in text


def test_of_a_large_tensor_the_worst_are_shown_and_all_are_counted() -> None:
    entries, inputs = tables(report("network"))
    shown = [row[0].partition("[")[0] for row in entries.text_rows]
    assert {name: shown.count(name) for name in set(shown)} == dict.fromkeys(["W1", "b1", "W2", "b2"], 10)
    assert inputs.headers == ("input", "shape", "disagree", "agree")
    assert inputs.text_rows[0] == ("W1", "784×32", "11", "25,077")


def test_all_entries_where_all_are_asked_for() -> None:
    one = network(inputs=75)
    entries, rules = tables(dataclasses.replace(one, all=True))
    assert (len(entries.text_rows), len(rules.text_rows)) == (2_762, 12)
    assert len(one.shown()) < 2_762


# --- rules and notes ----------------------------------------------------------------------------


def test_rules_that_agree_are_counted_the_others_shown() -> None:
    _, rules = tables(report("wrong_rule"))
    assert rules.text_rows == (("a", "gated", "x", "0.731058", "0.92767 ± 2e-12", "disagree"),)
    assert "Local derivatives checked one by one: 1 of 2 agrees, 1 disagrees." in plain_text("wrong_rule")
    assert len(tables(report("all_agree"))) == 1


@pytest.mark.parametrize(
    ("verdicts", "counted"),
    [
        ([Verdict.AGREE] * 13, "13 of 13 agree"),
        ([Verdict.AGREE, Verdict.KINK], "1 of 2 agrees, 1 at a kink"),
        ([Verdict.AGREE, Verdict.KINK, Verdict.AGREE], "2 of 3 agree, 1 at a kink"),
        ([Verdict.AGREE, Verdict.CANNOT_TELL, Verdict.DISAGREE], "1 of 3 agrees, 1 disagrees, 1 undecided"),
    ],
)
def test_local_derivatives_are_counted_by_verdict(verdicts: list[Verdict], counted: str) -> None:
    local = tuple(LocalRow("a", "log", "x", 1.0, 1.0, 0.0, verdict) for verdict in verdicts)
    text = plain(dataclasses.replace(report("all_agree"), local=local).blocks())
    assert f"Local derivatives checked one by one: {counted}." in text


def test_a_local_derivative_alone_is_not_counted() -> None:
    local = (LocalRow("a", "log", "x", 1.0, 1.0, 0.0, Verdict.AGREE),)
    text = plain(dataclasses.replace(report("all_agree"), local=local).blocks())
    assert "The one local derivative, checked by itself: it agrees." in text


@pytest.mark.parametrize(
    ("name", "said"), [("all_agree", True), ("kink", False), ("harmless_culprit", False)]
)
def test_what_would_have_been_seen_is_said_where_all_is_well(name: str, said: bool) -> None:
    assert ("Relative errors of 1e-5 or larger would have been detected." in plain_text(name)) == said


# --- the report itself --------------------------------------------------------------------------


def test_a_culprit_is_a_disagreement_even_where_the_entries_agree() -> None:
    one = report("harmless_culprit")
    assert (one.verdict, one.counts["agree"]) == ("disagree", 1)


def test_of_several_points_the_worst_of_each_entry_is_kept() -> None:
    first = column("x", [1.0, 2.0], [1.0, 2.0])
    second = column("x", [1.0, 2.0], [1.0, 3.0], 1e-12, [AGREE, DISAGREE])
    both = merged([first, second])
    assert [one.verdict for one in both.entries()] == [AGREE, DISAGREE]
    assert [one.point for one in both.entries()] == [0, 1]
    scalar = merged([column("b", 1.0, 1.0), column("b", 1.0, 1.5)])
    assert (scalar.entry(0).reference, scalar.entry(0).point) == (1.5, 1)


# --- every number stands in the JSON ------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.∂²])-?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?:e-?\d+)?|inf|nan)(?![\w.]*\w)")


def numbers_in(text: str) -> Iterator[str]:
    return (match.group().replace(",", "") for match in NUMBER.finditer(text))


def numbers_of(plain: Any) -> Iterator[float]:
    if isinstance(plain, dict):
        for value in plain.values():
            yield from numbers_of(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from numbers_of(value)
    elif isinstance(plain, str):
        yield from map(float, numbers_in(plain))
    elif isinstance(plain, int | float) and not isinstance(plain, bool):
        yield from (float(plain), float(int(plain)) if abs(plain) < 1e15 else plain)


@every_report
@pytest.mark.parametrize("form", [table_text, lambda one: plain(one.blocks())], ids=["table", "plain"])
def test_every_number_shown_stands_in_the_json(name: str, form: Any) -> None:
    one = report(name)
    known = set(numbers_of(one.to_dict()))
    rounded = {float(f"{number:.{digits}g}") for number in known for digits in range(1, 18)}
    text = form(one) if form is not table_text else table_text(one, 4000)
    assert [token for token in numbers_in(text) if float(token) not in rounded | {float("nan")}] == []


@every_report
def test_the_json_is_json(name: str) -> None:
    assert json_text(report(name).to_dict()).startswith('{\n  "bpx": 1,\n  "kind": "gradcheck",')


# --- terminals ----------------------------------------------------------------------------------


@every_report
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    assert max(map(cell_len, table_text(report(name), width).splitlines())) <= width


@every_report
def test_in_80_columns_no_number_is_broken(name: str) -> None:
    """Not even where a column holds the longest words there are, but for points and long domains."""
    text = table_text(report(name))
    wanted = set(numbers_in(table_text(report(name), 4000)))
    assert wanted <= set(numbers_in(text)) | {"nan"}


@every_report
def test_in_ascii_nothing_of_ours_is_lost(name: str) -> None:
    text = plain(report(name).blocks())
    assert in_encoding(text, "ascii").count("?") == (text.count("�"))


def test_markdown_escapes_names() -> None:
    text = markdown(report("hostile_names").blocks())
    assert r"a\<b\>\&�\|\*\[0\]" in text
    assert "\x1b" not in text


@every_report
def test_no_control_character_reaches_a_terminal(name: str) -> None:
    assert plain_text(name).replace("\n", "").isprintable()


def test_a_rule_whose_number_is_not_known() -> None:
    rule = LocalRow("a", "log", "x", np.inf, np.nan, np.nan, Verdict.OUTSIDE_DOMAIN)
    _, rules = tables(dataclasses.replace(report("all_agree"), local=(rule,)))
    assert rules.text_rows == (("a", "log", "x", "inf", "—", "outside domain"),)
