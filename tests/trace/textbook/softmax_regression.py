import numpy as np


def softmax_loss_naive(W, X, y, reg):
    """Softmax loss with loops. W is (D, C), X is (N, D), y holds labels."""
    loss = 0.0
    num_train = X.shape[0]
    num_classes = W.shape[1]
    for i in range(num_train):
        f = X[i].dot(W)
        f -= f.max()
        sum_exp = 0.0
        for j in range(num_classes):
            sum_exp += np.exp(f[j])
        loss += -f[y[i]] + np.log(sum_exp)
    loss /= num_train
    loss += reg * np.sum(W ** 2)
    return loss


def softmax_loss_vectorized(W, X, y, reg):
    num_train = X.shape[0]
    f = X @ W
    f = f - f.max(axis=1).reshape(-1, 1)
    p = np.exp(f) / np.exp(f).sum(axis=1)[:, None]
    return -np.log(p[np.arange(num_train), y]).mean() + reg * (W * W).sum()


def inputs():
    rs = np.random.RandomState(231)
    return {
        'W': rs.randn(4, 3) * 0.1,
        'X': rs.randn(5, 4),
        'y': np.array([2, 0, 1, 1, 2]),
        'reg': 0.05,
    }
