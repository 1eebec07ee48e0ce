"""Specs to train, and trainings for the tests of the renderers."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_spec
from bpx.spec.reading.target import read_target
from bpx.train.train import Options, train
from bpx.train.training import Training
from bpx.words.diagnostic import Source

WRONG_RULE = """bpx = 1
[inputs]
x = 0.5
w = { value = 2.0, role = "parameter" }
[graph]
y = "glide(w*x)"
L = "-y"
[ops.glide]
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "sigmoid(x)" }
"""
RUNAWAY = """bpx = 1
title = "Too fast"
[inputs]
w = { value = 1.0, role = "parameter", range = [-2, 2] }
c = 0.5
[graph]
apart = "w - c"
L = "apart^2"
[expect]
value = 0.25
[claims]
w = "2*apart"
apart = 1.0
"""
INTO_THE_WALL = """bpx = 1
[inputs]
w = { value = 1.0, role = "parameter" }
[graph]
root = "sqrt(w)"
L = "root + w"
"""


def toml(text: str) -> NamedGraph:
    """The spec in a TOML text."""
    return read_spec(Source("a.toml", text), "toml")


def parameter(value: Any) -> dict[str, Any]:
    """An input that is trained."""
    return {"value": np.asarray(value).tolist(), "role": "parameter"}


@cache
def network(examples: int = 23) -> NamedGraph:
    """A 2-5-1 network whose examples say whether two numbers have the same sign."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=(examples, 2))
    document = {
        "bpx": 1,
        "title": "Same sign?",
        "inputs": {
            "X": x.tolist(),
            "y": {"value": np.sign(x[:, :1] * x[:, 1:]).tolist(), "role": "target"},
            "W1": parameter(draw.normal(size=(2, 5))),
            "b1": parameter(draw.normal(size=5)),
            "W2": parameter(draw.normal(size=(5, 1)) / 2),
            "b2": parameter(0.0),
        },
        "graph": {"h": "tanh(X @ W1 + b1)", "o": "h @ W2 + b2", "L": "mean((o - y)^2)"},
    }
    return read_spec(Source("net.json", json.dumps(document)), "json")


MAKERS: dict[str, tuple[Any, Options]] = {
    "logistic regression": (lambda: read_target("logistic_regression"), Options(steps=30, show_steps=2)),
    "all scalars": (lambda: read_target("mazur_network"), Options(rate=0.5, show_steps=1, check=40)),
    "a network": (network, Options("adam", steps=400, show_steps=2, check=150)),
    "batches": (network, Options("momentum", momentum=0.5, batch=5, steps=30, seed=7, check=20)),
    "a schedule": (
        network,
        Options("adamw(weight_decay=0.1)", steps=20, show_steps=2, schedule="cosine(warmup=4)"),
    ),
    "batches to a target": (network, Options("adam", batch=23, steps=500, target=0.5)),
    "to a target": (network, Options("adam", target=0.7)),
    "target missed": (network, Options(target=1e-9, steps=3)),
    "one step": (network, Options(steps=1)),
    "no step": (network, Options(target=1e9)),
    "not finite": (lambda: toml(RUNAWAY), Options(rate=1e40, show_steps=9)),
    "outside the domain": (lambda: toml(INTO_THE_WALL), Options(rate=1.0)),
    "a wrong rule": (lambda: toml(WRONG_RULE), Options(check=10)),
    "out of its range": (lambda: toml(RUNAWAY.replace("-2, 2", "0.9, 2")), Options(steps=50)),
}
NAMES = list(MAKERS)


@cache
def training(name: str) -> Training:
    """The training of that name."""
    make, options = MAKERS[name]
    return train(make(), options)
