import numpy as np


class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.normal(0, 0.5, (n_in, n_out))
        self.b = rng.normal(0, 0.1, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class Sigmoid:
    def forward(self, z):
        self.z = z
        self.out = 1.0 / (1.0 + np.exp(-z))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1.0 - self.out)


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


rng = np.random.default_rng(6)
net = Sequential(Dense(3, 3, rng), Sigmoid(), Dense(3, 3, rng))


def inputs():
    return {"x": np.random.default_rng(7).normal(size=(3, 3))}
