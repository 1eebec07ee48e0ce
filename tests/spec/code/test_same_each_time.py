"""The same report each time: whatever the order of sets, and whatever numbers stood in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from backward_files import program_of, recorded, written
from corpus import planted_bugs

import bpx
from bpx.spec.code.check import check_program

MISTAKES = [
    ("affine_relu", "bias averaged"),
    ("batch_mean_layer", "dW without 1/n"),
    ("dropout_class", "h not transposed"),
    ("few_lines", "uphill"),
    ("planar_net", "Y - A2"),
    ("two_regressors", "rows for entries"),
    ("word2vec_grads", "positive pair lost"),
]
SEEDS = "014"


def say_all(folder: str) -> None:
    """Print the reports on all these files: what each process of the test below does."""
    for network, name in MISTAKES:
        [bug] = [bug for bug in planted_bugs(network) if bug.name == name]
        report = check_program(program_of(Path(folder), bug))
        print(report.to_plain(), report.to_json())


def test_reports_do_not_depend_on_the_order_of_sets(tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"import {Path(__file__).stem} as t; t.say_all({str(tmp_path)!r})"]
    here = Path(__file__)
    paths = os.pathsep.join([*map(str, (here.parent, here.parents[2], Path(bpx.__file__).parents[1]))])
    said = set()
    for seed in SEEDS:
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed}
        said.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(said) == 1
    [text] = said
    assert text.count(b"should be") >= len(MISTAKES) - 2


ROOM = """
def backward(d):
    a, b = np.ndarray(3), d * 2
    both = {"c": np.empty_like(d), "e": [np.empty_like(d) for _ in range(2)]}
    whole = np.exp(d, out=np.empty_like(d))
    a[0] = 1
    both["c"][1] = 2
    return a, both["c"], *both["e"], b, whole


def empty(d):
    return d + 1


def other(d):
    a = empty(d)
    return a
"""


def test_numbers_that_nobody_has_set_are_zeros(tmp_path: Path) -> None:
    module = written(tmp_path, ROOM)
    settings = recorded(module.backward, np.ones(3)).settings
    first = {one.key.target: one.value.tolist() for one in settings if one.key.target in "ab"}
    assert first == {"a": [1, 0, 0], "b": [2, 2, 2]}
    a, c, e, f, _, whole = settings[-1].value
    assert [row.tolist() for row in (a, c, e, f)] == [[1, 0, 0], [0, 2, 0], [0, 0, 0], [0, 0, 0]]
    assert whole.tolist() == [np.e] * 3
    # A function of the user's may be called the same.
    assert recorded(module.other, np.ones(3)).settings[-1].value.tolist() == [2, 2, 2]
