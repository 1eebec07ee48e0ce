import numpy as np


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention_forward(X, Wq, Wk, Wv):
    """Causal self-attention of one sequence X (T, d)."""
    T, d = X.shape
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / np.sqrt(Wq.shape[1])
    mask = np.tril(np.ones((T, T), dtype=bool))
    P = softmax(np.where(mask, S, -1e9))
    return P @ V, (X, Wq, Wk, Wv, Q, K, V, P)


def attention_backward(dO, cache):
    X, Wq, Wk, Wv, Q, K, V, P = cache
    scale = 1 / np.sqrt(Wq.shape[1])
    dV = P.T @ dO
    dP = dO @ V.T
    # softmax row by row
    dS = P * (dP - np.sum(P * dP, axis=1, keepdims=True))
    dQ = dS @ K * scale
    dK = dS.T @ Q * scale

    dWq = X.T @ dQ
    dWk = X.T @ dK
    dWv = X.T @ dV
    dX = dQ @ Wq.T
    dX += dK @ Wk.T
    dX += dV @ Wv.T
    return dX, dWq, dWk, dWv


def inputs():
    rng = np.random.default_rng(8)
    return dict(X=rng.normal(size=(4, 4)), Wq=rng.normal(size=(4, 4)), Wk=rng.normal(size=(4, 4)),
                Wv=rng.normal(size=(4, 4)))
