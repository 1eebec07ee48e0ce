import numpy as np

def newton_sqrt(a):
    # Heron
    x = a
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x

def implied_root(c):
    """Root near 1 of x^3 + c[0] x - c[1] by Newton's method."""
    x = 1.0
    n_iter = 0
    while True:
        fx = x**3 + c[0] * x - c[1]
        dfx = 3 * x**2 + c[0]
        step = fx / dfx
        x -= step
        n_iter += 1
        if np.abs(step) < 1e-12 or n_iter == 50:
            break
    return x

def distance_to_root(a, c):
    return np.hypot(newton_sqrt(a), implied_root(c))

def inputs():
    return {'a': np.float64(7.0), 'c': np.array([1.5, 3.2])}
