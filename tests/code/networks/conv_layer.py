import numpy as np


def conv_forward(x, w, b, conv_param):
    pad, stride = conv_param['pad'], conv_param['stride']
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0,), (0,), (pad,), (pad,)), 'constant')
    Ho = 1 + (H + 2 * pad - HH) // stride
    Wo = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Ho, Wo))
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    win = xp[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW]
                    out[n, f, i, j] = np.sum(win * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    pad, stride = conv_param['pad'], conv_param['stride']
    H, W = x.shape[2:]
    F, _, HH, WW = w.shape
    N, _, Ho, Wo = dout.shape
    xp = np.pad(x, ((0,), (0,), (pad,), (pad,)), 'constant')
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            db[f] += dout[n, f].sum()
            for i in range(Ho):
                for j in range(Wo):
                    r, s = i * stride, j * stride
                    g = dout[n, f, i, j]
                    dw[f] += xp[n, :, r:r+HH, s:s+WW] * g
                    dxp[n, :, r:r+HH, s:s+WW] += w[f] * g
    dx = dxp[:, :, pad:pad+H, pad:pad+W]
    return dx, dw, db


def inputs():
    np.random.seed(2)
    return dict(x=np.random.randn(2, 2, 5, 5), w=np.random.randn(2, 2, 3, 3), b=np.random.randn(2),
                conv_param={'pad': 1, 'stride': 2})
