"""Values and tables as shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows_of_a_table import every

from bpx.render.blocks import MOST_ROWS, text_of


@every(
    "value, text",
    [
        (np.float64(0.1), "0.1"),
        (3, "3"),
        (1 / 3, "0.333333"),
        (2 / 3 * 1e-9, "6.66667e-10"),
        (-1.5e300, "-1.5e300"),
        (1e6, "1000000"),
        (123456.7, "123457"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
        (np.zeros(2), "[0, 0]"),
        (np.array([[1.0, 2.5], [3.0, -4.0]]), "[[1, 2.5], [3, -4]]"),
        (np.arange(16.0).reshape(4, 4), "[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]"),
        (np.arange(17.0), "(17) 0 … 16, mean 8, norm 38.6782"),
        (np.arange(20.0).reshape(4, 5), "(4×5) 0 … 19, mean 9.5, norm 49.6991"),
    ],
)
def test_values_as_shown(value: Any, text: str) -> None:
    assert text_of(value) == text


@every("position", [0, MOST_ROWS // 2 - 1, MOST_ROWS // 2, 700, 900, 999])
def test_strong_rows_stay_strong_where_rows_are_left_out(position: int) -> None:
    from bpx.render.blocks import table as _table

    rows = [[str(i), "", "", ""] for i in range(1000)]
    table = _table(["edge", "upstream", "local", "contribution"], rows, strong={position})
    kept = [row[0] for row in table.rows]
    assert [kept[row] for row in table.strong] == ([str(position)] if str(position) in kept else [])
