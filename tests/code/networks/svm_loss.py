import numpy as np

# multiclass hinge loss and its gradient, returned as a pair


def svm_loss(W, X, y, reg):
    N = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(N), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(N), y] = 0
    loss = margins.sum() / N + reg * np.sum(W * W)

    mask = np.zeros(margins.shape)
    mask[margins > 0] = 1
    count = mask.sum(axis=1)
    mask[np.arange(N), y] = -count
    dW = X.T.dot(mask) / N
    dW += 2 * reg * W
    return loss, dW


def inputs():
    rng = np.random.RandomState(1)
    return dict(W=rng.randn(4, 4), X=rng.randn(4, 4), y=np.array([2, 0, 3, 0]), reg=0.1)
