"""Arrays as other programs print them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rows_of_a_table import every

from bpx.spec.reading.read import read_value
from bpx.spec.text.printed import printed_array
from bpx.words.diagnostic import BpxError, Source


@every(
    "text, expected",
    [
        ("[1.2 -0.5]", [1.2, -0.5]),
        ("[[1. 2.]\n [3. 4.]]", [[1, 2], [3, 4]]),
        ("array([[1., 2.],\n       [3., 4.]], dtype=float32)", [[1, 2], [3, 4]]),
        ("np.float64(3.0)", 3),
        ("[ True False]", [1, 0]),
        ("tensor([1.2, 3.], grad_fn=<MulBackward0>)", [1.2, 3]),
        ("tensor([[1.,2.]], device='cuda:0', dtype=torch.float64)", [[1, 2]]),
        ("tensor(0.5, requires_grad=True)", 0.5),
        ("Parameter containing:\ntensor([1.], requires_grad=True)", [1]),
        ("Array([1., 2.], dtype=float32)", [1, 2]),
        ("tf.Tensor([1. 2.], shape=(2,), dtype=float32)", [1, 2]),
        ("<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>", [1, 2]),
        ("[1.2; -0.5]", [[1.2], [-0.5]]),
        ("[1 2; 3 4]", [[1, 2], [3, 4]]),
        ("[1, 2; 3, 4];", [[1, 2], [3, 4]]),
        ("{{1, 2}, {3, 4*^-3}}", [[1, 2], [3, 0.004]]),
        ("(1, 2)", [1, 2]),
    ],
)
def test_what_programs_print_is_read(text: str, expected: Any) -> None:
    array = read_value("x", Source("--set x", text))
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, expected)


@every(
    "text",
    ["[1 - 2]", "[1, 2", "[1;2", "[1 2] [3]", "[1 2; 3]", "1 2", "[1,,2]", "[,1]", "[1 x]", "[1)", "1_0", ""],
)
def test_what_is_no_array_is_not_read(text: str) -> None:
    assert printed_array(text) is None
    with pytest.raises(BpxError):
        read_value("x", Source("--set x", text))


def test_an_array_with_parts_left_out_is_refused() -> None:
    with pytest.raises(BpxError) as error:
        read_value("x", Source("--set x", str(np.arange(2000.0))))
    [problem] = error.value.diagnostics
    assert problem.code == "elided-array"
    assert problem.span is not None
    assert problem.span.text == "..."


@given(arrays(np.float64, array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e9, 1e9)))
def test_what_numpy_prints_in_full_comes_back(array: Any) -> None:
    with np.printoptions(precision=17, floatmode="unique"):
        for text in (str(array), repr(array), str(array.tolist())):
            np.testing.assert_array_equal(printed_array(text), array)
