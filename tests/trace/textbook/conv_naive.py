import numpy as np


def conv_forward_naive(x, w, b, conv_param):
    """x (N,C,H,W), w (F,C,HH,WW), b (F,)"""
    stride, pad = conv_param['stride'], conv_param['pad']
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode='constant', constant_values=0)
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    window = x_pad[n, :, hs:hs + HH, ws:ws + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out


def loss(x, w, b):
    out = conv_forward_naive(x, w, b, {'stride': 2, 'pad': 1})
    out[out < 0] = 0    # relu
    return np.mean(out ** 2)


def inputs():
    np.random.seed(10)
    return {'x': np.random.randn(2, 2, 5, 5), 'w': np.random.randn(3, 2, 3, 3) * 0.4, 'b': np.random.randn(3)}
