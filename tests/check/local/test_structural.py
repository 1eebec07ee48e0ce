"""Ops of whole arrays alone: sketches for the linear ones, Jacobians by differences for the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checking import planted, point_of
from rows_of_a_table import every

from bpx.check.local import edges, structural
from bpx.check.local.jacobians import LinearMap, PartsJacobian, ZeroJacobian
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Shape
from bpx.graph.graph import OPS, Graph, Op
from bpx.ops import rows
from bpx.spec.python import spec_of

# Ops of linear algebra are looked at in test_elimination.py.
PRIMITIVE = [op for op in rows() if not op.elementwise and not op.composite and not op.slopes]
CHOICES = {"dropout": 1.0}  # for what an arg chooses; by default the number of the first row or class


def sample_shapes(op: Op) -> list[Shape]:
    return [*op.sample] or [(2, 3)] * len(op.args)


CASES = [  # op, shapes of the args, settings
    ("matmul", [(3,), (3,)], {}),
    ("matmul", [(2, 3), (3,)], {}),
    ("matmul", [(3,), (3, 2)], {}),
    ("matmul", [(2, 3), (3, 4)], {}),
    ("matmul", [(4, 4), (4, 4)], {}),
    ("matmul", [(5, 2, 3), (3, 4)], {}),
    ("matmul", [(5, 1, 2, 3), (4, 3, 2)], {}),
    ("matmul", [(3,), (5, 3, 4)], {}),
    ("outer", [(2,), (3,)], {}),
    ("transpose", [(2, 3, 4)], {"axes": [1, 2, 0]}),
    ("reshape", [(2, 6)], {"shape": [3, 4]}),
    ("spread", [(2, 1)], {"shape": [4, 2, 3, 5], "axis": [0, 3]}),
    *[("sum", [(2, 3, 4)], {"axis": axis}) for axis in (None, 0, 1, [0, 2], [])],
    *[("mean", [(2, 3, 4)], {"axis": axis, "keepdims": True}) for axis in (None, 1, [0, 2])],
    *[
        (name, [(2, 3, 4)], {"axis": axis})
        for name in ("softmax", "log_softmax", "logsumexp")
        for axis in (0, 1, -1, [0, 2], [0, 1, 2])
    ],
    ("logsumexp", [(2, 3)], {"axis": 1, "keepdims": True}),
    ("logsumexp", [()], {}),
    ("softmax", [(3,)], {}),
    ("index", [(3, 4)], {"at": [[0, 3, 2], 0]}),
    ("index", [(2, 3)], {"at": [[1, -1, -1]]}),
    ("place", [(2,)], {"at": [[0, 4, 3], 1], "shape": [4, 2]}),
    ("flip", [(2, 3)], {"axis": 1}),
    ("tril", [(2, 3, 3)], {}),
    ("cumsum", [(2, 3)], {"axis": 1}),
    ("cumsum", [(2, 3)], {}),
    ("pick", [(2, 3), (2,)], {}),
    ("embedding", [(4, 3), (2, 2)], {}),
    *[(op.name, sample_shapes(op), op.sample_settings) for op in PRIMITIVE],
]
EACH = pytest.mark.parametrize(("name", "shapes", "settings"), CASES, ids=str)


def made(name: str, shapes: Any, settings: Any, scale: float = 1.0):
    rng = np.random.default_rng(0)
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    out = graph.add(OPS[name], *inputs, **settings)
    values = [scale * rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape) for shape in shapes]
    for position in OPS[name].chooses:
        values[position] = np.full(shapes[position], CHOICES.get(name, 0.0))
    return spec_of(
        out, {f"x{i}": (one, value) for i, (one, value) in enumerate(zip(inputs, values, strict=True))}
    )


def found(spec):
    return list(point_of(spec).checked_edges.values())


@EACH
def test_right_rules_agree(name, shapes, settings):
    for one in found(made(name, shapes, settings)):
        assert one.verdict is Verdict.AGREE
        chooses = one.edge.position in OPS[name].chooses
        assert isinstance(
            one.reference_jacobian,
            ZeroJacobian if chooses else LinearMap if OPS[name].linear else PartsJacobian,
        )
        assert abs(one.claimed - one.reference) <= max(one.error, 1e-9 * abs(one.reference))


@EACH
def test_one_wrong_element_is_seen(name, shapes, settings):
    """The first element of what is handed back is off by 1e-4 of itself."""
    right = made(name, shapes, settings)
    for position in set(range(len(shapes))) - set(OPS[name].chooses):
        off = np.ones(shapes[position])
        off.flat[0] += 1e-4

        def spoiled(handed, *args, off=off, **options):
            return handed * off

        verdicts = {one.edge.position: one.verdict for one in found(planted(right, "out", position, spoiled))}
        assert verdicts.pop(position) is Verdict.DISAGREE
        assert set(verdicts.values()) <= {Verdict.AGREE}


@every("name", [op.name for op in PRIMITIVE if op.chooses])
def test_nothing_may_be_handed_to_what_chooses(name):
    op = OPS[name]
    (position,) = op.chooses
    right = made(name, sample_shapes(op), op.sample_settings)
    wrong = planted(right, "out", position, lambda handed, upstream, *args, **options: args[position] + 1e-9)
    for spec, verdict in ((right, Verdict.AGREE), (wrong, Verdict.DISAGREE)):
        (one,) = [one for one in found(spec) if one.edge.position == position]
        assert one.verdict is verdict
        assert isinstance(one.reference_jacobian, ZeroJacobian)
        jacobian = one.reference_jacobian
        assert not jacobian.pull(ErrorBound.exact(np.ones(right.graph.shapes[right.output]))).value.any()
        assert not jacobian.magnitude(np.ones(right.graph.shapes[right.output])).any()


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e6, 1e120])
def test_sketches_do_not_mind_the_scale(scale):
    right = made("matmul", [(2, 3), (3, 4)], {}, scale)
    assert {one.verdict for one in found(right)} == {Verdict.AGREE}
    wrong = planted(right, "out", 0, lambda handed, *args: handed * (1 + 1e-6))
    assert [one.verdict for one in found(wrong)].count(Verdict.DISAGREE) == 1


def test_a_small_element_among_large_ones_is_seen():
    right = made("matmul", [(3, 3), (3,)], {})
    value = right.inputs[1].value * np.array([1e-9, 1.0, 1e9])
    small = right.inputs[1]._replace(value=value)
    right = replace(right, inputs=(right.inputs[0], small))
    off = np.ones((3, 3))
    off[1, 0] = -1.0  # where 1e-9 is handed back
    assert {one.verdict for one in found(right)} == {Verdict.AGREE}
    wrong = planted(right, "out", 0, lambda handed, *args: handed * off)
    assert [one.edge.position for one in found(wrong) if one.verdict is Verdict.DISAGREE] == [0]


def test_a_jacobian_that_returns_row_sums_as_its_diagonal_is_wrong():
    wrong = planted(made("softmax", [(2, 3)], {}), "out", 0, lambda handed, upstream, x, out: 0 * upstream)
    assert [one.verdict for one in found(wrong)] == [Verdict.DISAGREE]


def test_a_rule_that_hands_back_the_wrong_shape():
    right = made("spread", [(3,)], {"shape": [2, 3], "axis": [0]})
    (one,) = found(planted(right, "out", 0, lambda handed, upstream, *args, **options: upstream))
    assert one.verdict is Verdict.DISAGREE
    assert one.reason
    assert one.reason.code == "wrong-shape"


def test_of_a_jacobian_too_large_to_write_out_a_wrong_element_is_found(monkeypatch):
    right = made("matmul", [(4, 5), (5, 4)], {})
    wrong = planted(right, "out", 0, lambda handed, *args: handed * 2)
    monkeypatch.setattr(structural, "LARGEST_JACOBIAN_ENTRIES", 10)
    assert {one.verdict for one in found(right)} == {Verdict.AGREE}
    (one,) = [one for one in found(wrong) if one.verdict is not Verdict.AGREE]
    assert one.verdict is Verdict.DISAGREE
    assert one.claimed == pytest.approx(2 * one.reference, rel=1e-12)
    assert one.reference_jacobian is None


def test_a_jacobian_too_large_to_write_out_without_a_wrong_element_leaves_the_question_open(monkeypatch):
    right = made("matmul", [(4, 5), (5, 4)], {})
    monkeypatch.setattr(structural, "LARGEST_JACOBIAN_ENTRIES", 10)
    monkeypatch.setattr(structural, "_slices", lambda arg, out: [])  # as if rounding were larger than bounds
    assert {one.verdict for one in found(right)} == {Verdict.CANNOT_TELL}
    assert {one.reason and one.reason.code for one in found(right)} == {"too-large"}


def test_a_wrong_shape_is_seen_however_large_the_jacobian(monkeypatch):
    right = made("spread", [(3,)], {"shape": [2, 3], "axis": [0]})
    monkeypatch.setattr(structural, "LARGEST_JACOBIAN_ENTRIES", 1)
    (one,) = found(planted(right, "out", 0, lambda handed, upstream, *args, **options: upstream))
    assert one.verdict is Verdict.DISAGREE
    assert one.reason
    assert one.reason.code == "wrong-shape"


@every("shift", [0.0, 1e3, -1e3, 1e9])
@every("name", ["softmax", "log_softmax", "logsumexp"])
def test_an_op_taken_apart_may_be_of_any_length_and_far_from_0(name, shift):
    graph = Graph()
    x = graph.input((4, 2000))
    out = graph.add(OPS[name], x, axis=1)
    value = np.random.default_rng(0).normal(size=(4, 2000)) * 3 + shift
    right = spec_of(out, {"x": (x, value)})
    assert {one.verdict for one in found(right)} == {Verdict.AGREE}
    wrong = planted(right, "out", 0, lambda handed, *args, **options: handed * (1 + 1e-4))
    assert {one.verdict for one in found(wrong)} == {Verdict.DISAGREE}


def test_parts_that_are_another_function_prove_nothing():
    """What an op is written out to is believed because its values are the same, not because a row says so."""
    right = made("softmax", [(2, 3)], {})
    graph = right.graph.copy()
    node = right.nodes["out"]
    graph.ops[node] = replace(graph.ops[node], expands=lambda x, *, axis: OPS["exp"](x))
    (one,) = found(replace(right, graph=graph))
    assert one.verdict is Verdict.CANNOT_TELL


def test_softmax_of_one_element_is_constant():
    (one,) = found(made("softmax", [(3, 1)], {}, 30.0))
    assert one.verdict is Verdict.AGREE
    assert isinstance(one.reference_jacobian, ZeroJacobian)
    (one,) = found(made("softmax", [(3, 2)], {}, 3000.0))  # saturated, but no constant
    assert isinstance(one.reference_jacobian, PartsJacobian)


def test_small_elements_keep_their_digits_beside_large_ones():
    graph = Graph()
    x = graph.input((3,))
    right = spec_of(graph.add(OPS["softmax"], x), {"x": (x, np.array([0.0, -40.0, -300.0]))})
    (one,) = found(right)
    assert isinstance(one.reference_jacobian, PartsJacobian)
    pulled = one.reference_jacobian.pull(ErrorBound.exact(np.array([1.0, 2.0, 4.0])))
    small = np.exp([-40.0, -300.0])
    np.testing.assert_allclose(pulled.value[1:], small * [1, 3], rtol=1e-9)
    assert (pulled.error[1:] <= 1e-6 * small).all()


@pytest.mark.parametrize("scale", [1.0, 6.0, 30.0, 100.0])
def test_a_saturated_softmax_is_never_wrong(scale):
    right = made("softmax", [(4, 5)], {}, scale)
    assert Verdict.DISAGREE not in {one.verdict for one in found(right)}


# --- checks that are made once ---------------------------------------------------------------------


def test_of_an_op_that_sees_no_values_each_shape_is_checked_once(monkeypatch):
    structural._certificate.cache_clear()
    checks = []
    linear = structural._linear
    monkeypatch.setattr(structural, "_linear", lambda *args: checks.append(1) or linear(*args))
    shapes = [(2, 3), (2, 3), (3, 2)]
    edges = [
        found(made("sum", [shape], {"axis": 1}, scale))
        for shape, scale in zip(shapes, (1, 9, 1), strict=True)
    ]
    assert len(checks) == 2
    first, again, _ = [edge for (edge,) in edges]
    assert again.reference_jacobian.rule is not first.reference_jacobian.rule  # each of its own values
    assert again[3:] == first[3:]  # what is shown is the same, whatever was checked before
    found(made("matmul", [(2, 3), (3, 2)], {}))
    found(made("matmul", [(2, 3), (3, 2)], {}))
    assert len(checks) == 6  # a product sees its other arg


def test_a_rule_is_not_right_for_having_the_name_of_one_that_is():
    right = made("sum", [(2, 3)], {"axis": 1})
    assert found(right)[0].verdict is Verdict.AGREE
    wrong = planted(right, "out", 0, lambda handed, *args, **settings: handed * 1.001)
    assert [found(spec)[0].verdict for spec in (wrong, right)] == [Verdict.DISAGREE, Verdict.AGREE]


def test_a_wrong_rule_of_the_table_is_checked_wherever_it_stands(monkeypatch):
    right = made("sum", [(2, 3)], {"axis": 1})
    wrong = planted(right, "out", 0, lambda handed, *args, **settings: handed * 1.001)
    monkeypatch.setitem(OPS, "sum", wrong.graph.ops[wrong.output])
    verdicts = [found(wrong)[0].verdict for _ in range(2)]
    assert verdicts == [Verdict.DISAGREE] * 2


def test_a_rule_of_the_table_that_sees_values_is_checked_at_each(monkeypatch):
    """It is right at zeros alone."""
    right = made("sum", [(2, 3)], {"axis": 1})
    wrong = planted(right, "out", 0, lambda handed, upstream, x, out, **settings: handed * (1 + x))
    monkeypatch.setitem(OPS, "sum", wrong.graph.ops[wrong.output])
    assert found(wrong)[0].verdict is Verdict.DISAGREE


@pytest.mark.parametrize("module", [structural, edges])
def test_the_module_knows_no_op_by_name(module):
    text = Path(module.__file__).read_text(encoding="utf-8")
    assert not [op.name for op in OPS.values() if f'"{op.name}"' in text if op.name != "sub"]
