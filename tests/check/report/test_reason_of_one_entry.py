"""The reason of one entry does not depend on how many others there are, nor does what it costs."""

import numpy as np
import pytest

from bpx.check.report.evidence import Evidence
from bpx.check.report.reasons import reason


def test_a_single_number_has_a_reason() -> None:
    several = Evidence.of(np.array([2.0, 3.0]), np.array([1e-9, 1e-9]))
    for evidence in (Evidence.of(2.0, 1e-9), several.part(0), several.part(slice(0, 1))):
        claimed = np.asarray(evidence.value) + 1
        assert reason(claimed, evidence, 0, "differs", 1e-5).facts["difference"] == "1"
        assert reason(claimed, evidence, 0, "uncertain", 1e-5).facts["share"] == "1"


def test_a_reason_takes_the_bar_of_its_entry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    value, error = np.linspace(1, 2, 40).reshape(8, 5), np.logspace(-12, -3, 40).reshape(8, 5)
    evidence = Evidence.of(value, error)
    expected = evidence.shown_bars.ravel()
    bars = Evidence.shown_bars.fget
    assert bars
    sizes = []

    def counted(own: Evidence) -> object:
        sizes.append(own.value.size)
        return bars(own)

    monkeypatch.setattr(Evidence, "shown_bars", property(counted))
    reasons = [reason(value + 1, evidence, flat, "differs", 1e-5) for flat in range(value.size)]
    assert [float(one.facts["error"]) for one in reasons] == pytest.approx(expected, rel=0.5)
    assert sizes == [1] * value.size
