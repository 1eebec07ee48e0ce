import numpy as np


class Layer:
    """The mean over the batch is taken here, in the gradients of the weights, and nowhere else."""

    def __init__(self):
        rs = np.random.RandomState(5)
        self.W = rs.randn(4, 4) * 0.6
        self.b = rs.randn(1, 4) * 0.1

    def forward(self, X):
        self.X = X
        self.Z = X @ self.W + self.b
        self.A = self.Z / (1 + np.exp(-self.Z))     # swish
        return self.A

    def backward(self, dA):
        n = self.X.shape[0]
        s = 1 / (1 + np.exp(-self.Z))
        dZ = dA * (s + self.Z * s * (1 - s))
        self.dW = self.X.T @ dZ / n
        self.db = dZ.mean(axis=0, keepdims=True)
        return dZ @ self.W.T


layer = Layer()


def inputs():
    return {'X': np.random.RandomState(6).randn(4, 4)}
