import numpy as np

# what the layer remembers for test time
state = {"mode": "train", "momentum": 0.9}


def batchnorm_forward(x, gamma, beta, state):
    eps = state.get("eps", 1e-5)
    momentum = state.get("momentum", 0.9)
    D = x.shape[1]
    run_mean = state.get("run_mean", np.zeros(D, dtype=x.dtype))
    run_var = state.get("run_var", np.zeros(D, dtype=x.dtype))

    if state["mode"] == "train":
        mu = np.mean(x, axis=0)
        xc = x - mu
        var = np.mean(xc ** 2, axis=0)
        std = np.sqrt(var + eps)
        xhat = xc / std
        run_mean = momentum * run_mean + (1 - momentum) * mu
        run_var = momentum * run_var + (1 - momentum) * var
    elif state["mode"] == "test":
        xhat = (x - run_mean) / np.sqrt(run_var + eps)
    else:
        raise ValueError('unknown mode %r' % state["mode"])

    state["run_mean"] = run_mean
    state["run_var"] = run_var
    return gamma * xhat + beta


def loss(x, W, gamma, beta, target):
    a = x.dot(W)
    out = batchnorm_forward(a, gamma, beta, state)
    out = np.maximum(out, 0)
    return 0.5 * np.sum((out - target) ** 2) / x.shape[0]


def inputs():
    np.random.seed(231)
    x = np.random.randn(6, 4)
    W = np.random.randn(4, 3)
    gamma = np.array([1.0, 0.8, 1.3])
    beta = np.array([0.2, -0.1, 0.05])
    target = np.random.rand(6, 3)
    return dict(x=x, W=W, gamma=gamma, beta=beta, target=target)
