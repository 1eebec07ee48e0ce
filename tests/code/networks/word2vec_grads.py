import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def neg_sampling(center, U, outside, negatives):
    """Loss and gradients of one pair. A negative may have been drawn twice!"""
    u_o = U[outside]
    u_n = U[negatives]                      # (K, d)
    s_o = sigmoid(u_o @ center)
    s_n = sigmoid(-u_n @ center)
    loss = -np.log(s_o) - np.log(s_n).sum()

    grad_center = -(1 - s_o) * u_o
    grad_center = grad_center + (1 - s_n) @ u_n
    grad_U = np.zeros_like(U)
    grad_U[outside] = -(1 - s_o) * center
    np.add.at(grad_U, negatives, np.outer(1 - s_n, center))
    return loss, grad_center, grad_U


def inputs():
    np.random.seed(4)
    return dict(center=np.random.randn(3), U=np.random.randn(6, 3), outside=1, negatives=[3, 0, 3, 5])
