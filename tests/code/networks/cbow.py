import numpy as np

# params and grads are lists; grads are written in place so that they stay the same arrays


class Embedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.idx = None

    def forward(self, idx):
        W, = self.params
        self.idx = idx
        return W[idx].mean(axis=1)          # (N, window, d) -> (N, d)

    def backward(self, dout):
        dW, = self.grads
        dW[...] = 0
        window = self.idx.shape[1]
        for c in range(window):
            np.add.at(dW, self.idx[:, c], dout / window)
        return None


class MatMul:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    def forward(self, x):
        self.x = x
        return np.dot(x, self.params[0])

    def backward(self, dout):
        W, = self.params
        dx = np.dot(dout, W.T)
        self.grads[0][...] = np.dot(self.x.T, dout)
        return dx


class CBOW:
    def __init__(self, vocab=5, d=5):
        rng = np.random.default_rng(1)
        self.layers = [Embedding(rng.normal(size=(vocab, d))), MatMul(rng.normal(size=(d, vocab)))]
        self.params, self.grads = [], []
        for layer in self.layers:
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, contexts, target):
        h = self.layers[0].forward(contexts)
        s = self.layers[1].forward(h)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        self.t = target
        return -np.mean(np.log(self.y[np.arange(len(target)), target]))

    def backward(self, dout=1):
        N = len(self.t)
        ds = self.y.copy()
        ds[np.arange(N), self.t] -= 1
        ds *= dout / N
        dh = self.layers[1].backward(ds)
        self.layers[0].backward(dh)


model = CBOW()


def inputs():
    return {'contexts': np.array([[0, 2], [1, 1], [2, 4], [2, 0]]), 'target': np.array([1, 2, 3, 1])}
