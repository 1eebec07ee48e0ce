import numpy as np

keep = 0.6

def noisy_forward(X, W1, b1, W2, b2, W3, b3):
    """ two hidden layers, inverted dropout after each (so nothing to do at test time) """
    np.random.seed(0)
    A1 = np.maximum(0, np.dot(W1, X) + b1)
    D1 = np.random.rand(A1.shape[0], A1.shape[1])
    D1 = D1 < keep
    A1 = A1 * D1
    A1 /= keep
    A2 = np.maximum(0, np.dot(W2, A1) + b2)
    D2 = (np.random.rand(*A2.shape) < keep) / keep
    A2 *= D2
    return np.dot(W3, A2) + b3

def inputs():
    rng = np.random.RandomState(66)
    return {'X': rng.randn(3, 2), 'W1': rng.randn(5, 3), 'b1': rng.randn(5, 1), 'W2': rng.randn(4, 5) * .6,
            'b2': rng.rand(4, 1), 'W3': rng.randn(2, 4), 'b3': np.zeros((2, 1))}
