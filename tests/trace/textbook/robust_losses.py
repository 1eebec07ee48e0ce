import numpy as np

x = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
y = np.array([0.3, 0.9, 1.4, 9.0, 2.6, 2.9, 3.7])   # one outlier

def huber(w, delta=1.0):
    r = y - (w[0] + w[1] * x)
    return np.sum(np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))

def pinball(w):
    tau = 0.8
    resid = y - np.polyval(w[::-1], x)
    return np.where(resid >= 0, tau * resid, (tau - 1) * resid).mean()

def log_cosh(w):
    r = y - w @ np.vstack([np.ones_like(x), x])
    return np.log(np.cosh(r)).sum()

def inputs():
    return {'w': np.array([0.45, 0.85])}
