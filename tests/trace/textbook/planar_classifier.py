"""Week 3: one hidden layer. Examples are COLUMNS of X."""
import numpy as np


def sigmoid(z):
    s = 1. / (1. + np.exp(-z))
    return s


def forward_propagation(X, parameters):
    W1 = parameters['W1']
    b1 = parameters['b1']
    W2 = parameters['W2']
    b2 = parameters['b2']

    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)

    assert(A2.shape == (1, X.shape[1]))
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return A2, cache


def compute_cost(X, Y, W1, b1, W2, b2):
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    A2, cache = forward_propagation(X, parameters)
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -np.sum(logprobs) / m
    cost = np.squeeze(cost)
    return cost


def inputs():
    np.random.seed(1)
    X = np.random.randn(2, 7)
    Y = (np.random.randn(1, 7) > 0).astype(float)
    W1 = np.random.randn(4, 2) * 0.5
    b1 = np.zeros((4, 1))
    W2 = np.random.randn(1, 4) * 0.5
    b2 = np.zeros((1, 1))
    return {"X": X, "Y": Y, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
