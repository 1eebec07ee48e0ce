import numpy as np


def pairwise_sq_dists(X, centers):
    return ((X[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)


def pairwise_sq_dists_no_loop(X, centers):
    # (a - b)^2 = a^2 + b^2 - 2ab
    xx = (X ** 2).sum(1)[:, None]
    cc = (centers ** 2).sum(1)
    return np.sqrt(np.maximum(xx + cc - 2 * X.dot(centers.T), 0))


def distortion(X, centers):
    d = pairwise_sq_dists(X, centers)
    nearest = np.argmin(d, axis=1)
    J = 0
    for k in range(len(centers)):
        members = X[nearest == k]
        if len(members) == 0:
            continue
        J = J + np.sum((members - centers[k]) ** 2)
    return J / len(X)


def inputs():
    rs = np.random.RandomState(8)
    return {'X': rs.randn(7, 2), 'centers': np.array([[-1.0, 0.2], [0.9, 0.4], [0.1, -1.2]])}
