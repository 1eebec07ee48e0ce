import numpy as np

X = np.array([[0., 0., 1.], [0., 1., 1.], [1., 0., 1.], [1., 1., 1.]])
y = np.array([[0.], [1.], [1.], [0.]])
np.random.seed(1)
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1


def nonlin(x):
    return 1 / (1 + np.exp(-x))


def step(lr=1.0):
    global syn0, syn1
    l1 = nonlin(np.dot(X, syn0))
    l2 = nonlin(np.dot(l1, syn1))
    loss = 0.5 * np.sum((y - l2) ** 2)
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * (l1 * (1 - l1))
    syn1 += lr * l1.T.dot(l2_delta)
    syn0 += lr * X.T.dot(l1_delta)
    return loss
