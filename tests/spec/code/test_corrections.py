from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from backward_files import lines_of, program_of
from corpus import planted_bugs

from bpx.spec.code.check import check_program
from bpx.spec.code.lines.edits import edits

ARRAYS = {"x": np.ones((4, 3)), "dz": np.ones((4, 2)), "a": np.full((4, 2), 0.5)}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("dw = x.dot(dz)", "dw = x.T.dot(dz)"),
        ("dw = x.T @ dz", "dw = dz.T @ x"),
        ("dz = y - a", "dz = a - y"),
        ("dz = dout", "dz = dout * (1 - a ** 2)"),
        ("db = dz.sum(axis=1)", "db = dz.sum(axis=0)"),
        ("db += dz.sum(axis=0)", "db = dz.sum(axis=0)"),
        ("m = dz.sum(axis=0)", "m = dz.mean(axis=0)"),
        ("dz[x > 0] = 0", "dz[x <= 0] = 0"),
        ("for t in range(T):", "for t in reversed(range(T)):"),
        ("for t in reversed(range(T)):", "for t in range(T):"),
        ("return dz", "return -dz"),
        ("dz = a * 2", "dz = a"),
        ("dz = a", "dz = a * x"),
    ],
)
def test_a_change_that_people_need(text: str, other: str) -> None:
    assert other in list(edits(text, ARRAYS))


def test_a_length_is_not_proposed_where_two_names_have_it() -> None:
    assert not any("N" in text or "M" in text for text in edits("dz = a", {**ARRAYS, "N": 4, "M": 4}))


CORRECTED = [
    ("tanh_layer", "x not transposed", "dw = x.T.dot(dz)"),
    ("gru_cell", "r forgotten", "dh += drh * r"),
    ("few_lines", "error for delta in the update", "syn0 += lr * X.T.dot(l1_delta)"),
    ("optimize_logistic", "intercept summed", "g[-1] = r.mean()"),
]


@pytest.mark.parametrize(("network", "name", "right"), CORRECTED, ids=[name for _, name, _ in CORRECTED])
def test_a_correction_makes_the_file_right(tmp_path: Path, network: str, name: str, right: str) -> None:
    [bug] = [bug for bug in planted_bugs(network) if bug.name == name]
    [line] = lines_of(tmp_path, bug)
    statement = line.culprit.setting.statement
    assert statement is not None
    assert line.culprit.right == right
    source = bug.source[: statement.span.start] + right + bug.source[statement.span.end :]
    assert check_program(program_of(tmp_path, bug._replace(source=source))).verdict == "agree"
