# LSTM cell, all four gates in one matrix
import numpy as np

def sigmoid(x):
    pos = x >= 0
    z = np.zeros_like(x)
    z[pos] = np.exp(-x[pos])
    z[~pos] = np.exp(x[~pos])
    top = np.ones_like(x)
    top[~pos] = z[~pos]
    return top / (1 + z)

def lstm_step(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H:2*H])
    o = sigmoid(a[:, 2*H:3*H])
    g = np.tanh(a[:, 3*H:])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c

def unrolled(xs, h, c, Wx, Wh, b):
    # many to one
    for x in xs:
        h, c = lstm_step(x, h, c, Wx, Wh, b)
    return h.sum()

def inputs_step():
    rs = np.random.RandomState(3)
    N, D, H = 2, 3, 2
    return dict(x=rs.randn(N, D), prev_h=rs.randn(N, H), prev_c=rs.randn(N, H),
                Wx=rs.randn(D, 4 * H), Wh=rs.randn(H, 4 * H), b=rs.randn(4 * H))

def inputs():
    d = inputs_step()
    rs = np.random.RandomState(4)
    return dict(xs=rs.randn(3, 2, 3), h=d['prev_h'], c=d['prev_c'], Wx=d['Wx'], Wh=d['Wh'], b=d['b'])
