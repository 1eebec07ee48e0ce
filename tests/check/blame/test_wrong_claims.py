"""Whatever is claimed: a verdict, or a diagnostic, and never an error of bpx's own."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec
from wrong_claims import drawn_specs

from bpx.check.gradcheck import gradcheck
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.words.diagnostic import BpxError


def test_random_claims_on_random_specs():
    words = []
    for made in drawn_specs(np.random.default_rng(3), 90):
        try:
            words.append(gradcheck(made).verdict)
        except BpxError as error:
            assert error.diagnostics[0].code == "claim-shape"
    assert words.count("disagree") > 20


@pytest.mark.parametrize(
    ("expression", "values", "claim"),
    [
        (
            "sum((c*m) @ v)",
            {"c": 2.0, "m": [[1.0, 2, 3], [4, 5, 6], [7, 8, 10]], "v": [[1.0, 0.5], [2, 1], [0, 3]]},
            "c = 5",
        ),
        ("reshape(x, [1, 1]) @ w", {"x": [0.5], "w": [[0.1, -0.2, 0.4, -0.6]]}, "x = [-0.31]"),
        (
            "w @ concat(x, y, axis=0)",
            {"w": np.ones((4, 2)), "x": [[0.5, 1.0]], "y": [[0.2, 0.1]]},
            "x = [[1.3, 0.2]]",
        ),
    ],
)
def test_equal_lengths_let_wrong_products_pass_for_shapes_that_fit(expression, values, claim):
    report = gradcheck(with_claims(spec(expression, **values), [read_claim(claim)]))
    assert report.verdict == "disagree"
    assert [culprit.node for culprit in report.blame] == [claim[0]]
