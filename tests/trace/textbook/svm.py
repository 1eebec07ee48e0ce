import numpy as np


def hinge_naive(W, X, y, reg):
  # multiclass SVM, delta = 1, the slow way
  n, C = X.shape[0], W.shape[1]
  total = 0.0
  for i in range(n):
    s = X[i].dot(W)
    s_true = s[y[i]]
    for j in range(C):
      if j == y[i]:
        continue
      margin = s[j] - s_true + 1
      if margin > 0:
        total += margin
  total /= n
  total += reg * np.sum(W * W)
  return total


def hinge_vectorized(W, X, y, reg):
  n = X.shape[0]
  scores = np.dot(X, W)
  true_scores = scores[np.arange(n), y][:, np.newaxis]
  margins = np.maximum(0, scores - true_scores + 1)
  margins[np.arange(n), y] = 0
  loss = margins.sum() / n
  loss += reg * np.sum(W * W)
  return loss


def inputs():
  np.random.seed(3)
  return dict(W=np.random.randn(4, 3) * 0.5, X=np.random.randn(5, 4), y=np.array([0, 2, 1, 1, 0]), reg=0.1)
