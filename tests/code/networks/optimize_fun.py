import numpy as np


def fun(theta, X, t):
    """For minimize(fun, theta0, jac=True): value and gradient at once, all weights in one vector."""
    n, d = X.shape
    h = 4
    W = theta[:d*h].reshape(d, h)
    c = theta[d*h:d*h + h]
    v = theta[d*h + h:]
    A = X @ W + c
    S = np.logaddexp(0, A)                # softplus
    y = S @ v
    e = y - t
    value = 0.5 * e @ e + 0.5 * 0.01 * theta @ theta

    gv = S.T @ e
    gS = np.outer(e, v)
    gA = gS / (1 + np.exp(-A))
    gW = X.T @ gA
    gc = gA.sum(axis=0)
    g = np.concatenate([gW.ravel(), gc, gv])
    g += 0.01 * theta
    return value, g


def inputs():
    rng = np.random.default_rng(5)
    return {'theta': rng.normal(size=4 * 4 + 4 + 4), 'X': rng.normal(size=(4, 4)), 't': rng.normal(size=4)}
