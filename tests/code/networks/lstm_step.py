import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_forward(x, h_prev, c_prev, Wx, Wh, b):
    """Two outputs: the new state and the new cell."""
    H = h_prev.shape[1]
    a = np.dot(x, Wx) + np.dot(h_prev, Wh) + b
    i, f = sigmoid(a[:, :H]), sigmoid(a[:, H:2*H])
    o, g = sigmoid(a[:, 2*H:3*H]), np.tanh(a[:, 3*H:])
    c = f * c_prev + i * g
    tc = np.tanh(c)
    h = o * tc
    return h, c, (x, h_prev, c_prev, Wx, Wh, i, f, o, g, tc)


def lstm_backward(dh, dc, cache):
    x, h_prev, c_prev, Wx, Wh, i, f, o, g, tc = cache
    do = dh * tc
    dc = dc + dh * o * (1 - tc ** 2)
    di = dc * g
    dg = dc * i
    df = dc * c_prev
    dc_prev = dc * f

    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g ** 2)
    da = np.hstack((dai, daf, dao, dag))

    dx = np.dot(da, Wx.T)
    dh_prev = np.dot(da, Wh.T)
    dWx = np.dot(x.T, da)
    dWh = np.dot(h_prev.T, da)
    db = np.sum(da, axis=0)
    return dx, dh_prev, dc_prev, dWx, dWh, db


def inputs():
    np.random.seed(9)
    N, D, H = 3, 3, 3
    return dict(x=np.random.randn(N, D), h_prev=np.random.randn(N, H), c_prev=np.random.randn(N, H),
                Wx=np.random.randn(D, 4*H), Wh=np.random.randn(H, 4*H), b=np.random.randn(4*H))
