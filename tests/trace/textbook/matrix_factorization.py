import numpy as np

# nan = not rated
ratings = np.array([
    [5, 3, np.nan, 1],
    [4, np.nan, np.nan, 1],
    [1, 1, np.nan, 5],
    [np.nan, 1, 5, 4.],
])
users, items = np.where(~np.isnan(ratings))


def mf_loss(P, Q, b_u, b_i, lam=0.02):
    mu = np.nanmean(ratings)
    e = 0
    for u, i in zip(users, items):
        r_hat = mu + b_u[u] + b_i[i] + P[u, :].dot(Q[:, i])
        e = e + pow(ratings[u][i] - r_hat, 2)
        e = e + (lam / 2) * (np.sum(pow(P[u, :], 2)) + np.sum(pow(Q[:, i], 2)) + b_u[u] ** 2 + b_i[i] ** 2)
    return np.sqrt(e / len(users))


def inputs():
    np.random.seed(0)
    K = 2
    return dict(P=np.random.rand(4, K), Q=np.random.rand(K, 4), b_u=np.random.rand(4) * 0.1, b_i=np.zeros(4))
