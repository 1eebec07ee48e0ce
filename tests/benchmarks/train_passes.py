"""One pass of the engine of `train`, forward and reverse, beside the same pass written by hand in NumPy.

The networks are specs, the engine is that of training, and what is written by hand is what somebody writes
who knows NumPy: a convolution as one product of matrices, over windows that are copied once; the four gates
of an LSTM in one product, and the gradients of its weights in one product over all steps. Both take the same
examples at each call. CPU time of one thread, medians of runs in turn.

Run: python tests/benchmarks/train_passes.py [--quick] [NAME ...]
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is first imported

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from networks import classifier, classifier_by_hand, moons_by_hand, moons_network
from results import result

import bpx
from bpx.train.loss import CompiledLoss, Parameters

Arrays = dict[str, Any]
STEPS, UNITS, FEATURES, ROWS = 20, 64, 32, 32  # of the LSTM
IMAGES, CLASSES = 16, 10  # of the convolutional network


class Network(NamedTuple):
    """A loss as bpx reads it, its examples and parameters, and the loss and its gradients by hand."""

    title: str
    loss: str
    data: Arrays
    parameters: Arrays
    by_hand: Callable[[Arrays, Arrays], Sequence[Any]]
    calls: int  # in one measurement


# --- networks of two and three layers -----------------------------------------------------------


def moons() -> Network:
    """2-16-16-1, 100 points, hinge loss and squared weights."""
    network = moons_network(np.random.default_rng(0))
    squares = " + ".join(f"sum({name} * {name})" for name in network.parameters)
    hidden = "relu(relu(x @ W1 + b1) @ W2 + b2)"
    loss = f"mean(relu(1 - y * reshape({hidden} @ W3 + b3, shape=[-1]))) + 1e-4 * ({squares})"
    return Network(network.title, loss, network.data, network.parameters, moons_by_hand, 100)


def digits() -> Network:
    """784-128-10, batch 64, cross-entropy."""
    network = classifier(np.random.default_rng(0), 64, (784, 128, 10))
    loss = "-mean(sum(y * log_softmax(relu(x @ W1 + b1) @ W2 + b2), axis=1))"
    return Network(network.title, loss, network.data, network.parameters, classifier_by_hand, 40)


# --- a convolutional network --------------------------------------------------------------------


def convolutional() -> Network:
    """Two convolutions of 8 and 16 channels, each with relu and a pool, a linear layer, cross-entropy."""
    rng = np.random.default_rng(0)
    parameters = {
        "W1": rng.normal(size=(8, 1, 3, 3)) / 3,
        "b1": rng.normal(size=8) / 10,
        "W2": rng.normal(size=(16, 8, 3, 3)) / 8,
        "b2": rng.normal(size=16) / 10,
        "W3": rng.normal(size=(784, CLASSES)) / 28,
        "b3": rng.normal(size=CLASSES) / 10,
    }
    data = {
        "x": rng.normal(size=(IMAGES, 1, 28, 28)),
        "y": np.eye(CLASSES)[rng.integers(0, CLASSES, IMAGES)],
    }
    first = "max_pool(relu(conv2d(x, W1, b1, padding=1)), size=2)"
    second = f"max_pool(relu(conv2d({first}, W2, b2, padding=1)), size=2)"
    scores = f"reshape({second}, shape=[{IMAGES}, 784]) @ W3 + b3"
    loss = f"-mean(sum(y * log_softmax({scores}), axis=1))"
    title = f"convolutional network, {IMAGES} images of 28 × 28"
    return Network(title, loss, data, parameters, convolutional_by_hand, 1)


def columns(x: Any) -> Any:
    """The windows of 3 × 3 of x, C×N×H×W, with a border of zeros, as columns of a matrix."""
    c, n, h, w = x.shape
    whole = np.zeros((c, n, h + 2, w + 2))
    whole[..., 1:-1, 1:-1] = x
    seen = np.lib.stride_tricks.sliding_window_view(whole, (3, 3), axis=(2, 3))
    return seen.transpose(0, 4, 5, 1, 2, 3).reshape(9 * c, n * h * w)


def images(of_columns: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of `columns`."""
    c, n, h, w = shape
    parts = of_columns.reshape(c, 3, 3, n, h, w)
    whole = np.zeros((c, n, h + 2, w + 2))
    for i in range(3):
        for j in range(3):
            whole[..., i : i + h, j : j + w] += parts[:, i, j]
    return whole[..., 1:-1, 1:-1]


def corners(x: Any) -> list[Any]:
    """The four elements of all windows of 2 × 2 that a pool looks at."""
    return [x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]


def unpooled(d: Any, x: Any, out: Any) -> Any:
    """What arrives at the largest of four, put back; behind relu, only zeros tie, and relu stops those."""
    back = np.empty_like(x)
    for part, at in zip(corners(back), corners(x), strict=True):
        np.multiply(d, at == out, out=part)
    return back


def convolutional_by_hand(data: Arrays, v: Arrays) -> Sequence[Any]:
    x, y, n = (
        data["x"].transpose(1, 0, 2, 3),
        data["y"],
        IMAGES,
    )  # channels first: no axis moves between layers
    w1, w2 = v["W1"].reshape(8, -1), v["W2"].reshape(16, -1)
    c1 = columns(x)
    a1 = np.maximum(w1 @ c1 + v["b1"][:, None], 0).reshape(8, n, 28, 28)
    p1 = reduce(np.maximum, corners(a1))
    c2 = columns(p1)
    a2 = np.maximum(w2 @ c2 + v["b2"][:, None], 0).reshape(16, n, 14, 14)
    p2 = reduce(np.maximum, corners(a2))
    flat = p2.transpose(1, 0, 2, 3).reshape(n, 784)
    scores = flat @ v["W3"] + v["b3"]
    scores -= scores.max(1, keepdims=True)
    share = np.exp(scores)
    total = share.sum(1, keepdims=True)
    loss = -(y * (scores - np.log(total))).sum() / n
    d3 = (share / total - y) / n
    back = (d3 @ v["W3"].T).reshape(n, 16, 7, 7).transpose(1, 0, 2, 3)
    d2 = (unpooled(back, a2, p2) * (a2 > 0)).reshape(16, -1)
    d1 = (unpooled(images(w2.T @ d2, p1.shape), a1, p1) * (a1 > 0)).reshape(8, -1)
    weights = [(d1 @ c1.T).reshape(v["W1"].shape), (d2 @ c2.T).reshape(v["W2"].shape)]
    return [loss, weights[0], d1.sum(1), weights[1], d2.sum(1), flat.T @ d3, d3.sum(0)]


# --- an LSTM ------------------------------------------------------------------------------------


def lstm() -> Network:
    """An LSTM unrolled, and the squared error of a linear layer on its last state."""
    rng = np.random.default_rng(0)
    parameters = {
        "W": rng.normal(size=(4 * UNITS, FEATURES)) / FEATURES**0.5,
        "U": rng.normal(size=(4 * UNITS, UNITS)) / UNITS**0.5,
        "b": rng.normal(size=4 * UNITS) / 10,
        "d": rng.normal(size=4 * UNITS) / 10,
        "V": rng.normal(size=(UNITS, 1)) / UNITS**0.5,
    }
    data = {"x": rng.normal(size=(STEPS, ROWS, FEATURES)), "t": rng.normal(size=(ROWS, 1))}
    data |= {"h0": np.zeros((ROWS, UNITS)), "c0": np.zeros((ROWS, UNITS))}
    title = f"LSTM of {UNITS} units, {STEPS} steps, batch {ROWS}"
    return Network(title, "", data, parameters, lstm_by_hand, 1)


def lstm_spec(network: Network) -> bpx.Spec:
    """The LSTM by the block that specs know."""
    steps = [
        f'h{t} = "lstm_cell(x[{t - 1}], h{t - 1}, {_state(t - 1)}, W, U, b, d)"' for t in range(1, STEPS + 1)
    ]
    shapes = {name: list(np.shape(at)) for name, at in (network.data | network.parameters).items()}
    inputs = [f"{name} = {{ normal = {shape}, seed = 1 }}" for name, shape in shapes.items()]
    text = ["bpx = 1", "[inputs]", *inputs, "[graph]", *steps, f'L = "mean((h{STEPS} @ V - t)^2)"']
    return bpx.load("\n".join(text))


def _state(t: int) -> str:
    return f"h{t}.c_next" if t else "c0"


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def lstm_by_hand(data: Arrays, v: Arrays) -> Sequence[Any]:
    n, u = UNITS, v["U"]
    x, h, c = data["x"], data["h0"], data["c0"]
    of_x = x @ v["W"].T + (v["b"] + v["d"])
    before, gates, cells, outs = [], [], [c], []
    for t in range(STEPS):
        z = of_x[t] + h @ u.T
        before.append(h)
        first, g, o = sigmoid(z[:, : 2 * n]), np.tanh(z[:, 2 * n : 3 * n]), sigmoid(z[:, 3 * n :])
        i, f = first[:, :n], first[:, n:]
        c = f * c + i * g
        out = np.tanh(c)
        h = o * out
        gates.append((i, f, g, o))
        cells.append(c)
        outs.append(out)
    off = h @ v["V"] - data["t"]
    d_off = 2 * off / off.size
    dh, dc = d_off @ v["V"].T, 0.0
    dz = np.empty((STEPS, ROWS, 4 * n))
    for t in reversed(range(STEPS)):
        (i, f, g, o), out = gates[t], outs[t]
        dc = dc + dh * o * (1 - out * out)
        dz[t, :, :n] = dc * g * i * (1 - i)
        dz[t, :, n : 2 * n] = dc * cells[t] * f * (1 - f)
        dz[t, :, 2 * n : 3 * n] = dc * i * (1 - g * g)
        dz[t, :, 3 * n :] = dh * out * o * (1 - o)
        dh, dc = dz[t] @ u, dc * f
    rows = dz.reshape(STEPS * ROWS, -1)
    bias = rows.sum(0)
    of_w, of_u = rows.T @ x.reshape(len(rows), -1), rows.T @ np.concatenate(before)
    return [(off * off).mean(), of_w, of_u, bias, bias, h.T @ d_off]


# --- the table ----------------------------------------------------------------------------------


def spec_of(network: Network) -> bpx.Spec:
    return (
        bpx.parse(network.loss, **network.data, **network.parameters) if network.loss else lstm_spec(network)
    )


def passes(network: Network) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The pass of the engine and that by hand, after they have been seen to say the same."""
    spec = spec_of(network)
    leaves = {leaf.name: leaf for leaf in spec.inputs}
    named = [leaves[name]._replace(value=np.asarray(at)) for name, at in network.parameters.items()]
    engine = CompiledLoss(spec, Parameters(named), list(network.data), derived=True)

    def ours() -> Any:
        return engine(network.data)

    def theirs() -> Any:
        return network.by_hand(network.data, network.parameters)

    loss, gradients = ours()
    for value, right in zip([loss, *gradients], theirs(), strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-9, atol=1e-12)
    return ours, theirs


def seconds(action: Callable[[], Any], calls: int) -> float:
    """CPU time of a call."""
    start = time.process_time()
    for _ in range(calls):
        action()
    return (time.process_time() - start) / calls


def row(network: Network, rounds: int) -> None:
    ours, theirs = passes(network)
    seconds(ours, network.calls), seconds(theirs, network.calls)
    pairs = [(seconds(ours, network.calls), seconds(theirs, network.calls)) for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    mine, hand = (statistics.median(column) for column in zip(*pairs, strict=True))
    figure = f"{1e6 * mine:,.0f} µs, {ratio:.2f} × NumPy by hand ({1e6 * hand:,.0f} µs)"
    print(f"{network.title}: {figure}")
    result(f"one pass of `train`'s engine, {network.title}", figure)


NETWORKS = {"moons": moons, "digits": digits, "convolutional": convolutional, "lstm": lstm}


def main(args: Sequence[str]) -> None:
    """Measure the networks that are named, or all."""
    wanted = [arg for arg in args if arg != "--quick"]
    for name, network in NETWORKS.items():
        if not wanted or name in wanted:
            row(network(), 11 if "--quick" in args else 101)


if __name__ == "__main__":
    main(sys.argv[1:])
