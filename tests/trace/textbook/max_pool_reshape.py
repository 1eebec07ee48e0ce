"""2x2 max pooling without a loop: split both axes in two and take the maximum of the small ones."""
import numpy as np


def maxpool2(x):
    N, C, H, W = x.shape
    x_reshaped = x.reshape(N, C, H // 2, 2, W // 2, 2)
    return x_reshaped.max(axis=3).max(axis=4)


def head(x, w, b):
    feat = maxpool2(x)
    feat = feat.ravel().reshape(x.shape[0], -1)     # flatten
    z = feat @ w + b
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))     # log-softmax


def inputs():
    rng = np.random.default_rng(5)
    return dict(x=rng.random((2, 3, 4, 4)), w=rng.normal(0, 0.3, (12, 3)), b=np.zeros(3))
