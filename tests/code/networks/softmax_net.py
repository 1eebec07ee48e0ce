import numpy as np

reg = 0.05


def loss_and_grads(params, X, y):
    """Fully connected net with one hidden layer; returns loss and a dict of gradients."""
    W1, b1 = params['W1'], params['b1']
    W2, b2 = params['W2'], params['b2']
    N = X.shape[0]

    hidden = X.dot(W1) + b1
    relu = np.maximum(0, hidden)
    scores = relu.dot(W2) + b2

    scores = scores - scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), y]).sum() / N
    loss += 0.5 * reg * (np.sum(W1 ** 2) + np.sum(W2 ** 2))

    grads = {}
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads['W2'] = relu.T.dot(dscores) + reg * W2
    grads['b2'] = dscores.sum(axis=0)
    drelu = dscores.dot(W2.T)
    drelu[hidden <= 0] = 0
    grads['W1'] = X.T.dot(drelu) + reg * W1
    grads['b1'] = drelu.sum(axis=0)
    return loss, grads


def inputs():
    np.random.seed(0)
    d = 4
    params = {'W1': np.random.randn(d, d), 'b1': np.random.randn(d) * .1,
              'W2': np.random.randn(d, d), 'b2': np.zeros(d)}
    return {'params': params, 'X': np.random.randn(4, d), 'y': np.array([0, 3, 1, 1])}
