"""The results that textbooks state for whole arrays, found and proved: twelve of twelve."""

from __future__ import annotations

from functools import cache

from checking import point_of, toml
from rows_of_a_table import every

from bpx.check.short.short_forms import GradientForms, ShortForms

SOFTMAX = """bpx = 1
output = "L"
[inputs]
z = [0.5, -1.0, 0.25]
y = { value = [0, 1, 0], role = "target" }
[graph]
p = "softmax(z)"
L = "-sum(y * log(p))"
"""
BATCH_OF_CLASSES = """bpx = 1
output = "L"
[inputs]
z = [[0.5, -1.0, 0.25], [1.5, 0.5, -0.75]]
Y = { value = [[0, 1, 0], [1, 0, 0]], role = "target" }
[graph]
p = "softmax(z, axis=1)"
L = "-sum(Y * log(p)) / 2"
"""
MSE = """bpx = 1
output = "L"
[inputs]
y = [0.5, -1.0, 0.25, 2.0, 1.0]
t = { value = [0, 1, 0, 1, 1], role = "target" }
[graph]
L = "mean((y - t)^2)"
"""
LOGISTIC = """bpx = 1
output = "L"
[inputs]
X = { value = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]], role = "data" }
W = [[0.7], [-0.8]]
b = [0.1]
y = { value = [[1], [0], [1]], role = "target" }
[graph]
z = "X @ W + b"
a = "sigmoid(z)"
L = "-mean(y * log(a) + (1 - y) * log(1 - a))"
"""
LAYER = """bpx = 1
output = "L"
[inputs]
X = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]
W = [[0.7, -0.8], [0.9, 1.0]]
b = [0.1, -0.2]
[graph]
z = "X @ W + b"
h = "ACTIVATION(z)"
L = "sum(h^2)"
"""
LAYER_NORM = """bpx = 1
output = "L"
[inputs]
x = [[0.5, -1.0, 2.0], [1.5, 0.25, -1.0]]
g = [1.5, 0.5, 1.0]
b = [0.1, -0.2, 0.3]
c = { value = [[1, 2, 3], [2, -1, 1]], role = "data" }
[graph]
n = "layer_norm(x)"
y = "n * g + b"
L = "sum(c * y^2)"
"""
ATTENTION = """bpx = 1
output = "L"
[inputs]
Q = [[0.5, -1.0], [1.5, 0.25]]
K = [[0.3, 1.0], [-0.5, 0.75]]
V = [[1.0, 0.2], [0.4, -0.6]]
T = { value = [[1, 0], [0, 1]], role = "target" }
[graph]
S = "Q @ K.T / sqrt(2)"
A = "softmax(S, axis=1)"
O = "A @ V"
L = "sum((O - T)^2)"
"""
ROWS = [
    (SOFTMAX, "z", "p - y", "sum(y) = 1"),
    (BATCH_OF_CLASSES, "z", "(p - Y) / 2", "sum(Y, axis=1) = 1"),
    (MSE, "y", "2 * (y - t) / 5", ""),
    (LOGISTIC, "z", "(a - y) / 3", ""),
    (LOGISTIC, "W", "X.T @ ∂L/∂z", ""),
    (LOGISTIC, "b", "sum(∂L/∂z, axis=0)", ""),
    (LAYER.replace("ACTIVATION", "tanh"), "z", "∂L/∂h * (1 - h^2)", ""),
    (LAYER.replace("ACTIVATION", "relu"), "z", "∂L/∂h * (z > 0)", ""),
    (LAYER.replace("ACTIVATION", "relu"), "X", "∂L/∂z @ W.T", ""),
    (LAYER_NORM, "g", "sum(∂L/∂y * n, axis=0)", ""),
    (LAYER_NORM, "b", "sum(∂L/∂y, axis=0)", ""),
    (ATTENTION, "V", "A.T @ ∂L/∂O", ""),
]


@cache
def searched(text: str):
    made = toml(text)
    return made, ShortForms(point_of(made))


def forms(text: str, name: str) -> GradientForms:
    made, search = searched(text)
    return search.of(made.nodes[name])


def test_there_are_twelve():
    assert len(ROWS) == 12


@every("text, name, wanted, assumes", ROWS)
def test_twelve_of_twelve(text: str, name: str, wanted: str, assumes: str) -> None:
    first = forms(text, name).forms[0]
    assert str(first.formula) == wanted
    assert ", ".join(map(str, first.proof.assumes)) == assumes
    assert first.proof.method != "points" or first.proof.points == 64
