import numpy as np

C = 0.3


def unpack(theta):
    return theta[:-1], theta[-1]


def f(theta, X, y):
    """Penalised log loss, labels -1 / +1. The last entry of theta is the intercept."""
    w, b = unpack(theta)
    margin = y * (X.dot(w) + b)
    return np.mean(np.log1p(np.exp(-margin))) + 0.5 * C * w.dot(w)


def grad(theta, X, y):
    w, b = unpack(theta)
    margin = y * (X.dot(w) + b)
    sig = 1 / (1 + np.exp(margin))
    r = -y * sig
    g = np.empty_like(theta)
    g[:-1] = X.T.dot(r) / len(y) + C * w
    g[-1] = r.mean()
    return g


def inputs():
    rng = np.random.RandomState(7)
    return {'theta': rng.randn(4), 'X': rng.randn(6, 3), 'y': np.array([1., -1., 1., 1., -1., -1.])}
