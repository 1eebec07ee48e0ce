import numpy as np

O = [0, 1, 2, 1, 0, 2]    # what we saw (Walk, Shop, Clean)


def forward_algorithm(pi, A, B):
    """alpha recursion, unscaled. pi (N,), A (N,N), B (N,M)"""
    T = len(O)
    N = A.shape[0]
    alpha = np.zeros((T, N))
    alpha[0, :] = pi * B[:, O[0]]
    for t in range(1, T):
        for j in range(N):
            alpha[t, j] = alpha[t - 1].dot(A[:, j]) * B[j, O[t]]
    return alpha[-1].sum()


def scaled_log_likelihood(pi, A, B):
    # rescale at each step, collect the logs of the scales
    a = pi * B[:, O[0]]
    logp = 0
    c = a.sum(); a /= c
    logp += np.log(c)
    for o in O[1:]:
        a = (a @ A) * B[:, o]
        c = a.sum(); a /= c
        logp += np.log(c)
    return logp


def inputs():
    return {
        'pi': np.array([0.6, 0.4]),
        'A': np.array([[0.7, 0.3], [0.4, 0.6]]),
        'B': np.array([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]]),
    }
