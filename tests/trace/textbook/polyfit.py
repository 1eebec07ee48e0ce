import numpy as np

x_data = np.arange(-2, 3) * 0.75
y_data = np.array([3.1, 0.4, -0.2, 1.3, 4.9])


def horner(coefs, x):
    # highest degree first, as in polyval
    y = np.zeros_like(x)
    for c in coefs:
        y = y * x + c
    return y


def vander_fit(coefs, x):
    s = 0
    n = len(coefs) - 1
    for k, c in enumerate(coefs):
        s += c * x ** (n - k)
    return s


def sse(coefs):
    r = horner(coefs, x_data) - y_data
    return r.dot(r)


def sse_powers(coefs):
    return sum((vander_fit(coefs, x) - y) ** 2 for x, y in zip(x_data, y_data))


def inputs():
    return {'coefs': np.array([0.3, 0.8, 0.5, -0.1])}
