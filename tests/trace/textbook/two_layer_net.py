# Two layer fully connected net: affine - relu - affine - softmax
# (assignment 1, my solution)
import numpy as np

reg = 1e-2


def loss(X, y, W1, b1, W2, b2):
    N, D = X.shape
    hidden = np.maximum(0, X.dot(W1) + b1)   # N x H
    scores = hidden.dot(W2) + b2             # N x C

    # numeric stability
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[range(N), y])
    data_loss = np.sum(correct_logprobs) / N
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss
    return loss


def inputs():
    np.random.seed(0)
    D, H, C, N = 4, 5, 3, 6
    X = 10 * np.random.randn(N, D) / 10
    y = np.array([0, 1, 2, 2, 1, 0])
    W1 = 0.3 * np.random.randn(D, H)
    b1 = 0.1 * np.ones(H)
    W2 = 0.3 * np.random.randn(H, C)
    b2 = np.zeros(C)
    return dict(X=X, y=y, W1=W1, b1=b1, W2=W2, b2=b2)
