import numpy as np


def logsumexp(a, axis=None):
    a_max = np.max(a, axis=axis, keepdims=True)
    s = np.log(np.sum(np.exp(a - a_max), axis=axis))
    return s + np.squeeze(a_max, axis=axis)


def gmm_nll(x, logits, means, log_sigmas):
    """Mean negative log-likelihood of diagonal mixture; x [n, d], means and log_sigmas [k, d]."""
    log_pi = logits - logsumexp(logits, axis=0)
    n, d = x.shape
    k = means.shape[0]
    log_prob = np.zeros((n, k))
    for j in range(k):
        diff = (x - means[j]) / np.exp(log_sigmas[j])
        log_prob[:, j] = -0.5 * np.sum(diff * diff, axis=1)
        log_prob[:, j] -= np.sum(log_sigmas[j]) + 0.5 * d * np.log(2 * np.pi)
    return -np.mean(logsumexp(log_pi + log_prob, axis=1))


def inputs():
    np.random.seed(20)
    return {
        'x': np.random.randn(6, 2),
        'logits': np.array([0.1, -0.4, 0.6]),
        'means': np.random.randn(3, 2),
        'log_sigmas': 0.2 * np.random.randn(3, 2),
    }
