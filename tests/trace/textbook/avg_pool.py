import numpy as np

# global + local average pooling on single images (H x W x C)

def avgpool2d(img, k):
    H, W, C = img.shape
    out = np.empty((H // k, W // k, C))
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = img[r*k:(r+1)*k, c*k:(c+1)*k].mean(axis=(0, 1))
    return out

def gap(img):
    return np.average(img, axis=(0, 1))

def score(img, w):
    small = avgpool2d(img, 2)
    both = np.concatenate((gap(small), gap(small ** 2)))
    return np.inner(both, w)

def inputs():
    rng = np.random.default_rng(99)
    return {'img': rng.random((4, 6, 2)), 'w': rng.standard_normal(4)}
