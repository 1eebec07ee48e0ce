"""Training: every step is what its optimizer says, of the gradient as it is there; and how it ends."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import torch
from rows_of_a_table import every
from trainings import INTO_THE_WALL, NAMES, RUNAWAY, WRONG_RULE, network, toml, training

from bpx import ops
from bpx.explain.explain import explain
from bpx.graph.graph import Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.python import spec_of
from bpx.spec.reading.read import read_expression, read_spec
from bpx.spec.reading.target import read_target
from bpx.spec.writing.write import write_spec
from bpx.train import train as module
from bpx.train.train import Options, train
from bpx.words.diagnostic import BpxError, Source


def loss(spec: NamedGraph) -> float:
    return float(explain(spec, check=False).value)


def codes(spec: NamedGraph, options: Options = Options(), **more: Any) -> list[str]:  # noqa: B008
    with pytest.raises(BpxError) as caught:
        train(spec, options, **more)
    return [one.code for one in caught.value.diagnostics]


# --- the steps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logistic_regression", "mazur_network", "perceptron_2_2_1"])
def test_a_step_is_the_step_that_explain_shows(name: str) -> None:
    spec = read_target(name)
    step = explain(spec, step=0.3, check=False).step
    found = train(spec, Options(rate=0.3, steps=1, show_steps=1))
    assert step
    assert (found.first, found.last) == pytest.approx((step.before, step.after), rel=1e-14)
    assert list(found.parameters) == list(step.updates)
    for name, (old, update, new) in step.updates.items():
        change = found.shown[0].changes[name]
        for ours, theirs in ((change.value, old), (change.update, update), (change.new, new)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


def numpy_network(spec: NamedGraph) -> tuple[dict[str, Any], Callable[..., tuple[float, dict[str, Any]]]]:
    """The network of `trainings`, and its reverse pass written by hand."""
    values = {one.name: np.array(one.value) for one in spec.inputs}

    def look(x: Any, y: Any) -> tuple[float, dict[str, Any]]:
        h = np.tanh(x @ values["W1"] + values["b1"])
        off = h @ values["W2"] + values["b2"] - y
        d = 2 * off / off.size
        dh = d @ values["W2"].T * (1 - h * h)
        gradients = {"W1": x.T @ dh, "b1": dh.sum(0), "W2": h.T @ d, "b2": d.sum()}
        return float((off * off).mean()), gradients

    return values, look


def test_a_network_as_written_by_hand() -> None:
    found = train(network(), Options(rate=0.05, steps=60))
    values, look = numpy_network(network())
    losses = []
    for _ in range(60):
        value, gradients = look(values["X"], values["y"])
        losses.append(value)
        for name, gradient in gradients.items():
            values[name] = values[name] - 0.05 * gradient
    losses.append(look(values["X"], values["y"])[0])
    np.testing.assert_allclose(found.history, losses, rtol=1e-10)
    assert (found.first, found.last) == (found.history[0], found.history[-1])
    for name, (before, after) in found.parameters.items():
        np.testing.assert_allclose(after, values[name], rtol=1e-9, atol=1e-12)
        assert np.array_equal(before, network().input_values[network().nodes[name]])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_network_as_torch_trains_it(optimizer: str) -> None:
    t = torch()
    found = train(network(), Options(optimizer, rate=0.02, steps=80))
    one = {each.name: t.tensor(np.array(each.value), requires_grad=True) for each in network().inputs}
    trained = [one[name] for name in ("W1", "b1", "W2", "b2")]
    settings = {"momentum": 0.9} if optimizer == "momentum" else {}
    peer = (t.optim.Adam if optimizer == "adam" else t.optim.SGD)(trained, lr=0.02, **settings)
    losses = []
    for _ in range(81):
        peer.zero_grad()
        hidden = t.tanh(one["X"] @ one["W1"] + one["b1"])
        value = ((hidden @ one["W2"] + one["b2"] - one["y"]) ** 2).mean()
        value.backward()
        losses.append(value.item())
        peer.step()
    np.testing.assert_allclose(found.history, losses, rtol=1e-9)


def test_batches_as_written_by_hand() -> None:
    options = Options(rate=0.1, steps=9, batch=5, seed=11)
    found = train(network(), options)
    values, look = numpy_network(network())
    draw, rows, losses = np.random.RandomState(11), [], []
    for _ in range(3):  # epochs, of four batches each: of 23 examples 3 sit out
        rows += np.split(draw.permutation(23)[:20], 4)
    for step in range(9):
        value, gradients = look(values["X"][rows[step]], values["y"][rows[step]])
        losses.append(value)
        for name, gradient in gradients.items():
            values[name] = values[name] - 0.1 * gradient
    np.testing.assert_allclose(found.history, losses, rtol=1e-11)
    assert found.last == pytest.approx(look(values["X"], values["y"])[0], rel=1e-11)
    assert found.first == pytest.approx(loss(network()), rel=1e-13)
    assert found.batch
    assert found.shown == ()
    again = train(network(), options._replace(show_steps=2))
    assert [one.rows for one in again.shown] == [tuple(rows[0]), tuple(rows[1])]
    assert (found.batch.inputs, found.batch.examples) == (("X", "y"), 23)
    assert [note.code for note in found.notes] == ["batch-remainder"]


def test_batches_of_an_expression() -> None:
    values = {"x": [1.0, 2.0, 3.0, 4.0], "w": 0.0}
    spec = read_expression(Source("<expression>", "mean((w*x - 2*x)^2)"), values)
    found = train(spec, Options(rate=0.05, steps=100, batch=2), wrt="w")
    assert found.parameters["w"][1] == pytest.approx(2)
    assert found.notes == ()


def test_what_is_trained_can_be_chosen() -> None:
    found = train(network(), Options(steps=3), wrt=["b2", "X"])
    assert list(found.parameters) == ["X", "b2"]
    kept = {one.name: one.value for one in found.spec.inputs}
    assert np.array_equal(kept["W1"], network().input_values[network().nodes["W1"]])


def test_a_parameter_the_loss_does_not_depend_on_stays() -> None:
    text = RUNAWAY.replace("c = 0.5", 'c = 0.5\nidle = { value = [1, 2], role = "parameter" }')
    found = train(toml(text), Options(steps=3))
    assert found.parameters["idle"][1].tolist() == [1, 2]
    assert "unused-input" in [note.code for note in found.notes]


# --- how it ends --------------------------------------------------------------------------------


def test_all_steps() -> None:
    found = training("a network")
    assert (found.stopped, found.taken, len(found.history)) == ("steps", 400, 401)
    assert found.last < found.first / 3


def test_a_target() -> None:
    found = training("to a target")
    assert found.stopped == "target"
    assert found.last == found.history[-1] <= 0.7 < found.history[-2]
    assert found.taken == len(found.history) - 1 < 100


def test_a_target_that_is_met_at_the_start() -> None:
    found = training("no step")
    assert (found.stopped, found.taken, found.first) == ("target", 0, found.last)


def test_a_target_that_only_the_last_step_meets() -> None:
    free = train(network(), Options(steps=7))
    assert train(network(), Options(steps=7, target=free.last)).stopped == "target"
    assert train(network(), Options(steps=7, target=free.last * 0.999)).stopped == "steps"


def test_with_batches_a_target_is_looked_at_each_epoch() -> None:
    options = Options("adam", batch=5, steps=300, target=0.7)
    found = train(network(), options)
    assert (found.stopped, found.taken % 4) == ("target", 0)
    assert found.last <= 0.7
    assert len(found.history) == found.taken
    before = train(network(), options._replace(target=None, steps=found.taken - 4))
    assert before.last > 0.7


def test_with_batches_the_last_epoch_may_meet_the_target() -> None:
    free = train(network(), Options("adam", batch=5, steps=8))
    found = train(network(), Options("adam", batch=5, steps=8, target=free.last))
    assert (found.stopped, found.taken) == ("target", 8)


def test_what_is_not_finite_breaks_off() -> None:
    found = training("not finite")
    assert found.stopped == "not finite"
    assert found.history[:-1] == tuple(one for one in found.history if math.isfinite(one))
    assert found.taken == len(found.history) - 2
    assert found.last == found.history[-2]
    assert found.last == pytest.approx(loss(found.spec))
    whole, node = found.problems
    assert (whole.code, whole.facts["step"], whole.help) == (
        "loss-not-finite",
        found.taken + 1,
        "smaller-rate",
    )
    assert (node.code, node.facts["node"]) == ("not-finite", "L = apart^2")
    assert node.span
    assert node.span.text == "apart^2"


def test_the_domain_is_named_where_it_was_left() -> None:
    found = training("outside the domain")
    assert [one.code for one in found.problems] == ["loss-not-finite", "outside-domain"]
    assert (found.taken, found.last) == (0, 2.0)
    assert found.parameters["w"][1] == 1.0


def test_a_gradient_that_is_not_finite_breaks_off_too() -> None:
    """The step leads from 1 to exactly 0, where sqrt is 0 and its slope infinite."""
    found = train(toml(INTO_THE_WALL), Options(rate=2 / 3))
    assert (found.stopped, found.taken) == ("not finite", 1)
    assert [one.code for one in found.problems] == ["gradient-not-finite", "no-derivative"]
    assert (found.parameters["w"][1], found.last) == (0, 0)


@pytest.mark.parametrize(("batch", "steps"), [(None, 5), (None, 1), (2, 5), (2, 1)])
def test_a_parameter_that_is_not_finite_breaks_off_too(batch: int | None, steps: int) -> None:
    """Where sigmoid saturates the loss is finite all the same."""
    spec = read_expression(Source("<expression>", "mean(sigmoid(x*w))"), {"x": [1e3, 1e3], "w": 1e-3})
    found = train(spec, Options(rate=1e308, batch=batch, steps=steps), wrt="w")
    assert [one.code for one in found.problems] == ["parameter-not-finite", "not-finite"]
    assert found.problems[1].facts["node"] == "w"
    assert (found.taken, found.parameters["w"][1]) == (0, 1e-3)


@pytest.mark.parametrize(
    ("w", "expected"),
    [("-1.0", ["loss-not-finite", "outside-domain"]), ("0.0", ["gradient-not-finite", "no-derivative"])],
)
def test_what_is_not_finite_from_the_start_cannot_be_used(w: str, expected: list[str]) -> None:
    assert codes(toml(INTO_THE_WALL.replace("1.0", w))) == expected


def test_batches_that_break_off_say_so_of_the_batch_in_use() -> None:
    found = train(network(), Options(rate=1e100, batch=5))
    assert found.stopped == "not finite"
    assert math.isfinite(found.last)
    assert [one.code for one in found.problems][:1] == ["loss-not-finite"]
    assert found.problems[1].span


# --- checks -------------------------------------------------------------------------------------


def test_the_gradient_is_checked_at_the_first_every_kth_and_the_last_step() -> None:
    checks = training("a network").checks
    assert [one.step for one in checks] == [0, 150, 300, 400]
    assert {one.verdict for one in checks} == {"agree"}
    assert {one.entries for one in checks} == {21}
    assert [one.step for one in training("batches").checks] == [0, 20, 29]
    found = train(network(), Options("adam", check=1000, target=0.7))
    assert [one.step for one in found.checks] == [0, found.taken]


def test_a_check_is_of_the_values_in_use() -> None:
    """At step 0 of logistic regression the worst entry may be any, but its claim is the gradient there."""
    spec = read_target("logistic_regression")
    found = train(spec, Options(rate=0.5, steps=4, check=2))
    for one in found.checks:
        at = train(spec, Options(rate=0.5, steps=one.step)).spec if one.step else spec
        name, _, index = one.entry.partition("[")
        gradient = explain(at, check=False).gradients[name].ravel()
        assert one.claimed == pytest.approx(gradient[int(index.rstrip("]") or 0)], rel=1e-12)


def test_a_wrong_rule_stops_the_training() -> None:
    found = training("a wrong rule")
    assert (found.stopped, found.taken) == ("disagree", 0)
    whole, rule = found.problems
    assert (whole.code, whole.facts) == ("gradient-disagrees", {"step": 0, "entry": "w"})
    assert (rule.code, rule.facts) == ("rule-to-blame", {"op": "glide", "node": "y"})
    assert rule.span
    assert rule.span.source.position(rule.span.start)[0] == 11
    assert train(toml(WRONG_RULE)).stopped == "steps"  # nobody asked


def test_a_wrong_engine_stops_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked is the gradient that moves the parameters, by whatever it was computed."""

    class Wrong(module.CompiledLoss):
        def __call__(self, fed: Any) -> tuple[float, list[Any]]:
            value, gradients = super().__call__(fed)
            return value, [gradient * 1.001 for gradient in gradients]

    monkeypatch.setattr(module, "CompiledLoss", Wrong)
    found = train(network(), Options(check=5))
    assert (found.stopped, found.checks[0].verdict) == ("disagree", "disagree")
    assert [one.code for one in found.problems] == ["gradient-disagrees"]


def test_a_kink_does_not_stop_it() -> None:
    spec = read_expression(Source("<expression>", "|w| + (w-1)^2"), {"w": 0.0})
    found = train(spec, Options(check=1, steps=3), wrt="w")
    assert (found.stopped, found.checks[0].verdict) == ("steps", "kink")


# --- the trained spec ---------------------------------------------------------------------------


@every("format", ["toml", "json"])
@every("name", NAMES)
def test_the_trained_spec_can_be_written_and_read(name: str, format: Any) -> None:
    found = training(name)
    again = read_spec(Source("a", write_spec(found.spec, format)), format)
    assert loss(again) == pytest.approx(found.last, rel=1e-12)


def test_what_was_stated_of_the_old_values_is_left_out() -> None:
    spec = toml(RUNAWAY.replace("-2, 2", "0.9, 2"))
    found = train(spec, Options(steps=50))
    assert found.spec.expect is None
    assert list(found.spec.claims) == ["w"]  # which is a formula, and holds anywhere
    assert [one.range for one in found.spec.inputs] == [None, None]
    assert [note.code for note in found.notes] == ["range-left"]
    assert train(toml(RUNAWAY), Options(steps=50)).spec.inputs[0].range == (-2, 2)


def test_the_spec_itself_is_left_as_it_was() -> None:
    spec = toml(RUNAWAY)
    before = write_spec(spec, "toml")
    train(spec, Options(check=10))
    assert write_spec(spec, "toml") == before
    assert len(spec.graph) == spec.size


def test_a_training_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        training("a network").parameters["W1"][1][0, 0] = 3


# --- what cannot be trained ---------------------------------------------------------------------


def test_everything_wrong_with_the_options_is_said_at_once() -> None:
    options = Options("sdg", -1.0, 1.0, 0, 0, -1, math.nan, -1, 0)
    expected = ["learning-rate", "momentum", "steps", "batch", "seed", "target", "show-steps", "check"]
    found = codes(network(), options, wrt="q")
    assert found == ["unknown-optimizer", *(f"bad-{name}" for name in expected), "not-an-input"]


@pytest.mark.parametrize("rate", [0.0, -0.1, math.inf, math.nan])
def test_rates_that_mean_nothing(rate: float) -> None:
    assert codes(network(), Options(rate=rate)) == ["bad-learning-rate"]


def test_a_misspelt_optimizer() -> None:
    (near,), (far,) = (Options(name).problems() for name in ("addam", "lbfgs"))
    assert (near.advice, far.advice) == (
        "did you mean `adam`?",
        "the optimizers are sgd, momentum, nesterov, rmsprop, adam, adamw",
    )


def test_momentum_is_for_momentum() -> None:
    assert codes(network(), Options("adam", momentum=0.5)) == ["no-momentum"]
    assert train(network(), Options("momentum", momentum=0.5, steps=1)).settings == {"momentum": 0.5}


def test_nothing_to_train() -> None:
    with pytest.raises(BpxError, match='role = "parameter"') as caught:
        train(read_expression(Source("<expression>", "x^2"), {"x": 3.0}))
    assert [one.code for one in caught.value.diagnostics] == ["no-parameters"]


def test_inner_nodes_are_not_trained() -> None:
    assert codes(network(), wrt=["h", "nosuch"]) == ["not-an-input"] * 2


def test_the_loss_is_one_number() -> None:
    spec = read_expression(Source("<expression>", "2*x"), {"x": [1.0, 2.0]})
    assert codes(spec, wrt="x") == ["train-needs-scalar"]


@pytest.mark.parametrize(("batch", "code"), [(24, "batch-too-large"), (100, "batch-too-large")])
def test_batches_that_are_too_large(batch: int, code: str) -> None:
    assert codes(network(), Options(batch=batch)) == [code]


def test_batches_of_nothing() -> None:
    assert codes(read_target("mazur_network"), Options(batch=2)) == ["no-axis"]


def test_batches_that_do_not_fit_the_graph() -> None:
    text = 'bpx = 1\n[inputs]\nx = [1, 2, 3]\nw = { value = 1.0, role = "parameter" }\n'
    spec = toml(text + '[graph]\ny = "w*x - [1, 2, 4]"\nL = "sum(y^2)"\n')
    assert codes(spec, Options(batch=2)) == ["batch-shapes", "shape-mismatch"]
    assert train(spec, Options(batch=3, rate=0.01)).taken == 100


def test_a_graph_by_hand_has_fixed_shapes() -> None:
    graph = Graph()
    x, w = graph.input((3,)), graph.input()
    spec = spec_of(ops.sum((x * w - 1) ** 2), {"x": (x, [1, 2, 3]), "w": (w, 0)})
    assert codes(spec, Options(batch=2), wrt="w") == ["fixed-shapes"]
    assert train(spec, Options(rate=0.01), wrt="w").last < loss(spec)


# --- progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "most"), [(7, 8), (5000, 1001)])
def test_progress_is_told_now_and_then(steps: int, most: int) -> None:
    told: list[tuple[float, float]] = []
    found = train(toml(RUNAWAY), Options(steps=steps), progress=lambda *one: told.append(one))
    assert len(told) == most
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (told[0], told[-1]) == ((0.0, found.first), (1.0, found.last))


def test_the_history_is_plain_numbers() -> None:
    assert all(type(one) is float for one in training("batches").history)
    json.dumps(training("a network").history)
