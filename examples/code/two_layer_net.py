"""A network of two layers with its gradient by hand, and a mistake in it: `bpx gradcheck` names the line."""

import numpy as np


def forward(X, W1, b1, W2, b2):
    """The scores, and what the backward pass needs."""
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    return Z2, (X, A1, W2)


def backward(dZ2, cache):
    """The gradients of the parameters from that of the scores."""
    X, A1, W2 = cache
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2.T) * (1 - A1)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


def loss(X, W1, b1, W2, b2):
    """Half the mean square of the scores."""
    Z2, _ = forward(X, W1, b1, W2, b2)
    return 0.5 * np.mean(Z2**2)


def inputs():
    """Values at which the gradient is checked."""
    rng = np.random.default_rng(0)
    return {
        "X": rng.normal(size=(4, 2)),
        "W1": rng.normal(size=(2, 3)),
        "b1": np.zeros(3),
        "W2": rng.normal(size=(3, 1)),
        "b2": np.zeros(1),
    }
