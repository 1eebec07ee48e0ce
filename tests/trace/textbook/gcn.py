import numpy as np

# graph with 5 nodes, Kipf & Welling normalisation
edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]
n = 5
A = np.zeros((n, n))
for i, j in edges:
    A[i, j] = A[j, i] = 1
A_tilde = A + np.eye(n)
D_inv_sqrt = np.diag(np.power(A_tilde.sum(1), -0.5))
A_hat = D_inv_sqrt @ A_tilde @ D_inv_sqrt
train_mask = np.array([True, False, True, False, True])
y_onehot = np.eye(2)[[0, 0, 0, 1, 1]]


def masked_cross_entropy(X, W0, W1):
    H = A_hat @ X @ W0
    H = H * (H > 0)
    Z = A_hat @ H @ W1
    Z = np.exp(Z) / np.exp(Z).sum(-1, keepdims=True)
    ce = -(y_onehot * np.log(Z)).sum(axis=-1)
    return ce[train_mask].mean()


def inputs():
    rng = np.random.default_rng(4)
    return {"X": rng.normal(size=(5, 3)), "W0": rng.normal(size=(3, 4)), "W1": rng.normal(size=(4, 2))}
