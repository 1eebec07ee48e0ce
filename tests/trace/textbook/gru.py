import numpy as np

sigma = lambda v: 1 / (1 + np.exp(-v))


class GRU:
    def __init__(self, W_z, U_z, W_r, U_r, W_h, U_h):
        self.W_z, self.U_z = W_z, U_z
        self.W_r, self.U_r = W_r, U_r
        self.W_h, self.U_h = W_h, U_h

    def step(self, x_t, h):
        z = sigma(self.W_z @ x_t + self.U_z @ h)          # update gate
        r = sigma(self.W_r @ x_t + self.U_r @ h)          # reset gate
        h_tilde = np.tanh(self.W_h @ x_t + self.U_h @ (r * h))
        return (1 - z) * h + z * h_tilde

    def run(self, seq):
        h = np.zeros(self.U_z.shape[0])
        for x_t in seq:
            h = self.step(x_t, h)
        return h


def last_state_loss(seq, W_z, U_z, W_r, U_r, W_h, U_h, target):
    gru = GRU(W_z, U_z, W_r, U_r, W_h, U_h)
    h = gru.run(seq)
    return np.linalg.norm(h - target) ** 2


def inputs():
    rng = np.random.default_rng(12)
    n_in, n_h = 3, 4
    W = lambda: rng.standard_normal((n_h, n_in)) * 0.6
    U = lambda: rng.standard_normal((n_h, n_h)) * 0.6
    return dict(seq=rng.standard_normal((4, n_in)), W_z=W(), U_z=U(), W_r=W(), U_r=U(),
                W_h=W(), U_h=U(), target=np.array([0.1, -0.2, 0.3, 0.0]))
