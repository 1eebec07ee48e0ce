import numpy as np

MARGIN = 0.4

def cosine_similarity(a, b):
    return np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))

def embed(x, W):
    h = np.arctan(W.dot(x))
    return h / np.sqrt((h**2).sum())

def triplet_loss(anchor, positive, negative, W):
    total = []
    for a, p, n in zip(anchor, positive, negative):
        a, p, n = embed(a, W), embed(p, W), embed(n, W)
        d_ap = 1 - cosine_similarity(a, p)
        d_an = 1 - cosine_similarity(a, n)
        total.append(max(0., d_ap - d_an + MARGIN))
    return np.mean(total)

def inputs():
    rng = np.random.default_rng(13)
    a = rng.normal(size=(4, 3))
    return {'anchor': a, 'positive': a + 0.3 * rng.normal(size=(4, 3)), 'negative': rng.normal(size=(4, 3)),
            'W': rng.normal(size=(3, 3))}
