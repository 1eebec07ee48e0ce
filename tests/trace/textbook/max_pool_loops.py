import numpy as np

def pool(images, size, stride, mode="max"):
    # channels last!
    (m, H, W, C) = images.shape
    n_h = int((H - size) / stride) + 1
    n_w = int((W - size) / stride) + 1
    pooled = np.zeros((m, n_h, n_w, C))

    for i in range(m):
        img = images[i]
        for r in range(n_h):
            top = r * stride
            bottom = top + size
            for s in range (n_w):
                left, right = s*stride, s*stride + size
                for c in range(C):
                    patch = img[top:bottom, left:right, c]
                    if mode == "max":
                        pooled[i, r, s, c] = np.max(patch)
                    elif mode == "average":
                        pooled[i, r, s, c] = np.mean(patch)
    assert(pooled.shape == (m, n_h, n_w, C))
    return pooled

def cost(images, W):
    P = pool(images, 3, 1)
    flat = P.reshape(P.shape[0], -1)
    return np.sum(np.tanh(np.dot(flat, W)))

def inputs():
    np.random.seed(1)
    images = np.random.randn(2, 4, 4, 2)
    W = np.random.randn(8, 3) * 0.3
    return {"images": images, "W": W}
