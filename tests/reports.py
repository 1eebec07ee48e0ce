"""Reports made by hand for the tests of what is made of them: one of every kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from bpx.check.report.blame import Blame, Correction, Mistake, Proof
from bpx.check.report.entry import LocalRow, Reason, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.report import Report
from bpx.graph.formula import words
from bpx.words.diagnostic import Diagnostic, Source, Span
from bpx.words.say import visible

AGREE, DISAGREE, KINK, OUTSIDE, UNSURE = (
    Verdict.AGREE,
    Verdict.DISAGREE,
    Verdict.KINK,
    Verdict.OUTSIDE_DOMAIN,
    Verdict.CANNOT_TELL,
)


class Told(Reason):
    """A reason with a sentence of the test's own."""

    @property
    def text(self) -> str:
        return visible(self.code)


class Slip(Mistake):
    """A mistake with a sentence of the test's own."""

    @property
    def text(self) -> str:
        return self.code


def column(
    name: str,
    claimed: Any,
    reference: Any,
    error: Any = 1e-12,
    verdicts: Any = AGREE,
    **options: Any,
) -> GradientTable:
    """A column; an error bar or a verdict for all entries may be given once."""
    claimed = np.array(claimed, dtype=float)

    def spread(value: Any, kind: Any) -> Any:
        return np.array(np.broadcast_to(value, claimed.shape), dtype=kind)

    return GradientTable(
        name, claimed, spread(reference, float), spread(error, float), spread(verdicts, np.int8), **options
    )


NET = Source(
    "net.toml", '[ops.gated]\nargs = ["x"]\npartials = { x = "sigmoid(x)" }\n[claims]\nz = "y - a"\n'
)


def span(text: str) -> Span:
    start = NET.text.index(text)
    return Span(NET, start, start + len(text))


def all_agree() -> Report:
    return Report(
        "Logistic regression: loss of one sample",
        "L",
        (
            column("x", [-0.10408, 0.156119], [-0.10408, 0.156119 * (1 + 3e-12)]),
            column("w", [-0.19515, 0.06505], [-0.19515, 0.06505 * (1 + 1e-13)], 3e-13),
            column("b", -0.1301, -0.1301),
        ),
        local=(
            LocalRow("z", "matmul", "w", 1.5, 1.5, 1e-13, AGREE),
            LocalRow("a", "sigmoid", "x", 0.1, 0.1, 0, AGREE),
        ),
    )


def wrong_rule() -> Report:
    return Report(
        "Gated by hand",
        "L",
        (
            column(
                "w",
                [0.731058, 1.5, -0.25],
                [0.927670, 1.5, -0.31],
                [3e-12, 2e-12, 1e-11],
                [DISAGREE, AGREE, DISAGREE],
                reasons={0: Reason("differs", {"difference": "0.196612", "error": "3e-12"})},
            ),
            column("b", 0.731058, 0.92767, 1e-12, DISAGREE),
        ),
        local=(
            LocalRow("a", "gated", "x", 0.731058, 0.92767, 2e-12, DISAGREE),
            LocalRow("L", "sum", "x", 1, 1, 0, AGREE),
        ),
        blame=(
            Blame(
                "a",
                "gated",
                "x",
                span("sigmoid(x)"),
                (Slip("one term of the product rule is missing"), Slip("an inner derivative is forgotten")),
                Correction(words("sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))")),
                Proof(4, 4),
            ),
        ),
        innocent=("w", "b"),
    )


def kink() -> Report:
    return Report(
        None,
        "y",
        (
            column(
                "x",
                [0, 1, 2],
                [np.nan, 1, 1],
                [np.nan, 1e-12, 1e-12],
                [KINK, AGREE, DISAGREE],
                reasons={0: Told("`r` stands at a kink of relu: x = 0"), 2: Told("the claim lies outside")},
                between={0: (0.0, 1.0)},
            ),
        ),
        notes=(
            Diagnostic(
                "at-kink", None, {"node": "r", "op": "relu", "guard": "x", "local": "0"}, severity="note"
            ),
        ),
    )


def only_a_kink() -> Report:
    edge = {0: Told("`r` stands at a kink of relu: x = 0")}
    return Report(
        None,
        "y",
        (column("x", [0, 1], [np.nan, 1], [np.nan, 0], [KINK, AGREE], reasons=edge, between={0: (0, 1)}),),
    )


def outside_domain() -> Report:
    reasons = {0: Told("`log(x)` needs x > 0, and x = 1e-300")}
    return Report(
        None,
        "y",
        (column("x", [np.inf, 1], [np.nan, 1], [np.nan, 1e-12], [OUTSIDE, AGREE], reasons=reasons),),
    )


def cannot_tell() -> Report:
    reasons = {0: Told("rounding moves it by 0.003"), 1: Told("rounding moves it by 0.003")}
    return Report(
        None, "y", (column("x", [0.123456, 1e-17], [0.12, 0], [0.003, 1e-3], UNSURE, reasons=reasons),)
    )


def network(inputs: int = 784) -> Report:
    """784-32-10: 25,450 entries, eleven of W1 wrong."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(inputs, 32))
    verdicts = np.full(first.shape, AGREE, dtype=np.int8)
    verdicts[5, :11] = DISAGREE
    claimed = np.where(verdicts == DISAGREE, -first, first)
    rest = [rng.normal(size=shape) for shape in ((32,), (32, 10), (10,))]
    return Report(
        "A network",
        "loss",
        (
            column("W1", claimed, first, 1e-11, verdicts),
            *(
                column(name, one, one * (1 + 1e-12), 1e-11)
                for name, one in zip(("b1", "W2", "b2"), rest, strict=True)
            ),
        ),
        local=tuple(LocalRow(f"v{i}", "mul", "x", 1, 1, 0, AGREE) for i in range(12)),
    )


def second_order() -> Report:
    return Report(
        None,
        "f",
        (
            column("x", 2, 2, by="x", verdicts=AGREE),
            column("w", [1, 3], [1, -3], verdicts=[AGREE, DISAGREE], by="x"),
            column("w", [4, 5], [4, 5], by="∂f/∂w[1]"),
            column("x", 7, 7, by="∂f/∂w · r"),
        ),
        order=2,
    )


def many_points() -> Report:
    return Report(
        None,
        "y",
        (column("x", [0.5, -1.25], [0.5, -1.25000001], 1e-12, [AGREE, DISAGREE], points=np.array([0, 13])),),
        points=20,
        skipped=3,
    )


def two_culprits() -> Report:
    culprits = (
        Blame(
            "a",
            "gated",
            "x",
            span("sigmoid(x)"),
            (Slip("the sign is turned"),),
            Correction(words("sigmoid(x)")),
            Proof(3, 4),
        ),
        Blame("c", "gelu", None, None, (), None, Proof(3, 4)),
    )
    return Report(
        None,
        "L",
        (column("w", [1, 2, 3, 4], [1, -2, 3, 5], 1e-9, [AGREE, DISAGREE, AGREE, DISAGREE]),),
        blame=culprits,
    )


def wrong_claim() -> Report:
    culprit = Blame(
        "z",
        "add",
        None,
        span("y - a"),
        (Slip("the sign is turned"),),
        Correction(words("a - y")),
        Proof(5, 5),
        claim=True,
    )
    return Report(
        None,
        "L",
        (
            column("z", 0.1301, -0.1301, 1e-12, DISAGREE),
            column("w", [0.19515, -0.06505], [-0.19515, 0.06505], 1e-12, DISAGREE),
        ),
        blame=(culprit,),
        innocent=("w",),
    )


def harmless_culprit() -> Report:
    """A rule that is wrong, where the entries do not show it."""
    culprit = Blame("a", "gated", "x", span("sigmoid(x)"))
    return Report(None, "L", (column("w", 0, 0, 0),), blame=(culprit,))


def nothing() -> Report:
    return Report(None, "y", ())


def hostile_names() -> Report:
    """Names as a Python caller may give them."""
    reasons = {0: Told("a reason with \x1b[31m, <b> & \x00")}
    return Report(
        "A \x1b[1m<title> & \x07", "f", (column("a<b>&\x00|*", [1], [2], 1e-12, DISAGREE, reasons=reasons),)
    )


MAKERS: dict[str, Callable[[], Report]] = {
    maker.__name__: maker
    for maker in (
        all_agree,
        wrong_rule,
        kink,
        only_a_kink,
        outside_domain,
        cannot_tell,
        network,
        second_order,
        many_points,
        two_culprits,
        wrong_claim,
        harmless_culprit,
        nothing,
        hostile_names,
    )
}


@cache
def report(name: str) -> Report:
    """The report of that name."""
    return MAKERS[name]()
