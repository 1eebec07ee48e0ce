"""Every example is a test of itself; its figures are checked once more without bpx.

A file dropped into examples/ is tested by what stands in the first part. The second part works out
the figures of the bundled examples anew: formulas written by hand, differentiated with mpmath.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.whole.claims import build_claim
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query.passes import EdgeRow
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.spec.reading.documents.document import Format
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import Diagnostic, Source

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(path for path in FOLDER.iterdir() if path.is_file())
LONGEST_TITLE = 69

every_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def read(path: Path) -> NamedGraph:
    return read_spec(Source(path.name, path.read_text(encoding="utf-8")), "toml")


@cache
def account_of(name: str) -> Explanation:
    return explain(read(FOLDER / f"{name}.toml"))


# --- every file in examples/ --------------------------------------------------------------------


@every_example
def test_gives_what_it_expects(path: Path) -> None:
    assert [unmet.message for unmet in explain(read(path)).unmet] == []


@every_example
def test_has_no_warnings(path: Path) -> None:
    assert [note.message for note in explain(read(path)).notes if note.severity != "note"] == []


@every_example
def test_states_a_value_and_a_gradient(path: Path) -> None:
    expect = read(path).expect
    assert expect is not None
    assert expect.value is not None
    assert expect.gradients


@every_example
def test_has_a_short_title(path: Path) -> None:
    title = read(path).title
    assert title
    assert title == title.strip()
    assert title.isprintable()
    assert len(title) <= LONGEST_TITLE


@every_example
def test_has_a_plain_file_name(path: Path) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.toml", path.name)


@every_example
@pytest.mark.parametrize("format", ["toml", "json"])
def test_survives_saving(path: Path, format: Format) -> None:
    before = read(path)
    after = read_spec(Source(f"saved.{format}", write_spec(before, format)), format)
    old, new = explain(before), explain(after)
    assert after.title == before.title
    assert bits(new.value) == bits(old.value)
    assert {name: bits(value) for name, value in new.gradients.items()} == {
        name: bits(value) for name, value in old.gradients.items()
    }
    assert new.unmet == ()


def bits(value: Any) -> tuple[tuple[int, ...], bytes]:
    array = np.asarray(value, dtype=np.float64)
    return array.shape, array.tobytes()


# --- the same figures without bpx ---------------------------------------------------------------

DIGITS = 40

_exp = np.frompyfunc(mpmath.exp, 1, 1)
_log = np.frompyfunc(mpmath.log, 1, 1)
_sqrt = np.frompyfunc(mpmath.sqrt, 1, 1)
_tanh = np.frompyfunc(mpmath.tanh, 1, 1)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + _exp(-x))


def _relu(x: Any) -> Any:
    return x if x > 0 else 0 * x


class Steps:
    """Values by name; `nudge` is added to one entry of one of them as soon as it is set."""

    def __init__(self, inputs: dict[str, Any], name: str, index: tuple[int, ...], nudge: Any) -> None:
        vars(self)["_nudged"] = (name, index, nudge)
        for key, value in inputs.items():
            setattr(self, key, value)

    def __setattr__(self, name: str, value: Any) -> None:
        nudged, index, nudge = vars(self)["_nudged"]
        array = np.array(value, dtype=object)
        if name == nudged:
            array[index] += nudge
        vars(self)[name] = array


def product_of_sum(v: Any) -> Any:
    v.q = v.a + v.b
    return v.q * v.c


def square_of_sum(v: Any) -> Any:
    v.t = v.x + v.y
    return v.t * v.t


def chain(v: Any) -> Any:
    v.a = v.x * v.x
    v.b = _exp(v.a)
    return v.b * v.b


def sigmoid(v: Any) -> Any:
    return _exp(v.x) / (_exp(v.x) + 1)


def sigmoid_by_parts(v: Any) -> Any:
    v.n = -v.x
    v.p = _exp(v.n)
    v.s = v.p + 1
    return 1 / v.s


def logistic_regression(v: Any) -> Any:
    v.z = np.sum(v.w * v.x) + v.b
    return _log(1 + _exp(v.z)) - v.y * v.z


def logistic_regression_scalars(v: Any) -> Any:
    v.z = v.w1 * v.x1 + v.w2 * v.x2 + v.b
    v.a = _sigmoid(v.z)
    return -_log(v.a)  # y is 1


def logistic_regression_claims(v: Any) -> Any:
    v.z = np.sum(v.w * v.x) + v.b
    v.a = _sigmoid(v.z)
    return -(v.y * _log(v.a) + (1 - v.y) * _log(1 - v.a))


def swish(v: Any) -> Any:
    v.z = v.w * v.x + v.b
    v.h = v.z / (1 + _exp(-v.z))
    return (v.h - v.t) ** 2


def tiny_network(v: Any) -> Any:
    v.z = v.w1 * v.x + v.b1
    v.h = _sigmoid(v.z)
    v.y = v.w2 * v.h + v.b2
    return (v.t - v.y) ** 2


def two_paths(v: Any) -> Any:
    v.u = v.x * v.x
    v.v = v.x + v.x + v.x
    return v.u * v.v


def neuron_2d(v: Any) -> Any:
    v.p0 = v.w0 * v.x0
    v.p1 = v.w1 * v.x1
    v.p = v.p0 + v.p1
    v.z = v.p + v.w2
    v.n = -v.z
    v.r = _exp(v.n)
    v.s = 1 + v.r
    return 1 / v.s


def sum_times_sum(v: Any) -> Any:
    v.c = v.a + v.b
    v.d = v.b + 1
    return v.c * v.d


def perceptron_2_2_1(v: Any) -> Any:
    v.z1 = [sum(v.W1[i, j] * v.x[j] for j in range(2)) + v.b1[i] for i in range(2)]
    v.h = _sigmoid(v.z1)
    v.z2 = [v.W2[0, 0] * v.h[0] + v.W2[0, 1] * v.h[1] + v.b2[0]]
    return (_sigmoid(v.z2)[0] - v.t[0]) ** 2 / 2


def mazur_network(v: Any) -> Any:
    v.out_h1 = _sigmoid(v.w1 * v.i1 + v.w2 * v.i2 + v.b1)
    v.out_h2 = _sigmoid(v.w3 * v.i1 + v.w4 * v.i2 + v.b1)
    v.net_o1 = v.w5 * v.out_h1 + v.w6 * v.out_h2 + v.b2
    v.out_o1 = _sigmoid(v.net_o1)
    v.out_o2 = _sigmoid(v.w7 * v.out_h1 + v.w8 * v.out_h2 + v.b2)
    return ((v.target_o1 - v.out_o1) ** 2 + (v.target_o2 - v.out_o2) ** 2) / 2


def max_and_where(v: Any) -> Any:
    v.p = v.x * v.y
    v.m = v.z if v.z > v.w else v.w
    v.s = v.p + v.m
    return v.s + v.s if v.s < 0 else v.s


def micrograd_readme(v: Any) -> Any:
    c = 2 * (v.a + v.b) + 1
    c = 2 * c + 1 - v.a
    d = 3 * (v.a * v.b + v.b**3) + _relu(v.a + v.b)
    d = 4 * d + _relu(v.b - v.a)
    return (c - d) ** 2 / 2 + 10 / (c - d) ** 2


def broadcast_bias(v: Any) -> Any:
    v.Y = [[sum(row[k] * v.W[k, j] for k in range(2)) + v.b[j] for j in range(2)] for row in v.X]
    return sum(y * y for y in v.Y.ravel()) / 6


def han_kamber_network(v: Any) -> Any:
    v.I4 = v.w14 * v.x1 + v.w24 * v.x2 + v.w34 * v.x3 + v.b4
    v.I5 = v.w15 * v.x1 + v.w25 * v.x2 + v.w35 * v.x3 + v.b5
    v.I6 = v.w46 * _sigmoid(v.I4) + v.w56 * _sigmoid(v.I5) + v.b6
    return (v.t - _sigmoid(v.I6)) ** 2 / 2


def xor(v: Any) -> Any:
    v.y = _sigmoid(_sigmoid(v.x @ v.W1 + v.b1) @ v.W2 + v.b2)
    return sum((v.y - v.t).ravel() ** 2) / 4


def sine_network(v: Any) -> Any:
    y = _tanh(np.outer(v.x, v.w1) + v.b1) @ v.w2 + v.b2
    return sum((y - v.t) ** 2) / 21


def iris_softmax(v: Any) -> Any:
    scores = v.x @ v.W + v.b
    right = [row[int(species)] for row, species in zip(scores, v.species, strict=True)]
    return (sum(_log(np.sum(_exp(scores), axis=1))) - sum(right)) / 150


def conv1d_edge(v: Any) -> Any:
    x, w = v.x[0, 0], v.w[0, 0]
    v.y = [[[w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2] for i in range(5)]]]
    return sum(v.y.ravel() ** 2) / 2


def conv2d_4x4(v: Any) -> Any:
    x, w = v.x[0, 0], v.w[0, 0]
    v.y = [[[[np.sum(w * x[i : i + 2, j : j + 2]) for j in range(3)] for i in range(3)]]]
    return np.sum(v.G * v.y)


def attention_three_tokens(v: Any) -> Any:
    q, k = v.x @ v.Wq, v.x @ v.Wk
    v.s = [[sum(q[i] * k[j]) / mpmath.sqrt(2) for j in range(3)] for i in range(3)]
    looked_at = [_exp(row) / sum(_exp(row)) for row in v.s]
    return np.sum((looked_at @ (v.x @ v.Wv) - v.t) ** 2) / 6


def layer_norm(v: Any) -> Any:
    apart = v.x - np.sum(v.x, axis=1, keepdims=True) / 3
    variance = np.sum(apart**2, axis=1, keepdims=True) / 3
    return np.sum(v.c * (v.g * apart / _sqrt(variance + mpmath.mpf("1e-5")) + v.b))


def recurrent_cell(v: Any) -> Any:
    v.h1 = _tanh(v.w * v.h0 + v.u * v.x1)
    v.h2 = _tanh(v.w * v.h1 + v.u * v.x2)
    v.h3 = _tanh(v.w * v.h2 + v.u * v.x3)
    v.h4 = _tanh(v.w * v.h3 + v.u * v.x4)
    return (v.h4 - v.t) ** 2


def lstm_cell(v: Any) -> Any:
    h, c = v.h0[0], v.c0[0]
    for step, x in (("1", v.x1), ("2", v.x2)):
        i, f, g, o = (v.W[k] @ x + v.U[k, 0] * h + v.b[k] + v.d[k] for k in range(4))
        c = _sigmoid(f) * c + _sigmoid(i) * _tanh(g)
        setattr(v, f"h{step}.c_next", [c])
        c = getattr(v, f"h{step}.c_next")[0]
        setattr(v, f"h{step}", [_sigmoid(o) * _tanh(c)])
        h = getattr(v, f"h{step}")[0]
    return (h - v.t[0]) ** 2


BY_HAND: list[Callable[[Any], Any]] = [
    product_of_sum,
    square_of_sum,
    chain,
    sigmoid,
    sigmoid_by_parts,
    logistic_regression,
    logistic_regression_scalars,
    logistic_regression_claims,
    swish,
    tiny_network,
    two_paths,
    neuron_2d,
    sum_times_sum,
    perceptron_2_2_1,
    mazur_network,
    max_and_where,
    micrograd_readme,
    broadcast_bias,
    han_kamber_network,
    xor,
    sine_network,
    iris_softmax,
    conv1d_edge,
    conv2d_4x4,
    attention_three_tokens,
    layer_norm,
    recurrent_cell,
    lstm_cell,
]


@every("formula", BY_HAND)
def test_figures_are_right_without_bpx(formula: Callable[[Any], Any]) -> None:
    text = (FOLDER / f"{formula.__name__}.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text, parse_float=Decimal)
    inputs = inputs_of(document)

    def output(name: str = "", index: tuple[int, ...] = (), nudge: Any = 0) -> Any:
        return mpmath.mpf(np.asarray(formula(Steps(inputs, name, index, nudge)), dtype=object)[()])

    with mpmath.workdps(DIGITS):
        assert close(output(), document["expect"]["value"])
        for name, stated in document["expect"]["gradients"].items():
            for index, figure in figures(stated):
                slope = mpmath.diff(lambda nudge, at=(name, index): output(at[0], at[1], nudge), 0)
                assert close(slope, figure), f"{name}{list(index)}: {slope} is not {figure}"


def inputs_of(document: dict[str, Any]) -> dict[str, Any]:
    tables = document.get("tables", {})
    return {name: exact(written(entry, tables)) for name, entry in document["inputs"].items()}


def written(entry: Any, tables: dict[str, Any]) -> Any:
    """The numbers of an input: as they stand there, drawn, or columns of a table."""
    if not isinstance(entry, dict):
        return entry
    if "normal" in entry:
        numbers = np.random.RandomState(entry["seed"]).standard_normal(entry["normal"])
        return numbers * float(entry.get("scale", 1))
    if "table" in entry:
        table = tables[entry["table"]]
        chosen = entry["columns"] if "columns" in entry else entry["column"]
        at = table["columns"].index
        return np.array(table["rows"])[:, at(chosen) if isinstance(chosen, str) else list(map(at, chosen))]
    return entry["value"]


def exact(value: Any) -> Any:
    array = np.array(value, dtype=object)
    with mpmath.workdps(DIGITS):
        for index in np.ndindex(*array.shape):
            array[index] = mpmath.mpf(str(array[index]))
    return array


def figures(stated: Any) -> Iterator[tuple[tuple[int, ...], Decimal | int]]:
    array = np.array(stated, dtype=object)
    for index in np.ndindex(*array.shape):
        yield index, array[index]


def close(found: Any, figure: Decimal | int) -> bool:
    """Right to one unit of the last digit written; a whole number exactly."""
    exponent = figure.as_tuple().exponent if isinstance(figure, Decimal) else -DIGITS // 2
    return bool(abs(found - mpmath.mpf(str(figure))) <= mpmath.mpf(10) ** exponent)


# --- what single examples are there to show -----------------------------------------------------


def edges_to(account: Explanation, name: str) -> list[EdgeRow]:
    return [edge for edge in account.edges if account.names[edge.arg] == name]


def upstream_of(account: Explanation, name: str) -> Any:
    return next(row.upstream for row in account.nodes if row.name == name)


def value_of(account: Explanation, name: str) -> float:
    return float(next(row.value for row in account.nodes if row.name == name))


def test_sigmoid_by_parts_shows_each_factor_in_turn() -> None:
    account = account_of("sigmoid_by_parts")
    x, y = 0.5, float(account.value)
    assert [account.names[edge.arg] for edge in account.edges] == ["s", "p", "n", "x"]
    assert [str(edge.local_formula) for edge in account.edges] == ["-y^2", "1", "p", "-1"]
    locals_ = [float(edge.local) for edge in account.edges if edge.local is not None]
    assert locals_ == pytest.approx([-(y**2), 1, np.exp(-x), -1], rel=1e-15)
    for before, after in pairwise(account.edges):
        assert after.upstream == before.contribution
    assert account.gradients["x"] == pytest.approx(y * (1 - y), rel=1e-15)


def test_sigmoid_by_parts_agrees_with_the_fused_op() -> None:
    fused, parts = account_of("sigmoid"), account_of("sigmoid_by_parts")
    assert parts.value == pytest.approx(fused.value, rel=1e-15)
    assert parts.gradients["x"] == pytest.approx(fused.gradients["x"], rel=1e-15)


def test_chain_is_right_to_the_last_published_digit() -> None:
    account = account_of("chain")
    assert repr(float(account.value)) == "1.648721270700128"
    assert repr(float(account.gradients["x"])) == "3.297442541400256"


@pytest.mark.parametrize("name", ["logistic_regression", "logistic_regression_scalars"])
def test_logistic_regression_hands_back_output_minus_target(name: str) -> None:
    account = account_of(name)
    difference = value_of(account, "a") - value_of(account, "y")
    assert upstream_of(account, "z") == pytest.approx(difference, rel=1e-14)


def test_logistic_regression_is_the_same_with_and_without_vectors() -> None:
    vectors, scalars = account_of("logistic_regression"), account_of("logistic_regression_scalars")
    assert vectors.value == pytest.approx(scalars.value, rel=1e-15)
    assert vectors.gradients["w"] == pytest.approx(
        [scalars.gradients["w1"], scalars.gradients["w2"]], rel=1e-14
    )


def test_every_claim_of_logistic_regression_holds() -> None:
    spec = read(FOLDER / "logistic_regression_claims.toml")
    gradients = explain(spec, wrt=list(spec.claims)).gradients
    problems: list[Diagnostic] = []
    assert {claim.formula is None for claim in spec.claims.values()} == {True, False}
    for name, claim in spec.claims.items():
        claimed = build_claim(claim, spec, spec.graph, problems)
        assert claimed is not None
        off = 1e-14 if claim.tolerance is None else claim.tolerance
        found = run(spec.graph, spec.input_values, [claimed.id])[claimed.id]
        assert (np.abs(found - gradients[name]) <= off).all(), name
    assert problems == []


def test_swish_follows_the_stated_rule() -> None:
    account = account_of("swish")
    (edge,) = edges_to(account, "z")
    assert str(edge.local_formula) == "sigmoid(z) + z * sigmoid(z) * (1 - sigmoid(z))"
    assert account.expanded is None
    expanded = explain(read(FOLDER / "swish.toml"), expand="all").expanded
    assert expanded
    assert expanded.digits > 14


def test_two_paths_adds_up_two_contributions() -> None:
    account = account_of("two_paths")
    assert sorted(float(edge.contribution) for edge in edges_to(account, "x")) == [12, 24]
    assert account.gradients["x"] == 36


def test_max_and_where_stands_at_no_kink() -> None:
    assert account_of("max_and_where").notes == ()


def test_relu_at_kink_says_so_and_follows_the_convention() -> None:
    account = account_of("relu_at_kink")
    assert [note.code for note in account.notes] == ["at-kink"] * 3
    assert {name: float(value) for name, value in account.gradients.items()} == {
        "u": 0,
        "v": 0,
        "p": 0.5,
        "q": 0.5,
    }


def test_broadcast_bias_sums_over_the_batch() -> None:
    account = account_of("broadcast_bias")
    (edge,) = edges_to(account, "b")
    assert edge.summed == (0,)
    assert account.gradients["b"] == pytest.approx(np.sum(upstream_of(account, "Y"), axis=0), rel=1e-15)


def test_recurrent_cell_has_a_path_for_each_step_in_time() -> None:
    account = explain(read(FOLDER / "recurrent_cell.toml"), paths=["w"])
    (paths,) = account.paths
    assert paths.path_count == len(paths.shown) == 4
    x, w, u, h = (1, 0.5, 0.5, 0.25), 0.9, 0.6, [0.5]
    for one in x:
        h.append(float(np.tanh(w * h[-1] + u * one)))
    back, by_hand = 2 * (h[4] - 0.5), []
    for before, after in pairwise(reversed(h)):
        by_hand.append(back * (1 - before**2) * after)
        back *= (1 - before**2) * w
    assert [float(path.product) for path in paths.shown] == pytest.approx(by_hand, rel=1e-13)
    assert account.gradients["w"] == pytest.approx(sum(by_hand), rel=1e-13)


def test_layer_norm_hands_back_rows_that_add_up_to_nothing() -> None:
    assert np.sum(account_of("layer_norm").gradients["x"], axis=1) == pytest.approx([0, 0], abs=1e-14)


def test_attention_hands_scores_back_rows_that_add_up_to_nothing() -> None:
    back = upstream_of(account_of("attention_three_tokens"), "s")
    assert np.sum(back, axis=1) == pytest.approx([0, 0, 0], abs=1e-14)


def test_attention_in_steps_is_the_op() -> None:
    account = account_of("attention_three_tokens")
    q, k, v, y = (next(row.value for row in account.nodes if row.name == name) for name in "qkvy")
    fused = bpx.parse("attention(q, k, v)", q=q, k=k, v=v).explain().value
    assert fused == pytest.approx(y, rel=1e-14)


def test_conv2d_hands_the_kernel_a_correlation_and_the_image_a_sum_of_kernels() -> None:
    inputs = {one.name: one.value for one in read(FOLDER / "conv2d_4x4.toml").inputs}
    x, w, back = (inputs[name][0, 0] for name in "xwG")
    correlation = [[np.sum(back * x[r : r + 3, c : c + 3]) for c in range(2)] for r in range(2)]
    spread = np.zeros((4, 4))
    for i, j in np.ndindex(3, 3):
        spread[i : i + 2, j : j + 2] += back[i, j] * w
    gradients = account_of("conv2d_4x4").gradients
    assert gradients["w"][0, 0].tolist() == correlation
    assert gradients["x"][0, 0].tolist() == spread.tolist()


@pytest.mark.parametrize("name", ["conv1d_edge", "conv2d_4x4"])
def test_convolutions_can_be_written_out_as_sums(name: str) -> None:
    expanded = explain(read(FOLDER / f"{name}.toml"), expand="y")
    assert expanded.expanded
    assert expanded.expanded.digits > 15
    kernel = expanded.gradients["w"].size
    assert sum(str(row.formula).startswith("w[0, 0, ") for row in expanded.nodes) == kernel


def iris() -> tuple[Any, Any]:
    """Measurements and species."""
    rows = np.array(tomllib.loads((FOLDER / "iris_softmax.toml").read_text())["tables"]["iris"]["rows"])
    return rows[:, :4], rows[:, 4]


# Fisher, The use of multiple measurements in taxonomic problems (1936), as printed: the means of Table II,
# and the sums of squares and products within setosa and versicolor together of Table III.
FISHER_MEANS = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326]]
FISHER_SQUARES = [
    [19.1434, 9.0356, 9.7634, 3.2394],
    [9.0356, 11.8658, 4.6232, 2.4746],
    [9.7634, 4.6232, 12.2978, 3.8794],
    [3.2394, 2.4746, 3.8794, 2.4604],
]


def test_irises_are_those_of_fisher() -> None:
    x, species = iris()
    each = [x[species == number] for number in range(3)]
    assert [len(one) for one in each] == [50, 50, 50]
    assert [one.mean(axis=0).round(3).tolist() for one in each[:2]] == FISHER_MEANS
    assert each[2].mean(axis=0).round(3).tolist() == [6.588, 2.974, 5.552, 2.026]
    setosa, versicolor = (np.cov(one.T, bias=True) * 50 for one in each[:2])
    assert (setosa + versicolor).round(4).tolist() == FISHER_SQUARES


def test_iris_softmax_begins_with_ln_3_and_differences_of_means() -> None:
    x, species = iris()
    account = account_of("iris_softmax")
    assert account.value == pytest.approx(np.log(3), rel=1e-15)
    means = np.stack([x[species == number].mean(axis=0) for number in range(3)], axis=1)
    assert account.gradients["W"] == pytest.approx((x.mean(axis=0)[:, None] - means) / 3, rel=1e-12)
    assert account.gradients["b"] == pytest.approx([0, 0, 0], abs=1e-14)


def test_two_moons_by_backpropagation_written_out() -> None:
    v = {one.name: one.value for one in read(FOLDER / "two_moons.toml").inputs}
    h1 = np.maximum(v["x"] @ v["W1"] + v["b1"], 0)
    h2 = np.maximum(h1 @ v["W2"] + v["b2"], 0)
    margin = v["label"] * (h2 @ v["W3"] + v["b3"])
    back = np.where(margin < 1, -v["label"] / 100, 0)
    back2 = (back @ v["W3"].T) * (h2 > 0)
    back1 = (back2 @ v["W2"].T) * (h1 > 0)
    by_hand = {
        "x": back1 @ v["W1"].T,
        "W1": v["x"].T @ back1,
        "b1": back1.sum(axis=0),
        "W2": h1.T @ back2,
        "b2": back2.sum(axis=0),
        "W3": h2.T @ back,
        "b3": back.sum(axis=0),
    }
    account = account_of("two_moons")
    assert account.value == pytest.approx(np.maximum(1 - margin, 0).mean(), rel=1e-14)
    assert set(account.gradients) == set(by_hand)
    for name, gradient in by_hand.items():
        assert account.gradients[name] == pytest.approx(gradient, rel=1e-10, abs=1e-15), name


def test_two_moons_are_half_circles_with_noise() -> None:
    x = {one.name: one.value for one in read(FOLDER / "two_moons.toml").inputs}["x"]
    angle = np.linspace(0, np.pi, 50)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    noise = np.random.RandomState(0).standard_normal((100, 2)) * 0.1
    exactly = np.concatenate([outer, [1, 0.5] - outer]) + noise
    assert np.abs(x - exactly).max() <= 0.005 + 1e-12


def test_sine_network_is_given_the_sine_to_four_decimals() -> None:
    inputs = {one.name: one.value for one in read(FOLDER / "sine_network.toml").inputs}
    assert inputs["t"].tolist() == np.sin(inputs["x"]).round(4).tolist()


# Matt Mazur, A Step by Step Backpropagation Example (2015), as printed.
MAZUR_VALUES = {
    "net_h1": "0.3775",
    "out_h1": "0.593269992",
    "out_h2": "0.596884378",
    "net_o1": "1.105905967",
    "out_o1": "0.75136507",
    "out_o2": "0.772928465",
    "E_o1": "0.274811083",
    "E_o2": "0.023560026",
}


def test_mazur_network_gives_the_printed_values() -> None:
    account = account_of("mazur_network")
    for name, figure in MAZUR_VALUES.items():
        assert close(value_of(account, name), Decimal(figure)), name


def test_mazur_network_by_backpropagation_written_out() -> None:
    x, target = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    w_hidden, w_out = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])
    hidden = 1 / (1 + np.exp(-(w_hidden @ x + 0.35)))
    out = 1 / (1 + np.exp(-(w_out @ hidden + 0.60)))
    delta_out = (out - target) * out * (1 - out)
    delta_hidden = (w_out.T @ delta_out) * hidden * (1 - hidden)
    account = account_of("mazur_network")
    found = [float(account.gradients[f"w{i}"]) for i in range(1, 9)]
    assert found == pytest.approx(
        [*np.outer(delta_hidden, x).ravel(), *np.outer(delta_out, hidden).ravel()], rel=1e-12
    )


def test_micrograd_readme_by_the_chain_rule_written_out() -> None:
    a, b = -4.0, 2.0
    # relu(a + b) is shut and relu(b - a) open; so e = 4(a + b) + 3 - a - 12(ab + b³) - (b - a).
    e = 4 * (a + b) + 3 - a - 12 * (a * b + b**3) - (b - a)
    dg_de = e - 20 / e**3
    account = account_of("micrograd_readme")
    assert account.value == pytest.approx(e**2 / 2 + 10 / e**2, rel=1e-14)
    assert account.gradients["a"] == pytest.approx(dg_de * (4 - 12 * b), rel=1e-14)
    assert account.gradients["b"] == pytest.approx(dg_de * (3 - 12 * (a + 3 * b**2)), rel=1e-14)
