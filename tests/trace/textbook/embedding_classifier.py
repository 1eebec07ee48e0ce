import numpy as np

PAD = 0
docs = [[1, 4, 2], [3, 3], [5, 1, 1, 2], [4]]
labels = np.array([0, 1, 0, 1])

# pad to the same length
maxlen = max(len(d) for d in docs)
ids = np.zeros((len(docs), maxlen), dtype=int)
for r, d in enumerate(docs):
    ids[r, :len(d)] = d
mask = (ids != PAD)


def bag_of_words(E, W, b):
    emb = E[ids]                                   # (docs, maxlen, dim)
    emb = emb * mask[..., None]
    mean = emb.sum(axis=1) / mask.sum(axis=1, keepdims=True)
    logit = np.squeeze(mean @ W) + b
    # log(1 + exp(x)), stable
    nll = np.logaddexp(0, logit) - labels * logit
    return np.average(nll)


def bag_of_words_loop(E, W, b):
    loss = 0.
    for d, t in zip(docs, labels):
        v = np.mean([E[w] for w in d], axis=0)
        p = 1. / (1. + np.exp(-(v.dot(W)[0] + b)))
        loss -= np.log(p) if t else np.log1p(-p)
    return loss / len(docs)


def inputs():
    rng = np.random.default_rng(77)
    return dict(E=rng.normal(size=(6, 3)), W=rng.normal(size=(3, 1)), b=np.float64(0.1))
