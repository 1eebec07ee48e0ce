"""What is no list of arrays of numbers is refused, in words that say what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.function.black_box import check_function
from bpx.words.diagnostic import BpxError


class Tensor:
    """Refuses to become an array, as a tensor does that holds a graph."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError("call detach() first")


def square(x: Any) -> Any:
    return np.sum(x**2)


def pull(g: Any, x: Any) -> Any:
    return 2 * g * x


@every(
    "inputs, code",
    [
        (np.ones(3), "inputs-no-list"),
        (np.ones((1, 3)), "inputs-no-list"),
        (3.0, "inputs-no-list"),
        ("x", "inputs-no-list"),
        ({"x": np.ones(2)}, "inputs-no-list"),
        (None, "inputs-no-list"),
        ([], "no-inputs"),
        ([np.zeros((0, 3))], "empty-array"),
        ([np.ma.array([1.0, 2.0], mask=[False, True])], "masked-input"),
        ([np.array([1.0, None])], "not-numeric"),
        ([np.array([1j])], "not-numeric"),
        ([np.array(["a"])], "not-numeric"),
        ([None], "not-numeric"),
        ([Tensor()], "not-numeric"),
        ([np.array([True, False])], "flags-claimed"),
    ],
)
def test_inputs_that_do_not_fit(inputs: Any, code: str) -> None:
    with pytest.raises(BpxError) as caught:
        check_function(lambda x: np.sum(x * 2.0), inputs, pull)
    assert [problem.code for problem in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].advice or code == "empty-array"


@every(
    "forward, backward, code",
    [
        (lambda x: None, pull, "returned-nothing"),
        (lambda x: Tensor(), pull, "result-not-numeric"),
        (square, lambda g, x: Tensor(), "result-not-numeric"),
        (square, lambda g, x: None, "nothing-claimed"),
        (square, lambda g, x: (None,), "nothing-claimed"),
        (square, lambda g, x: [None], "nothing-claimed"),
    ],
)
def test_results_that_do_not_fit(forward: Any, backward: Any, code: str) -> None:
    with pytest.raises(BpxError) as caught:
        check_function(forward, [np.ones(3)], backward)
    assert [problem.code for problem in caught.value.diagnostics] == [code]


def test_a_forgotten_return_is_told_with_the_name_of_the_input() -> None:
    with pytest.raises(BpxError, match="`backward` returned nothing for `x`"):
        check_function(square, [np.ones(3)], lambda g, x: None)


@every(
    "options, code",
    [
        ({"tolerance": 1e-3}, "unknown-option"),
        ({"detect": "1e-3"}, "wrong-argument"),
        ({"seed": 1.5}, "wrong-argument"),
        ({"calls": 0}, "bad-calls"),
        ({"seconds": -1}, "bad-seconds"),
        ({"exact": "no"}, "wrong-argument"),
    ],
)
def test_options_that_do_not_fit(options: Any, code: str) -> None:
    with pytest.raises(BpxError) as caught:
        check_function(square, [np.ones(3)], pull, **options)
    assert [problem.code for problem in caught.value.diagnostics] == [code]


def test_integers_are_promoted_where_a_gradient_is_claimed() -> None:
    right = check_function(square, [np.array([1, 2, 3])], pull)
    wrong = check_function(square, [np.array([1, 2, 3])], lambda g, x: (-5 * x * g,))
    assert (right.verdict, right.total) == ("agree", 3)
    assert (wrong.verdict, wrong.counts["disagree"]) == ("disagree", 3)
    assert "float64" in right.notes[0].message


@pytest.mark.parametrize("inputs", [[[1.0, 2.0]], ([1.0, 2.0],), [np.array([1.0, 2.0], np.float16)]])
def test_lists_of_numbers_are_arrays(inputs: Any) -> None:
    assert check_function(square, inputs, pull).verdict == "agree"
