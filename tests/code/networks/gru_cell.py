import numpy as np

# GRU cell for one vector x and one state h (no batch). U.. act on x, W.. on h.


def sig(v):
    return 1 / (1 + np.exp(-v))


def forward(x, h, Uz, Wz, Ur, Wr, Uc, Wc):
    z = sig(Uz @ x + Wz @ h)
    r = sig(Ur @ x + Wr @ h)
    c = np.tanh(Uc @ x + Wc @ (r * h))
    return z * h + (1 - z) * c


def backward(dnew, x, h, Uz, Wz, Ur, Wr, Uc, Wc):
    # do the forward again
    z = sig(Uz @ x + Wz @ h)
    r = sig(Ur @ x + Wr @ h)
    c = np.tanh(Uc @ x + Wc @ (r * h))

    dz = dnew * (h - c)
    dc = dnew * (1 - z)
    dh = dnew * z

    dac = dc * (1 - c * c)
    drh = Wc.T @ dac
    dr = drh * h
    dh += drh * r

    daz = dz * z * (1 - z)
    dar = dr * r * (1 - r)
    dh += Wz.T @ daz + Wr.T @ dar
    dx = Uz.T @ daz + Ur.T @ dar + Uc.T @ dac

    dUz, dWz = np.outer(daz, x), np.outer(daz, h)
    dUr, dWr = np.outer(dar, x), np.outer(dar, h)
    dUc = np.outer(dac, x)
    dWc = np.outer(dac, r * h)
    return dx, dh, dUz, dWz, dUr, dWr, dUc, dWc


def inputs():
    rng = np.random.default_rng(1)
    n = 3
    m = lambda: rng.normal(size=(n, n)) * 0.7
    return dict(x=rng.normal(size=n), h=rng.normal(size=n), Uz=m(), Wz=m(), Ur=m(), Wr=m(), Uc=m(), Wc=m())
