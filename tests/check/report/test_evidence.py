"""What was measured, and whether something was since."""

from __future__ import annotations

import numpy as np

from bpx.check.report.evidence import Evidence


def test_whatever_is_written_makes_another_version() -> None:
    evidence = Evidence.of(np.zeros(3), 1.0)
    versions = [evidence.version]
    evidence.put([1], value=2.0)
    versions.append(evidence.version)
    evidence.put([2], value=2.0)
    versions.append(evidence.version)
    evidence.wiring = True
    versions.append(evidence.version)
    evidence.replace([0], 1.0, 0.5)
    versions.append(evidence.version)
    assert versions == sorted(set(versions))
