import numpy as np

y = np.array([1, 0, 3, 2, 2])

def smoothed_xent(logits, epsilon=0.1):
    N, K = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    probs = np.exp(shifted)
    probs /= probs.sum(axis=1, keepdims=True)
    hard = -np.log(probs[range(N), y]).mean()
    uniform = -np.log(probs).mean()
    return (1 - epsilon) * hard + epsilon * uniform

def smoothed_targets_xent(logits):
    eps = 0.1
    N, K = logits.shape
    T = np.full((N, K), eps / K)
    T[np.arange(N), y] += 1.0 - eps
    lse = np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -(T * (logits - lse)).sum() / N

def inputs():
    np.random.seed(11)
    return {'logits': np.random.randn(5, 4) * 2}
