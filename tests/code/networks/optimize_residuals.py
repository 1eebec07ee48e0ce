import numpy as np

# damped oscillation a * exp(-k t) * cos(w t + p) fitted with least_squares
t = np.linspace(0.1, 3, 7)


def residuals(p, y):
    a, k, w, phi = p
    return a * np.exp(-k * t) * np.cos(w * t + phi) - y


def jac(p, y):
    a, k, w, phi = p
    decay = np.exp(-k * t)
    c = np.cos(w * t + phi)
    s = np.sin(w * t + phi)
    J = np.empty((t.size, 4))
    J[:, 0] = decay * c
    J[:, 1] = -t * a * decay * c
    J[:, 2] = -a * decay * s * t
    J[:, 3] = -a * decay * s
    return J


def inputs():
    rng = np.random.default_rng(16)
    y = 2 * np.exp(-0.5 * t) * np.cos(3 * t) + 0.1 * rng.normal(size=t.size)
    return {'p': np.array([1.7, 0.4, 2.8, 0.2]), 'y': y}
