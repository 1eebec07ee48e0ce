import numpy as np

text = "hello"
chars = sorted(set(text))
ix = {ch: i for i, ch in enumerate(chars)}


def one_hot(i):
    v = np.zeros((len(chars), 1))
    v[i] = 1
    return v


def forward(Wxh, Whh, Why, bh, by):
    """Elman net, cross-entropy of predicting the next letter; states are kept in dicts."""
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.zeros((Whh.shape[0], 1))
    loss = 0
    for t in range(len(text) - 1):
        xs[t] = one_hot(ix[text[t]])
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t-1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][ix[text[t+1]], 0])
    return loss


def perplexity(Wxh, Whh, Why, bh, by):
    hidden = [np.zeros((Whh.shape[0],))]
    logps = []
    for a, b in zip(text, text[1:]):
        h = np.tanh(Wxh[:, ix[a]] + Whh @ hidden[-1] + bh[:, 0])
        hidden.append(h)
        y = Why @ h + by.ravel()
        logps.append(y[ix[b]] - np.logaddexp.reduce(y))
    return np.exp(-np.mean(logps))


def inputs():
    np.random.seed(6)
    H, V = 5, len(chars)
    return dict(Wxh=np.random.randn(H, V) * .5, Whh=np.random.randn(H, H) * .5, Why=np.random.randn(V, H) * .5,
                bh=np.random.randn(H, 1) * .1, by=np.zeros((V, 1)))
