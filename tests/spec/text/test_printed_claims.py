"""Arrays as programs print them, as claims: with their digits, and zeros that were left out."""

from __future__ import annotations

import numpy as np
from rows_of_a_table import every

from bpx.graph.named.written import tolerance
from bpx.spec.reading.claims import read_claim


@every(
    "text, numbers, room",
    [
        ("x = [2. -4.]", [2, -4], 0),
        ("x = [1.5  0.25]", [1.5, 0.25], 5e-3),
        ("x = array([0.3333, 2.    ])", [0.3333, 2], 5e-5),
        ("x = tensor([2., 4.], grad_fn=<MulBackward0>)", [2, 4], 0),
        ("x = [1 2; 3 4]", [[1, 2], [3, 4]], 0),
        ("x = [1.5, 0.25]", [1.5, 0.25], [5e-2, 5e-3]),
    ],
)
def test_printed(text: str, numbers: object, room: object) -> None:
    claim = read_claim(text)
    array = np.array(claim.written, dtype=float)
    assert np.array_equal(array, numbers)
    assert np.allclose(tolerance(claim.written, array.shape), room, atol=1e-11, rtol=1e-6)
