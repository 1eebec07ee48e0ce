import numpy as np

# small binary data set: hours studied, hours slept -> passed
hours = np.array([[0.5, 8.0], [1.0, 7.5], [1.75, 6.0], [2.5, 7.0],
                  [3.0, 5.5], [4.25, 8.0], [4.75, 6.5], [5.5, 7.0]])
passed = np.array([0, 0, 0, 1, 0, 1, 1, 1])

l2 = 0.1


def neg_log_likelihood(theta):
    # column of ones for the intercept
    A = np.hstack([np.ones((len(hours), 1)), hours])
    mu, sd = hours.mean(axis=0), hours.std(axis=0)
    A[:, 1:] = (A[:, 1:] - mu) / sd
    eta = np.dot(A, theta)
    p = 1 / (1 + np.exp(-eta))
    eps = 1e-12
    ll = 0
    for pi, ti in zip(p, passed):
        if ti == 1:
            ll += np.log(pi + eps)
        else:
            ll += np.log(1 - pi + eps)
    # do not penalise the intercept!
    return -ll + l2 / 2 * np.dot(theta[1:], theta[1:])


def inputs():
    return {'theta': np.array([-0.3, 0.8, 0.25])}
