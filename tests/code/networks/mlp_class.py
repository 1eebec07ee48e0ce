import numpy as np


class MLP:
    """Two tanh layers and a linear one. forward keeps what backward needs; gradients end up in self.d..."""

    def __init__(self, sizes=(3, 4, 4, 1), seed=0):
        rs = np.random.RandomState(seed)
        a, b, c, d = sizes
        self.W1, self.b1 = rs.randn(b, a), np.zeros((b, 1))
        self.W2, self.b2 = rs.randn(c, b), np.zeros((c, 1))
        self.W3, self.b3 = rs.randn(d, c), np.zeros((d, 1))

    def forward(self, X):
        self.X = X
        self.z1 = np.dot(self.W1, X) + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = np.dot(self.W2, self.a1) + self.b2
        self.a2 = np.tanh(self.z2)
        self.yhat = np.dot(self.W3, self.a2) + self.b3
        return self.yhat

    def loss(self, X, y):
        m = X.shape[1]
        return 0.5 * np.sum((self.forward(X) - y) ** 2) / m

    def backward(self, y):
        m = y.shape[1]
        d3 = (self.yhat - y) / m
        self.dW3 = np.dot(d3, self.a2.T)
        self.db3 = d3.sum(axis=1, keepdims=True)
        d2 = np.dot(self.W3.T, d3) * (1 - self.a2 ** 2)
        self.dW2 = np.dot(d2, self.a1.T)
        self.db2 = d2.sum(axis=1, keepdims=True)
        d1 = np.dot(self.W2.T, d2) * (1 - self.a1 ** 2)
        self.dW1 = np.dot(d1, self.X.T)
        self.db1 = d1.sum(axis=1, keepdims=True)


net = MLP()


def inputs():
    rs = np.random.RandomState(12)
    return {"X": rs.randn(3, 5), "y": rs.randn(1, 5)}
