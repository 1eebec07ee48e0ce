"""A small library: every layer has a dict of params and, after backward, a dict of grads by the same names."""
from typing import Dict, Iterator, Sequence, Tuple

import numpy as np
from numpy import ndarray as Tensor


class Layer:
    def __init__(self) -> None:
        self.params: Dict[str, Tensor] = {}
        self.grads: Dict[str, Tensor] = {}


class Linear(Layer):
    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.params["w"] = np.random.randn(input_size, output_size)
        self.params["b"] = np.random.randn(output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad: Tensor) -> Tensor:
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] = self.inputs.T @ grad
        return grad @ self.params["w"].T


class Tanh(Layer):
    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        return np.tanh(inputs)

    def backward(self, grad: Tensor) -> Tensor:
        y = np.tanh(self.inputs)
        return (1 - y ** 2) * grad


class NeuralNet:
    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers

    def forward(self, inputs: Tensor) -> Tensor:
        for layer in self.layers:
            inputs = layer.forward(inputs)
        return inputs

    def backward(self, grad: Tensor) -> Tensor:
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def params_and_grads(self) -> Iterator[Tuple[Tensor, Tensor]]:
        for layer in self.layers:
            for name, param in layer.params.items():
                yield param, layer.grads[name]


class TSE:
    """total squared error"""

    def loss(self, predicted: Tensor, actual: Tensor) -> float:
        return np.sum((predicted - actual) ** 2)

    def grad(self, predicted: Tensor, actual: Tensor) -> Tensor:
        return 2 * (predicted - actual)


np.random.seed(3)
net = NeuralNet([Linear(3, 3), Tanh(), Linear(3, 3)])
criterion = TSE()


def inputs():
    rs = np.random.RandomState(4)
    return {"inputs": rs.randn(3, 3), "targets": rs.randn(3, 3)}
