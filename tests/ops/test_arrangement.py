"""Ops that shift, repeat and sort elements: kinks at ties, pools with borders, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.graph.graph import OPS, Graph
from bpx.ops.arrangement import _rounds
from bpx.ops.tensors import SettingError
from bpx.spec.spec import parse


@every("length", [1, 2, 3, 5, 8, 11])
def test_the_network_sorts_all_zeros_and_ones(length: int) -> None:
    """Then it sorts everything: Knuth, section 5.3.4, the zero-one principle."""
    for number in range(2**length):
        row = [number >> at & 1 for at in range(length)]
        for pairs in _rounds(length):
            for first, second in pairs:
                row[first], row[second] = sorted((row[first], row[second]))
        assert row == sorted(row)


@every(
    "expression, x, verdicts",
    [
        ("sum(sort(x) * [1, 2, 3])", [1, 3, 2], ["agree"] * 3),
        ("sum(sort(x) * [1, 2, 3])", [1, 2, 2], ["agree", "kink", "kink"]),
        ("sum(sort(x) * [1, 2, 3])", [2, 2, 2], ["kink"] * 3),
        ("sum(sort(x))", [2, 2, 1], ["agree"] * 3),
        ("sum(topk(x, k=2) * [1, 3])", [5, 1, 1], ["agree", "kink", "kink"]),
        ("sum(topk(x, k=2)^2)", [5, 3, 1, 1], ["agree"] * 4),
        ("sum(max_pool(x, size=2, padding=1))", [5, 3, 3], ["agree", "kink", "kink"]),
        ("sum(pad(x, width=2, mode='wrap')^2)", [1, 2, 2], ["agree"] * 3),
        ("sum(resize(x, size=4)^3)", [1, 2, 2], ["agree"] * 3),
        ("sum(erfc(x)^2)", [1, -2, 8], ["agree"] * 3),
        ("cross_entropy(x, 1, weight=[1, 2, 3], label_smoothing=0.1)", [1, 2, 2], ["agree"] * 3),
    ],
)
def test_ties_are_kinks_where_they_matter(expression: str, x: list[float], verdicts: list[str]) -> None:
    report = parse(expression, x=np.array(x, dtype=float)).gradcheck()
    assert [entry.verdict.word for entry in report.entries] == verdicts


@every(
    "name, settings, code",
    [
        ("roll", {"shift": 1.5}, "not-whole"),
        ("roll", {"shift": [1, 2], "axis": 0}, "one-for-each-axis"),
        ("tile", {"reps": 0}, "not-a-count"),
        ("repeat", {"repeats": [1, 2]}, "one-for-each-element"),
        ("sort", {"descending": 1}, "not-a-flag"),
        ("topk", {"k": 4}, "bad-k"),
        ("pad", {"width": 1, "mode": "mirror"}, "not-one-of"),
        ("max_pool", {"size": 2, "padding": 2}, "pads-too-much"),
        ("resize", {"size": 2, "mode": "cubic"}, "not-one-of"),
        ("avg_pool", {"size": 2, "ceil_mode": 1}, "not-a-flag"),
    ],
)
def test_settings_that_do_not_fit(name: str, settings: dict[str, object], code: str) -> None:
    graph = Graph()
    with pytest.raises(SettingError) as caught:
        OPS[name](graph.input((3,)), **settings)
    assert caught.value.code == code
