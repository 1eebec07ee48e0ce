"""Values at the edge of what NumPy has, through every door of Python: right, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx


class Raising:
    """An array of another library that cannot be read here, as one on a GPU."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError("not on this device")


SCALARS: list[tuple[Any, float | str]] = [
    (-0.0, -0.0),
    (5e-324, 5e-324),
    (1e308, 1e308),
    (2**53, 2.0**53),
    (2**53 + 2, 2.0**53 + 2),
    (2**53 + 1, "rounded-integer"),
    (np.int64(2**53 + 1), "rounded-integer"),
    (np.uint64(2**64 - 1), "rounded-integer"),
    (np.array(-(2**53) - 1), "rounded-integer"),
    (np.array(2**53 + 1, dtype=object), "rounded-integer"),
    (10**400, "not-a-number"),
    (True, 1.0),
    (np.bool_(False), 0.0),
    (np.float16(0.1), float(np.float16(0.1))),
    (np.float32(0.1), float(np.float32(0.1))),
    (np.longdouble("0.5"), 0.5),
    (np.array(1.5, dtype=">f8"), 1.5),
    (Fraction(1, 4), 0.25),
    (Decimal("0.1"), 0.1),
    (float("nan"), "not-finite-input"),
    (float("-inf"), "not-finite-input"),
    (1 + 0j, "not-a-number"),
    ("1", "not-a-number"),
    (b"1", "not-a-number"),
    (np.datetime64("2020"), "not-a-number"),
    ({1.0}, "not-a-number"),
    ([], "empty-array"),
    (np.zeros((0, 3)), "empty-array"),
    (np.ma.array(1.0, mask=True), "not-a-number"),
    (Raising(), "not-a-number"),
]
DOORS: list[Callable[[Any], Any]] = [
    lambda value: bpx.parse("x*1", x=value).inputs[0].value,
    lambda value: bpx.parse("x*1", x=1.0).compile()(x=value)[0],
    lambda value: bpx.parse("x*y", x=1.0, y=2.0).value_and_gradients(upstream=value)[1]["y"],
    lambda value: bpx.from_graph(*_doubled(value)).inputs[0].value,
]


def _doubled(value: Any) -> Any:
    node = bpx.Graph().input()
    return node + node, {"x": (node, value)}


@every("value, expected, door", [(*row, door) for row in SCALARS for door in DOORS])
def test_a_number_arrives_as_it_is_or_is_refused(value: Any, expected: Any, door: Any) -> None:
    if isinstance(expected, str):
        with pytest.raises(bpx.BpxError) as refusal:
            door(value)
        assert [problem.code for problem in refusal.value.diagnostics] == [expected]
    else:
        assert np.array_equal(door(value), expected)


@every("value", [value for value, expected in SCALARS if isinstance(expected, str) and expected[0] == "r"])
def test_no_claim_is_rounded_in_silence(value: Any) -> None:
    with pytest.raises(bpx.BpxError, match="cannot represent exactly"):
        bpx.parse("x*1", x=1.0).gradcheck(claims={"x": value})


@every(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(1.5, (2, 3)),
        np.arange(12.0).reshape(2, 6)[:, ::-2],
        np.arange(6.0).reshape(2, 3).astype(">f4"),
        np.ma.array(np.arange(6.0).reshape(2, 3), mask=False),
        np.arange(6.0).reshape(2, 3).astype(object),
        [[1, True, 2.5], [Fraction(1, 2), np.float32(3), 4]],
    ],
)
def test_an_array_is_read_in_any_layout(array: Any) -> None:
    spec = bpx.parse("sum(x*y)", x=array, y=np.arange(6.0).reshape(2, 3) + 1)
    expected = np.array(np.asarray(array).tolist(), dtype=float)
    assert np.array_equal(spec.explain().gradients["y"], expected)
    assert spec.gradcheck(claims={"y": expected}).verdict == "agree"


def test_masked_elements_are_not_traced() -> None:
    with pytest.raises(bpx.BpxError, match="`x`"):
        bpx.trace(lambda x: np.sum(x * 2), np.ma.array([1.0, 2.0], mask=[False, True]))


@every("value", [None, "1", {"a": 1}, 1 + 2j, [[1], [1, 2]], Raising(), 2**53 + 1])
def test_constants_of_graphs_are_numbers(value: Any) -> None:
    with pytest.raises(TypeError, match="`value` must be"):
        bpx.Graph().constant(value)


def test_tensors_are_arrays() -> None:
    torch = pytest.importorskip("torch")
    assert bpx.parse("sum(x)", x=torch.tensor([1.5, 2.0])).explain().value == 3.5
    for refused in (torch.tensor([1.0], requires_grad=True), torch.tensor([0.1], dtype=torch.bfloat16)):
        with pytest.raises(bpx.BpxError, match="`x` must contain only numbers"):
            bpx.parse("sum(x)", x=refused)


def doubled(x: Any) -> Any:
    return np.sum(np.asarray(x) * 2.0)


@every("value", [memoryview(b"ab"), bytearray(b"ab")])
@every(
    "check", [lambda x: bpx.trace(doubled, x), lambda x: bpx.gradcheck(doubled, [x], lambda g, x: [g * x])]
)
def test_bytes_are_no_numbers(check: Any, value: Any) -> None:
    with pytest.raises(bpx.BpxError, match="`x` must contain real numbers") as refusal:
        check(value)
    assert [problem.code for problem in refusal.value.diagnostics] == ["not-numeric"]


@every("shape", [(0,), (0, 3), (2, 0, 3)])
def test_no_constant_of_a_graph_is_empty(shape: tuple[int, ...]) -> None:
    graph = bpx.Graph()
    for build in (graph.constant, lambda empty: graph.input() * empty):
        with pytest.raises(ValueError, match="needs at least one number"):
            build(np.zeros(shape))


@every("text", ["sum([])+x", "x*[]", "logsumexp([])+x", "prod([[],[]])+x"])
def test_no_list_of_an_expression_is_empty(text: str) -> None:
    with pytest.raises(bpx.BpxError, match="is an empty array"):
        bpx.parse(text, x=1.0)


_LONG = "9" * 401


@every("text", [f"repeat(x, {_LONG})", f"tile(x, -{_LONG})", f"reshape(x, {_LONG})", f"sum(x[0:{_LONG}])"])
def test_a_number_that_is_too_large_is_all_that_is_wrong(text: str) -> None:
    with pytest.raises(bpx.BpxError) as refusal:
        bpx.parse(text, x=[1.0, 2.0])
    assert [problem.code for problem in refusal.value.diagnostics] == ["number-too-large"]


_LONGER = "9" * 5001
_TOO_LONG = [
    ('bpx = 1\ntitle = "{}"\n[inputs]\nx = {}', _LONGER, 5),
    ('bpx = 1\ntitle = "{}"\n[inputs]\nx = [1.5, {}]', "-" + _LONGER, 11),
    ('bpx = 1\ntitle = "{}"\n[inputs]\nx = {{ normal = [{}], seed = 1 }}', "1_" + _LONGER, 17),
    ('{{"bpx": 1, "title": "{}",\n"y": 2,\n"inputs":\n{{"x": [1, {}]}}}}', _LONGER, 11),
]


@every("text, number, column", _TOO_LONG)
def test_a_number_of_too_many_digits_is_pointed_at(text: str, number: str, column: int) -> None:
    with pytest.raises(bpx.BpxError) as refusal:
        bpx.load(text.format(_LONGER, number))
    (problem,) = refusal.value.diagnostics
    assert problem.span and problem.code == "number-too-long"
    assert (problem.span.text, problem.span.source.position(problem.span.start)) == (number, (4, column))


@every("text, code", [("w:(08,3)", None), ("w:()", None), (f"w:({'9' * 300},)", "input-too-large")])
def test_lengths_of_any_number_of_digits_are_read(text: str, code: str | None) -> None:
    from bpx.graph.named.draw import draw

    if code is None:
        assert draw(text, 0)["w"].shape in ((8, 3), ())
    else:
        with pytest.raises(bpx.BpxError, match="more than bpx computes"):
            draw(text, 0)


@every("number", ["0e-" + "9" * 400, "1e-" + "9" * 5000, "0e" + "9" * 400])
def test_an_exponent_of_any_number_of_digits_is_read(number: str) -> None:
    spec = bpx.load(f'bpx = 1\n[inputs]\nx = 0.5\n[graph]\nL = "x^2"\n[claims]\nx = {number}\n')
    assert spec.gradcheck().verdict in ("disagree", "cannot tell")


def _masked(x: Any) -> Any:
    return np.ma.array(x, mask=[0, 1])


@every("forward, backward", [(_masked, lambda g, x: g), (lambda x: x * 1, lambda g, x: [_masked(g)])])
def test_no_result_of_a_function_is_masked(forward: Any, backward: Any) -> None:
    with pytest.raises(bpx.BpxError, match=r"returned type numpy\.ma\.MaskedArray"):
        bpx.gradcheck(forward, [np.ones(2)], backward, calls=1000)


@every("value", [[2**53 + 1], (2**53 + 1, 1)])
def test_no_integer_of_a_traced_function_is_rounded(value: Any) -> None:
    with pytest.raises(bpx.BpxError, match="cannot represent exactly"):
        bpx.trace(doubled, value)
