"""GP regression, algorithm 2.1 of Rasmussen & Williams: log marginal likelihood."""
import numpy as np

X = np.array([[-2.1], [-1.3], [-0.2], [0.4], [1.5], [2.6]])
y = np.sin(X).ravel() + np.array([0.05, -0.1, 0.08, 0.02, -0.03, 0.1])


def kernel(a, b, ell, sf):
    sqdist = np.sum(a**2, 1).reshape(-1, 1) + np.sum(b**2, 1) - 2 * np.dot(a, b.T)
    return sf**2 * np.exp(-0.5 * sqdist / ell**2)


def nll(log_params):
    ell, sf, sn = np.exp(log_params)
    K = kernel(X, X, ell, sf) + sn**2 * np.eye(len(X))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y.dot(alpha) + np.sum(np.log(np.diagonal(L))) + 0.5 * len(X) * np.log(2 * np.pi)


def nll_slogdet(log_params):
    # the direct version, should be the same number
    ell, sf, sn = np.exp(log_params)
    K = kernel(X, X, ell, sf)
    K[np.diag_indices_from(K)] += sn**2
    sign, logdet = np.linalg.slogdet(K)
    return 0.5 * (y @ np.linalg.inv(K) @ y + logdet + len(X) * np.log(2 * np.pi))


def inputs():
    return {"log_params": np.log(np.array([1.1, 0.9, 0.3]))}
