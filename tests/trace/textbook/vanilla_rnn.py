import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


def rnn_forward(x, h0, Wx, Wh, b):
    """
    x: (N, T, D), h0: (N, H)
    returns h: (N, T, H), the hidden states for the entire timeseries
    """
    N, T, D = x.shape
    H = b.shape[0]
    h = np.zeros((N, T, H))
    cache = []
    prev_h = h0
    for t in range(T):
        prev_h, cache_t = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(cache_t)
    return h, cache


def loss(x, h0, Wx, Wh, b):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    # weight the later steps more
    N, T, H = h.shape
    w = np.linspace(0.5, 1.5, T).reshape(1, T, 1)
    return np.sum(w * h * h)


def inputs():
    N, D, T, H = 2, 3, 4, 5
    np.random.seed(7)
    return {
        "x": np.random.randn(N, T, D),
        "h0": np.random.randn(N, H),
        "Wx": np.random.randn(D, H) * 0.3,
        "Wh": np.random.randn(H, H) * 0.3,
        "b": np.random.randn(H) * 0.1,
    }
