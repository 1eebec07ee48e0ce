import numpy as np

def fit(X, y):
    Xb = np.c_[np.ones(X.shape[0]), X]      # add x0 = 1 to each instance
    theta = np.linalg.inv(Xb.T.dot(Xb)).dot(Xb.T).dot(y)
    return theta

def rss(X, y):
    # what is left of y that X does not explain
    theta = fit(X, y)
    resid = y - (theta[0] + np.dot(X, theta[1:]))
    return np.sum(np.square(resid))

def r_squared(X, y):
    ss_res = rss(X, y)
    ss_tot = np.sum((y - y.mean()) ** 2)
    return 1 - ss_res / ss_tot

def inputs():
    np.random.seed(42)
    X = 2 * np.random.rand(8, 2)
    y = 4 + X @ np.array([3., -1.5]) + np.random.randn(8)
    return {"X": X, "y": y}
