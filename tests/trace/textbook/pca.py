import numpy as np


def gram_schmidt(V):
    Q = np.zeros(V.shape)
    for j in range(V.shape[1]):
        q = V[:, j].copy()
        for i in range(j):
            q -= np.dot(Q[:, i], V[:, j]) * Q[:, i]
        Q[:, j] = q / np.linalg.norm(q)
    return Q


def reconstruction_error(X, V):
    """What is lost when X is projected onto the span of the columns of V."""
    Xc = X - X.mean(axis=0)
    Q = gram_schmidt(V)
    T = Xc @ Q
    X_hat = T @ Q.T
    return np.linalg.norm(Xc - X_hat, 'fro')**2 / X.shape[0]


def explained_variance(X, V):
    Xc = X - X.mean(axis=0, keepdims=True)
    cov = np.cov(X, rowvar=False)
    Q = gram_schmidt(V)
    return np.trace(Q.T @ cov @ Q) / np.einsum('ii', cov)


def inputs():
    np.random.seed(2)
    return dict(X=np.random.randn(6, 4) * np.array([3., 1., .5, .2]), V=np.random.randn(4, 2))
