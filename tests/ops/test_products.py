"""einsum: its letters, and what it refuses."""

from __future__ import annotations

import string

import numpy as np
import pytest
from checking import spec
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad

einsum = OPS["einsum"]


def on_inputs(a, b, subscripts):
    graph = Graph()
    return einsum(graph.input(a), graph.input(b), subscripts=subscripts)


@st.composite
def products(draw):
    """Subscripts of two operands, some letters shared, and a length for each letter."""
    a, b = (draw(st.permutations("ijkl"))[: draw(st.integers(0, 4))] for _ in range(2))
    known = sorted({*a, *b})
    out = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
    lengths = {letter: draw(st.integers(1, 3)) for letter in known}
    shapes = [tuple(lengths[letter] for letter in part) for part in (a, b)]
    return f"{''.join(a)},{''.join(b)}->{''.join(out)}", shapes


@given(products())
def test_value_and_rule_are_numpys_for_whatever_letters(case):
    subscripts, shapes = case
    graph, rng = Graph(), np.random.default_rng(0)
    a, b = (graph.input(shape) for shape in shapes)
    out = einsum(a, b, subscripts=subscripts)
    at_a, at_b, upstream = (rng.normal(size=shape) for shape in (*shapes, out.shape))
    to_a, to_b = grad(out, [a, b], upstream)
    found = run(graph, {a.id: at_a, b.id: at_b}, [out.id, to_a.id, to_b.id])
    np.testing.assert_allclose(found[out.id], np.einsum(subscripts, at_a, at_b), rtol=1e-12, atol=1e-12)
    # Linear in each: the sum of operand times gradient is that of value times upstream.
    total = np.sum(found[out.id] * upstream)
    for operand, gradient in ((at_a, to_a), (at_b, to_b)):
        assert found[gradient.id].shape == operand.shape
        assert np.sum(found[gradient.id] * operand) == pytest.approx(total, rel=1e-10, abs=1e-10)


def test_what_is_summed_in_one_operand_alone_comes_back_as_copies():
    graph = Graph()
    a, b = graph.input((2, 3)), graph.input((4,))
    (to_a,) = grad(einsum(a, b, subscripts="ij,k->k"), [a], graph.input((4,)))
    assert to_a.op is OPS["spread"]
    assert graph.settings[to_a.id]["axis"] == (0, 1)


@pytest.mark.parametrize(
    ("given_text", "in_full"),
    [
        ("ij,jk", "ij,jk->ik"),
        ("ba,c", "ba,c->abc"),
        (" ij , jk -> k", "ij,jk->k"),
        ("ij,ij->", "ij,ij->"),
    ],
)
def test_subscripts_in_full(given_text, in_full):
    lengths = dict.fromkeys(string.ascii_letters, 2)
    a, b = (tuple(lengths[one] for one in part.strip()) for part in in_full.split("->")[0].split(","))
    out = on_inputs(a, b, given_text)
    assert out.graph.settings[out.id] == {"subscripts": in_full}


@every(
    "subscripts, a, b, code",
    [
        (None, (2,), (2,), "no-subscripts"),
        (3, (2,), (2,), "no-subscripts"),
        ("i", (2,), (2,), "bad-subscripts"),
        ("i,j,k->i", (2,), (2,), "bad-subscripts"),
        ("...i,i->...", (2, 2), (2,), "bad-subscripts"),
        ("i,j->i->j", (2,), (2,), "bad-subscripts"),
        ("i,1", (2,), (2,), "bad-subscripts"),
        ("ü,i", (2,), (2,), "bad-subscripts"),
        ("i,j->ii", (2,), (2,), "repeated-subscript"),
        ("i,j->k", (2,), (2,), "unknown-subscript"),
        ("ij,j->i", (2,), (2,), "subscripts-of-shape"),
        ("i,j->i", (2,), (2, 2), "subscripts-of-shape"),
        ("i,i->i", (2,), (3,), "subscript-lengths"),
        ("i,i->i", (1,), (3,), "subscript-lengths"),
    ],
)
def test_what_einsum_refuses(subscripts, a, b, code):
    with pytest.raises(SettingError) as caught:
        on_inputs(a, b, subscripts)
    assert caught.value.code == code


@every(
    "expression, right",
    [
        ("einsum('ij->ji', x)", lambda x: x.T),
        ("einsum('ij', x)", lambda x: x),
        ("einsum('ii->', x)", np.trace),
        ("einsum('ii', x)", np.trace),
        ("einsum('ii->i', x)", np.diag),
        ("einsum('ij->', x)", np.sum),
        ("einsum('ij->j', x)", lambda x: x.sum(axis=0)),
        ("einsum('ii,ij->j', x, x)", lambda x: np.diag(x) @ x),
    ],
)
def test_one_operand_and_diagonals(expression, right):
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    made = spec(f"sum({expression}^2)", x=x.tolist())
    assert run(made.graph, made.input_values, [made.output])[made.output] == (right(x) ** 2).sum()
    assert gradcheck(made, order=2).verdict == "agree"


def test_a_letter_may_stand_three_times():
    x = [[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]]
    made = spec("einsum('iii->', x) + sum(einsum('iij->j', x)^2)", x=x)
    assert gradcheck(made).verdict == "agree"
