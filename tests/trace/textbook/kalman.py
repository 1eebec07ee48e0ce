import numpy as np
from numpy.linalg import inv, det

# constant velocity model, dt = 1
F = np.array([[1., 1.], [0., 1.]])
H = np.array([[1., 0.]])
measurements = [1.2, 1.9, 3.3, 3.8, 5.1]


def predict(x, P, Q):
    x = F @ x
    P = F @ P @ F.T + Q
    return x, P


def update(x, P, z, R):
    y = z - H @ x                    # innovation
    S = H @ P @ H.T + R
    K = P @ H.T @ inv(S)
    x = x + K @ y
    P = (np.eye(2) - K @ H) @ P
    loglik = -0.5 * (y.T @ inv(S) @ y + np.log(det(2 * np.pi * S)))
    return x, P, loglik.item()


def negloglik(x0, log_q, log_r):
    x, P = x0.reshape(2, 1), np.eye(2) * 10.
    Q = np.diag(np.exp(log_q))
    R = np.exp(log_r).reshape(1, 1)
    total = 0.
    for z in measurements:
        x, P = predict(x, P, Q)
        x, P, ll = update(x, P, np.array([[z]]), R)
        total -= ll
    return total


def filtered_states(x0, log_q, log_r):
    x, P = x0.reshape(2, 1), np.eye(2) * 10.
    Q = np.diag(np.exp(log_q))
    R = np.exp(log_r).reshape(1, 1)
    history = np.zeros((len(measurements), 2))
    for t, z in enumerate(measurements):
        x, P = predict(x, P, Q)
        x, P, _ = update(x, P, np.array([[z]]), R)
        history[t] = x[:, 0]
    return history, P


def inputs():
    return {"x0": np.array([0.3, 0.8]), "log_q": np.array([-2.0, -2.5]), "log_r": np.array([-1.0])}
