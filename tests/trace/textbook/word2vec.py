import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

vocab = ["the", "quick", "brown", "fox", "jumps"]
idx = {w: n for n, w in enumerate(vocab)}
windows = [("fox", ["quick", "brown", "jumps"]), ("brown", ["the", "quick", "fox"])]
K = 3

def draw_negatives(o):
    neg = []
    while len(neg) < K:
        k = np.random.randint(0, len(vocab))
        if k != o:
            neg.append(k)          # may well come twice
    return neg

def pair_loss(v_c, o, U):
    # negative sampling, eq. 4 of Mikolov et al.
    u = U[[o] + draw_negatives(o)]              # (K+1, d)
    z = np.dot(u, v_c)
    z[1:] = -z[1:]
    return -np.sum(np.log(sigmoid(z)))

def skipgram(V, U):
    np.random.seed(926)
    loss = 0.0
    for center, outside in windows:
        v_c = V[idx[center]]
        for o in outside:
            loss += pair_loss(v_c, idx[o], U)
    return loss / len(windows)

def inputs():
    np.random.seed(314)
    M = np.random.randn(10, 3)
    M = M / np.sqrt(np.sum(M**2, axis=1, keepdims=True))
    return {"V": M[:5], "U": M[5:]}
