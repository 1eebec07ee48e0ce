from __future__ import annotations

from pathlib import Path

import pytest
from backward_files import is_named, lines_of
from corpus import Planted, planted_bugs

FEW = ("tanh_layer",)
NAMED = 0.9  # of the planted mistakes of these; all of them when this was written


def planted(network: str, name: str) -> Planted:
    return next(bug for bug in planted_bugs(network) if bug.name == name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_line_of_most_planted_mistakes_is_named(tmp_path: Path) -> None:
    bugs = [bug for stem in FEW for bug in planted_bugs(stem)]
    assert sum(is_named(tmp_path, bug) for bug in bugs) >= NAMED * len(bugs)


@pytest.mark.parametrize(
    ("network", "name"),
    [
        ("affine_relu", "relu passed through"),  # what only hands a value on is in doubt
        ("affine_relu", "dout for da"),  # a wrong argument
        ("gru_cell", "r for h"),  # its heir would explain all as well
        ("gru_cell", "state without r"),  # overwritten
        ("gru_cell", "path of the reset gate"),  # a term is missing in a sum
        ("dense_class", "upstream forgotten"),  # a local derivative
        ("dense_class", "W not transposed"),
        ("optimize_residuals", "k for t"),  # a column of a Jacobian
        ("few_lines", "uphill"),  # a step instead of a gradient
        ("rnn_layer", "bias over the columns"),  # found at the sum, made in a function
    ],
)
def test_a_kind_of_mistake_is_found_at_its_line(tmp_path: Path, network: str, name: str) -> None:
    assert is_named(tmp_path, planted(network, name))


def test_the_time_in_a_loop_is_the_first_wrong_one(tmp_path: Path) -> None:
    [line] = lines_of(tmp_path, planted("char_rnn", "next step forgotten"))
    assert line.culprit.setting.time == 1
