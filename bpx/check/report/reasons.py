"""Codes of reasons → reasons with the facts of their sentences, and the table of a gradient with both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.check.numeric.decimal_digits import above
from bpx.check.report.entry import Reason
from bpx.check.report.evidence import Evidence, is_nowhere
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.verdict import Judgement, verdict
from bpx.graph.arrays import Array, of_shape
from bpx.graph.numbers import SHOWN_DIGITS, number

_AT_KINK = ("at-kink", "beyond-kink", "beyond-kinks", "unclear-kink", "conventions-at-kink", "limiting")


def table(
    name: str,
    claimed: Array,
    evidence: Evidence,
    detect: float,
    by: str | None = None,
    judgement: Judgement | None = None,
) -> GradientTable:
    """The verdicts on all entries of a gradient with their reasons, as a report has them."""
    claimed = of_shape(np.asarray(claimed, dtype=float), evidence.shape)
    judgement = judgement or verdict(claimed, evidence, detect)
    codes = _codes(judgement)
    reasons = {flat: reason(claimed, evidence, flat, code, detect) for flat, code in codes.items()}
    between = {
        flat: _slopes(_Entry(claimed, evidence, flat)) for flat, code in codes.items() if code in _AT_KINK
    }
    certified = np.flatnonzero(judgement.certified)
    ends = (
        of_shape(end, evidence.shape).reshape(-1)[certified] for end in (evidence.lowest, evidence.highest)
    )
    enclosures = dict(zip(certified.tolist(), zip(*(end.tolist() for end in ends), strict=True), strict=True))
    value, error = evidence.value, evidence.shown_bars
    exact = () if is_nowhere(evidence.exact) else np.flatnonzero(of_shape(evidence.exact, evidence.shape))
    return GradientTable(
        name,
        claimed,
        value,
        error,
        judgement.verdicts,
        reasons,
        between,
        by,
        enclosures,
        exact=dict.fromkeys(map(int, exact), True),
    )


def _codes(judgement: Judgement) -> dict[int, str]:
    """The codes of the entries that do not simply agree, by flat index."""
    if judgement.plain.all():
        return {}
    codes = judgement.codes.reshape(-1)
    return {flat: codes[flat] for flat in np.flatnonzero(~judgement.plain).tolist()}


def reason(claimed: Array, evidence: Evidence, flat: int, code: str, detect: float) -> Reason:
    """The reason of one entry, with the facts that its sentence names."""
    variant = evidence.variants.get(code, code)
    measured = _FACTS[variant](_Entry(claimed, evidence, flat), detect) if variant in _FACTS else {}
    return Reason(variant, {**evidence.facts.get(code, {}), **measured})


class _Entry:
    """The numbers of one entry."""

    def __init__(self, claimed: Array, evidence: Evidence, flat: int) -> None:
        self.evidence, self.flat = evidence, flat
        self.claimed = self.take(claimed)
        self.value = self.take(evidence.value)

    @property
    def alone(self) -> Evidence:
        """The evidence of this entry only, whose bars cost the same however large the array is."""
        return self.evidence.part(slice(self.flat, self.flat + 1))

    def take(self, field: Any) -> float:
        """The entry of a field."""
        return float(of_shape(field, self.evidence.shape).flat[self.flat])


def _slopes(entry: _Entry) -> tuple[float, float]:
    """Those to either side; where kinks cancel both are the slope that is left."""
    if entry.take(entry.evidence.kink):
        return entry.take(entry.evidence.low), entry.take(entry.evidence.high)
    return entry.value, entry.value


def _share(entry: _Entry) -> float:
    """How much of the entry is open at most, a power of ten.

    Where the bar is narrow, rounding may have taken the claim's digits.
    """
    scale = np.fmax(abs(entry.claimed), abs(entry.value))
    open_width = np.fmax(np.asarray(entry.alone.bar).item(), abs(entry.claimed - entry.value))
    return float(above(open_width / scale)) if scale else np.inf


def _both(entry: _Entry, detect: float) -> Mapping[str, str]:
    low, high = _slopes(entry)
    claimed = number(entry.claimed, SHOWN_DIGITS)
    return {"low": number(low, SHOWN_DIGITS), "high": number(high, SHOWN_DIGITS), "taken": claimed}


def _sides(entry: _Entry, detect: float) -> Mapping[str, str]:
    low, high = _slopes(entry)
    return {"low": number(low), "high": number(high)}


def _difference(entry: _Entry, detect: float) -> Mapping[str, str]:
    error = entry.alone.shown_bars.item()
    return {"difference": number(abs(entry.claimed - entry.value), 3), "error": number(error, 1)}


_FACTS: Mapping[str, Callable[[_Entry, float], Mapping[str, str]]] = {
    "differs": _difference,
    "uncertain": lambda entry, detect: {"share": number(_share(entry), 1), "detect": number(detect, 2)},
    "beyond-budget": lambda entry, detect: {"share": number(_share(entry), 1)},
    "no-digit": lambda entry, detect: {"value": number(entry.value, SHOWN_DIGITS)},
    "rounded-formula": lambda entry, detect: {"value": number(entry.value)},
    "digits-lost": lambda entry, detect: {"value": number(entry.value)},
    "claim-noise": lambda entry, detect: {
        "noise": number(float(above(entry.take(entry.evidence.claim_noise))), 1)
    },
    "claim-not-finite": lambda entry, detect: {"claimed": number(entry.claimed)},
    "code-in-digits": lambda entry, detect: {"relative": number(entry.take(entry.evidence.formula_gap), 3)},
    "formula": lambda entry, detect: {"relative": number(entry.take(entry.evidence.formula_gap), 3)},
    "negligible": lambda entry, detect: {"largest": number(entry.take(entry.evidence.array_scale), 3)},
    "at-kink": _both,
    "at-kink-taken": _both,
    "conventions-at-kink": _both,
    "conventions": lambda entry, detect: {
        "slope": number(entry.value, SHOWN_DIGITS),
        "taken": number(entry.claimed, SHOWN_DIGITS),
    },
    "beyond-kink": _both,
    "unclear-kink": _both,
    "between-slopes": _sides,
    "beyond-slopes": _sides,
}
