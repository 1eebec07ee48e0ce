import numpy as np


def im2col(img, fh, fw, stride, pad):
    N, C, H, W = img.shape
    oh, ow = (H + 2*pad - fh)//stride + 1, (W + 2*pad - fw)//stride + 1
    img = np.pad(img, [(0, 0), (0, 0), (pad, pad), (pad, pad)], 'constant')
    col = np.zeros((N, C, fh, fw, oh, ow))
    for y in range(fh):
        for x in range(fw):
            col[:, :, y, x, :, :] = img[:, :, y:y + stride*oh:stride, x:x + stride*ow:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N*oh*ow, -1)


def col2im(col, shape, fh, fw, stride, pad):
    N, C, H, W = shape
    oh, ow = (H + 2*pad - fh)//stride + 1, (W + 2*pad - fw)//stride + 1
    col = col.reshape(N, oh, ow, C, fh, fw).transpose(0, 3, 4, 5, 1, 2)
    img = np.zeros((N, C, H + 2*pad, W + 2*pad))
    for y in range(fh):
        for x in range(fw):
            img[:, :, y:y + stride*oh:stride, x:x + stride*ow:stride] += col[:, :, y, x, :, :]
    return img[:, :, pad:H + pad, pad:W + pad]


class Convolution:
    def __init__(self, W, b, stride=1, pad=1):
        self.W, self.b = W, b
        self.stride, self.pad = stride, pad

    def forward(self, x):
        FN, C, fh, fw = self.W.shape
        N, _, H, W = x.shape
        oh, ow = (H + 2*self.pad - fh)//self.stride + 1, (W + 2*self.pad - fw)//self.stride + 1
        self.x = x
        self.col = im2col(x, fh, fw, self.stride, self.pad)
        self.col_W = self.W.reshape(FN, -1).T
        out = np.dot(self.col, self.col_W) + self.b
        return out.reshape(N, oh, ow, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        FN, C, fh, fw = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = np.sum(dout, axis=0)
        dcol_W = np.dot(self.col.T, dout)
        self.dW = dcol_W.transpose(1, 0).reshape(FN, C, fh, fw)
        dcol = np.dot(dout, self.col_W.T)
        return col2im(dcol, self.x.shape, fh, fw, self.stride, self.pad)


rng = np.random.default_rng(1)
layer = Convolution(rng.normal(size=(2, 2, 3, 3)), rng.normal(size=2))


def inputs():
    return {'x': np.random.default_rng(2).normal(size=(2, 2, 4, 4))}
