"""What a step of training costs: bpx's engine beside NumPy by hand, and beside autograd, torch and micrograd.

Run: python tests/benchmarks/networks.py [--quick] [--rewritings]

Each is timed in turn, round after round, so that drift of the machine's speed hits all alike; shown are
medians, and the medians of the ratios round by round. BLAS has one thread unless OPENBLAS_NUM_THREADS
says otherwise. Libraries that are not installed are left out; `pip install '.[bench]'` gets the small ones.
"""

from __future__ import annotations

import os

THREADS = int(os.environ.setdefault("OPENBLAS_NUM_THREADS", "1"))  # read when NumPy is first imported

import importlib.util  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Mapping, Sequence  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

import bpx  # noqa: E402
from bpx import ops  # noqa: E402
from bpx.graph.graph import Expr, Graph  # noqa: E402
from bpx.passes.compiling.compiled import Compiled, compiled  # noqa: E402
from bpx.passes.compiling.rewritings import REWRITINGS  # noqa: E402
from bpx.passes.reverse import grad  # noqa: E402

STEPS = 100
SHRINK = 1e-4  # the factor of the squared weights in the loss
MICROGRAD_STEPS = 2  # of which all are alike; it takes more than a second for each

Arrays = dict[str, Any]
Pass = Callable[[Arrays], Sequence[Any]]  # parameters → the loss and its gradient by each


class Network(NamedTuple):
    """Data, parameters, and the loss and its gradients in several hands.

    `loss` is written once for all that have NumPy's operators: `lib` has relu, log_softmax, mean and sum.
    """

    title: str
    data: Arrays
    parameters: Arrays
    loss: Callable[[Any, Arrays], Any]
    by_hand: Callable[[Arrays, Arrays], Sequence[Any]]


# --- the networks -------------------------------------------------------------------------------


def moons_network(rng: np.random.Generator, points: int = 100) -> Network:
    """The demo of micrograd: two moons, a 2-16-16-1 network, hinge loss and squared weights."""
    shape = {"W1": (2, 16), "b1": 16, "W2": (16, 16), "b2": 16, "W3": (16, 1), "b3": 1}
    parameters = {
        name: rng.uniform(-1, 1, size) if name[0] == "W" else np.zeros(size) for name, size in shape.items()
    }
    x, y = two_moons(points, rng)
    title = f"2-16-16-1, {points} points"
    return Network(title, {"x": x, "y": y}, parameters, moons_loss, moons_by_hand)


def two_moons(points: int, rng: np.random.Generator, noise: float = 0.1) -> tuple[Any, Any]:
    """Two half circles that grip each other, labelled -1 and 1, as scikit-learn's make_moons draws them."""
    angle = np.linspace(0, np.pi, points // 2)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.concatenate([outer, inner]) + rng.normal(scale=noise, size=(2 * len(angle), 2))
    return x, np.repeat([-1.0, 1.0], len(angle))


def moons_loss(lib: Any, v: Arrays) -> Any:
    hidden = lib.relu(lib.relu(v["x"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"])
    score = lib.reshape(hidden @ v["W3"] + v["b3"], (-1,))
    squares = [lib.sum(v[name] * v[name]) for name in ("W1", "b1", "W2", "b2", "W3", "b3")]
    return lib.mean(lib.relu(1 - v["y"] * score)) + SHRINK * sum(squares[1:], squares[0])


def moons_by_hand(data: Arrays, v: Arrays) -> Sequence[Any]:
    x, y, w2, w3 = data["x"], data["y"], v["W2"], v["W3"]
    z1 = x @ v["W1"] + v["b1"]
    h1 = np.maximum(z1, 0)
    z2 = h1 @ w2 + v["b2"]
    h2 = np.maximum(z2, 0)
    margin = 1 - y * (h2 @ w3 + v["b3"])[:, 0]
    loss = np.maximum(margin, 0).mean() + SHRINK * sum((one * one).sum() for one in v.values())
    d3 = np.where(margin > 0, -y / len(y), 0)[:, None]
    d2 = (d3 @ w3.T) * (z2 > 0)
    d1 = (d2 @ w2.T) * (z1 > 0)
    slopes = [x.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)]
    return [loss, *(slope + 2 * SHRINK * one for slope, one in zip(slopes, v.values(), strict=True))]


def classifier(rng: np.random.Generator, batch: int, sizes: tuple[int, int, int]) -> Network:
    """One hidden layer and the cross-entropy of a softmax, on random data: what they mean costs no time."""
    first, hidden, last = sizes
    parameters = {
        "W1": rng.normal(size=(first, hidden)) / first**0.5,
        "b1": np.zeros(hidden),
        "W2": rng.normal(size=(hidden, last)) / hidden**0.5,
        "b2": np.zeros(last),
    }
    data = {"x": rng.uniform(size=(batch, first)), "y": np.eye(last)[rng.integers(0, last, batch)]}
    title = f"{first}-{hidden}-{last}, batch {batch}"
    return Network(title, data, parameters, classifier_loss, classifier_by_hand)


def classifier_loss(lib: Any, v: Arrays) -> Any:
    scores = lib.relu(v["x"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return -lib.mean(lib.sum(v["y"] * lib.log_softmax(scores), 1))


def classifier_by_hand(data: Arrays, v: Arrays) -> Sequence[Any]:
    x, y, w2 = data["x"], data["y"], v["W2"]
    z = x @ v["W1"] + v["b1"]
    h = np.maximum(z, 0)
    scores = h @ w2 + v["b2"]
    scores -= scores.max(1, keepdims=True)
    share = np.exp(scores)
    total = share.sum(1, keepdims=True)
    loss = -(y * (scores - np.log(total))).sum() / len(y)
    d2 = (share / total - y) / len(y)
    d1 = (d2 @ w2.T) * (z > 0)
    return [loss, x.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)]


def normed_loss(lib: Any, v: Arrays) -> Any:
    """A layer norm in its parts, and powers: for what the networks above do not meet."""
    hidden = v["x"] @ v["W1"] + v["b1"]
    off = hidden - lib.reshape(lib.mean(hidden, 1), (-1, 1))
    scale = (lib.mean(off * off, 1) + 1e-5) ** 0.5
    return lib.mean(((off / lib.reshape(scale, (-1, 1))) ** 3 @ v["W3"] + v["b3"]) ** 4)


# --- the loss and its gradients, in several hands -----------------------------------------------


class OfBpx:
    """What a loss is written with, on nodes."""

    relu, log_softmax = ops.relu, ops.log_softmax

    @staticmethod
    def reshape(x: Expr, shape: tuple[int, ...]) -> Expr:
        return ops.reshape(x, shape=shape)

    @staticmethod
    def sum(x: Expr, axis: int | None = None) -> Expr:
        return ops.sum(x, axis=axis)

    @staticmethod
    def mean(x: Expr, axis: int | None = None) -> Expr:
        return ops.mean(x, axis=axis)


def engine(network: Network) -> tuple[Compiled, dict[str, int]]:
    """The whole way: the graph, its reverse pass, compiling; and the nodes of the parameters."""
    graph = Graph()
    nodes = {name: graph.input(np.shape(at)) for name, at in (network.data | network.parameters).items()}
    loss = network.loss(OfBpx, nodes)
    parameters = {name: nodes[name].id for name in network.parameters}
    targets = [loss, *grad(loss, [nodes[name] for name in parameters])]
    fixed = {nodes[name].id: at for name, at in network.data.items()}
    made = compiled(graph, [target.id for target in targets], parameters.values(), fixed)
    return made, parameters


def bpx_pass(network: Network) -> Pass:
    made, nodes = engine(network)
    return lambda v: made({node: v[name] for name, node in nodes.items()})


def numpy_pass(network: Network) -> Pass:
    return partial(network.by_hand, network.data)


def autograd_pass(network: Network) -> Pass:
    import autograd
    import autograd.numpy as anp

    class Lib:
        mean, sum, reshape = anp.mean, anp.sum, anp.reshape

        @staticmethod
        def relu(x: Any) -> Any:
            return anp.maximum(x, 0)

        @staticmethod
        def log_softmax(x: Any) -> Any:
            below = x - anp.max(x, axis=1, keepdims=True)
            return below - anp.log(anp.sum(anp.exp(below), axis=1, keepdims=True))

    both = autograd.value_and_grad(lambda v: network.loss(Lib, {**network.data, **v}))

    def run(v: Arrays) -> Sequence[Any]:
        loss, slopes = both(v)
        return [loss, *slopes.values()]

    return run


def torch_pass(network: Network) -> Pass:
    import torch

    torch.set_num_threads(THREADS)
    data = {name: torch.tensor(at) for name, at in network.data.items()}

    class Lib:
        relu, mean, sum, reshape = torch.relu, torch.mean, torch.sum, torch.reshape
        log_softmax = partial(torch.log_softmax, dim=1)

    def run(v: Arrays) -> Sequence[Any]:
        now = {name: torch.from_numpy(at).requires_grad_() for name, at in v.items()}
        loss = network.loss(Lib, {**data, **now})
        return [loss.item(), *(one.numpy() for one in torch.autograd.grad(loss, list(now.values())))]

    return run


def passes(network: Network) -> dict[str, Pass]:
    """Those that are installed, after they have been seen to say the same."""
    found = {"NumPy by hand": numpy_pass(network), "bpx": bpx_pass(network)}
    others = {"torch": torch_pass, "autograd": autograd_pass}
    found |= {name: make(network) for name, make in others.items() if installed(name)}
    wanted = found["NumPy by hand"](network.parameters)
    for name, run in found.items():
        for value, right in zip(run(network.parameters), wanted, strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-9, atol=1e-12, err_msg=name)
    return found


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


# --- training -----------------------------------------------------------------------------------


def train(run: Pass, start: Arrays, steps: int = STEPS) -> float:
    """Gradient descent on all points, its rate falling from 1 to 0.1; the last loss."""
    v, loss = {name: at.copy() for name, at in start.items()}, 0.0
    for step in range(steps):
        loss, *slopes = run(v)
        for at, slope in zip(v.values(), slopes, strict=True):
            at -= (1 - 0.9 * step / STEPS) * slope
    return float(loss)


def train_from_nothing(network: Network) -> float:
    """With bpx, building the graph, its reverse pass and compiling among the time."""
    return train(bpx_pass(network), network.parameters)


def train_micrograd(network: Network, steps: int) -> float:
    """As micrograd's own demo does it; the last loss."""
    from micrograd.nn import MLP

    model = MLP(2, [16, 16, 1])
    for place, layer in enumerate(model.layers, start=1):
        w, b = network.parameters[f"W{place}"], network.parameters[f"b{place}"]
        for unit, neuron in enumerate(layer.neurons):
            neuron.b.data = float(b[unit])
            for weight, at in zip(neuron.w, w[:, unit], strict=True):
                weight.data = float(at)
    loss: Any = None
    for step in range(steps):
        loss = micrograd_loss(model, network.data)
        model.zero_grad()
        loss.backward()
        for one in model.parameters():
            one.data -= (1 - 0.9 * step / STEPS) * one.grad
    return float(loss.data)


def micrograd_loss(model: Any, data: Mapping[str, Any]) -> Any:
    from micrograd.engine import Value

    scores = [model([Value(float(one)) for one in row]) for row in data["x"]]
    losses = [(1 + -float(y) * score).relu() for y, score in zip(data["y"], scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + SHRINK * sum(one * one for one in model.parameters())


# --- the tables ---------------------------------------------------------------------------------


def rounds(contestants: Mapping[str, Callable[[], Any]], count: int, calls: int) -> dict[str, list[float]]:
    """Seconds of a call of each, in each of the rounds, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count + 1):
        for name, action in contestants.items():
            start = time.perf_counter()
            for _ in range(calls):
                action()
            times[name].append((time.perf_counter() - start) / calls)
    return {name: found[1:] for name, found in times.items()}


def show(title: str, times: Mapping[str, Sequence[float]], limits: Mapping[str, float]) -> None:
    print(title)
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(found, times["NumPy by hand"], strict=True))
        promised = f" (at most {limits[name]:g})" if name in limits else ""
        print(f"  {name:<28}{1e6 * statistics.median(found):12,.1f} us {ratio:10.2f} x{promised}")


def pass_table(network: Network, count: int, calls: int, limit: float) -> None:
    actions = {name: partial(run, network.parameters) for name, run in passes(network).items()}
    show(f"{network.title}: one forward and reverse pass", rounds(actions, count, calls), {"bpx": limit})


def training_table(network: Network, count: int) -> None:
    actions: dict[str, Callable[[], float]] = {
        name: partial(train, run, network.parameters) for name, run in passes(network).items()
    }
    actions["bpx, building and compiling"] = partial(train_from_nothing, network)
    losses = {name: action() for name, action in actions.items()}
    np.testing.assert_allclose(list(losses.values()), losses["bpx"], rtol=1e-6)
    times = rounds(actions, count, 1)
    limits = {"bpx": 3.0, "bpx, building and compiling": 3.0}
    show(f"{network.title}: training, {STEPS} steps to a loss of {losses['bpx']:.4f}", times, limits)
    if installed("micrograd"):
        micrograd_row(network, statistics.median(times["bpx, building and compiling"]))


def micrograd_row(network: Network, ours: float) -> None:
    start = time.perf_counter()
    loss = train_micrograd(network, MICROGRAD_STEPS)
    theirs = (time.perf_counter() - start) * STEPS / MICROGRAD_STEPS
    np.testing.assert_allclose(
        loss, train(numpy_pass(network), network.parameters, MICROGRAD_STEPS), rtol=1e-9
    )
    print(
        f"  micrograd: {theirs:.0f} s, {STEPS / MICROGRAD_STEPS:g} times what {MICROGRAD_STEPS} steps took: "
        f"{theirs / ours:,.0f} x bpx, building and compiling (at least 1,000)"
    )


def rewriting_table(network: Network, count: int, calls: int) -> None:
    """What a pass costs more without one of the rewritings."""
    actions: dict[str, Callable[[], Any]] = {"all": partial(bpx_pass(network), network.parameters)}
    for op, ways in list(REWRITINGS.items()):
        del REWRITINGS[op]
        actions[op.name] = partial(bpx_pass(network), network.parameters)
        REWRITINGS[op] = ways
    times = rounds(actions, count, calls)
    print(f"{network.title}: a pass costs more without the rewriting of")
    for name in list(actions)[1:]:
        more = statistics.median(a - b for a, b in zip(times[name], times["all"], strict=True))
        print(f"  {name:<12}{1e6 * more:8.1f} us")


DIGITS_SPEC = """
bpx = 1
[inputs]
x = { uniform = [64, 784], low = 0, high = 1, seed = 1 }
label = { value = LABELS, role = "target" }
W1 = { normal = [784, 128], scale = 0.05, seed = 2, role = "parameter" }
b1 = { normal = [128], scale = 0.05, seed = 3, role = "parameter" }
W2 = { normal = [128, 10], scale = 0.05, seed = 4, role = "parameter" }
b2 = { normal = [10], scale = 0.05, seed = 5, role = "parameter" }
[blocks.dense]
args = ["x", "W", "b"]
value = "relu(linear(x, W, b))"
[graph]
hidden = "dense(x, W1, b1)"
scores = "linear(hidden, W2, b2)"
L = "cross_entropy(scores, label)"
"""


def explain_row(count: int) -> None:
    """The whole command, start-up and all, on a network of 784-128-10 units and a batch of 64."""
    spec = DIGITS_SPEC.replace("LABELS", str([i % 10 for i in range(64)]))
    command = [sys.executable, "-m", "bpx", "explain", "-"]
    times = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run(command, input=spec, text=True, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    taken = statistics.median(times)
    print(f"784-128-10, batch 64: `bpx explain`, the whole process: {taken:.2f} s (at most 2)")


def train_command_row(count: int) -> None:
    """`spec.train` on the example, which also makes the report, in seconds for as many steps."""
    spec = bpx.load("two_moons")
    times = []
    for _ in range(count):
        start = time.perf_counter()
        spec.train(steps=STEPS, rate=0.5)
        times.append(time.perf_counter() - start)
    print(f"two_moons, {STEPS} steps by spec.train, all included: {1e3 * statistics.median(times):.1f} ms")


def main(quick: bool, rewritings: bool) -> None:
    rng = np.random.default_rng(0)
    moons, digits = moons_network(rng), classifier(rng, 64, (784, 128, 10))
    count = 5 if quick else 41
    print(f"NumPy {np.__version__}, float64, BLAS threads: {THREADS}")
    pass_table(moons, count, 100, 3.0)
    pass_table(digits, count, 10, 1.5)
    training_table(moons, count)
    train_command_row(count)
    explain_row(min(count, 11))
    if rewritings:
        normed = moons._replace(title="layer norm and powers", loss=normed_loss)
        for network in (moons, classifier(rng, 150, (4, 16, 3)), normed):
            rewriting_table(network, count, 200)


if __name__ == "__main__":
    main("--quick" in sys.argv, "--rewritings" in sys.argv)
