import numpy as np

rng = np.random.default_rng(2)
X = rng.normal(size=(4, 4))
labels = np.array([0, 2, 1, 3])
W1 = rng.normal(size=(4, 4))
b1 = np.zeros((1, 4))
W2 = rng.normal(size=(4, 4))
b2 = np.zeros((1, 4))
reg = 1e-2
step_size = 0.1


def forward():
    hidden = np.maximum(0, X @ W1 + b1)
    scores = hidden @ W2 + b2
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    return hidden, probs


def loss():
    _, probs = forward()
    data = -np.log(probs[range(len(X)), labels]).mean()
    return data + 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)


def train_step():
    global W1, b1, W2, b2
    hidden, dscores = forward()
    dscores[range(len(X)), labels] -= 1
    dscores /= len(X)

    dW2 = np.dot(hidden.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    W2_new = W2 - step_size * (dW2 + reg * W2)

    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden <= 0] = 0
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0, keepdims=True)
    dW1 += reg * W1

    W1 = W1 - step_size * dW1
    b1 = b1 - step_size * db1
    W2 = W2_new
    b2 = b2 - step_size * db2
