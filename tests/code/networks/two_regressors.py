import numpy as np


def loss_and_grads(params, x, t):
    # params is [W1, b1, W2, b2]; sigmoid hidden units, linear output, mean squared error
    W1, b1, W2, b2 = params
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    y = h @ W2 + b2
    diff = y - t
    loss = np.mean(diff ** 2)

    dy = 2 * diff / diff.size
    gW2 = h.T @ dy
    gb2 = dy.sum(0)
    dh = dy @ W2.T
    da = dh * h * (1 - h)
    gW1 = x.T @ da
    gb1 = da.sum(0)
    return loss, [gW1, gb1, gW2, gb2]


def inputs():
    rng = np.random.default_rng(10)
    n = 3
    params = [rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=(n, n)), rng.normal(size=n)]
    return {"params": params, "x": rng.normal(size=(n, n)), "t": rng.normal(size=(n, n))}
