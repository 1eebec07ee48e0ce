"""Mistakes to plant in the networks next door: (name, text of one line, its replacement, kind), by file name.

Each text occurs once in its file and stands in the backward pass; the line of the mistake is the line of the
text. The replacement keeps the shapes, so nothing but a check of the gradient shows it.
"""

# The kinds: what a reader would call the mistake.
TRANSPOSE = "missing transpose"
NO_DERIVATIVE = "activation derivative forgotten"
VALUE = "value for derivative"
DERIVATIVE = "wrong derivative"
PRE = "pre-activation for activation"
POST = "activation for pre-activation"
TWICE = "derivative taken twice"
UPSTREAM = "upstream gradient forgotten"
NO_MEAN = "1/N forgotten"
MEAN_TWICE = "1/N twice"
WRONG_N = "divided by the wrong length"
CONSTANT = "constant factor"
FACTOR = "factor forgotten"
WRONG_FACTOR = "product rule: wrong factor"
AXIS = "sum over the wrong axis"
OVERWRITTEN = "= for +="
SIGN = "sign"
VARIABLE = "wrong variable"
MASK = "mask forgotten"
MASK_OTHER = "wrong mask"
MASK_AGAIN = "mask drawn again"
PATH = "path forgotten"
CHAIN = "chain broken"
UPDATED = "weights updated too early"
REPEATED = "repeated index counted once"
INDEX = "wrong index"
SLICE = "slice off"
ORDER = "wrong order"
DECAY = "regularisation forgotten"
DECAY_BIAS = "bias regularised"
EARLIER = "adds to an earlier call"
ELSEWHERE = "gradient left in another array"

Bug = tuple[str, str, str, str]

# fmt: off
BUGS: dict[str, list[Bug]] = {
    "tanh_layer": [
        ("x not transposed", "dw = x.T.dot(dz)", "dw = x.dot(dz)", TRANSPOSE),
        ("w not transposed", "dx = dz.dot(w.T)", "dx = dz.dot(w)", TRANSPOSE),
        ("tanh passed through", "dz = dout * (1 - a ** 2)", "dz = dout", NO_DERIVATIVE),
        ("z for a", "dz = dout * (1 - a ** 2)", "dz = dout * (1 - z ** 2)", PRE),
        ("tanh itself", "dz = dout * (1 - a ** 2)", "dz = dout * a", VALUE),
        ("plus", "dz = dout * (1 - a ** 2)", "dz = dout * (1 + a ** 2)", SIGN),
        ("bias over the columns", "db = dz.sum(axis=0)", "db = dz.sum(axis=1)", AXIS),
        ("dout for dz", "db = dz.sum(axis=0)", "db = dout.sum(axis=0)", VARIABLE),
    ],
    "gru_cell": [
        ("Wc not transposed", "drh = Wc.T @ dac", "drh = Wc @ dac", TRANSPOSE),
        ("c - h", "dz = dnew * (h - c)", "dz = dnew * (c - h)", SIGN),
        ("the other gate", "dh = dnew * z", "dh = dnew * (1 - z)", WRONG_FACTOR),
        ("r for h", "dr = drh * h", "dr = drh * r", WRONG_FACTOR),
        ("r forgotten", "dh += drh * r", "dh += drh", FACTOR),
        ("state without r", "dh += drh * r", "dh = drh * r", OVERWRITTEN),
        ("path of the reset gate", "dh += Wz.T @ daz + Wr.T @ dar", "dh += Wz.T @ daz", PATH),
        ("half of the sigmoid", "dar = dr * r * (1 - r)", "dar = dr * r", VALUE),
        ("tanh without the square", "dac = dc * (1 - c * c)", "dac = dc * (1 - c)", DERIVATIVE),
        ("h for r h", "dWc = np.outer(dac, r * h)", "dWc = np.outer(dac, h)", VARIABLE),
        ("outer the other way", "np.outer(daz, h)", "np.outer(h, daz)", TRANSPOSE),
    ],
    "affine_relu": [
        ("x not transposed", "dw = x.reshape(N, -1).T.dot(dout)", "dw = x.reshape(N, -1).dot(dout)", TRANSPOSE),
        ("w not transposed", "dx = dout.dot(w.T).reshape(x.shape)", "dx = dout.dot(w).reshape(x.shape)", TRANSPOSE),
        ("bias over the columns", "db = np.sum(dout, axis=0)", "db = np.sum(dout, axis=1)", AXIS),
        ("bias averaged", "db = np.sum(dout, axis=0)", "db = np.mean(dout, axis=0)", MEAN_TWICE),
        ("relu passed through", "dx = dout * (x > 0)", "dx = dout", MASK),
        ("relu the wrong way", "dx = dout * (x > 0)", "dx = dout * (x < 0)", MASK_OTHER),
        ("gate at dout", "dx = dout * (x > 0)", "dx = dout * (dout > 0)", MASK_OTHER),
        ("dout for da", "dx, dw, db = affine_backward(da, fc_cache)", "dx, dw, db = affine_backward(dout, fc_cache)", VARIABLE),
    ],
    "batchnorm": [
        ("xmu for xhat", "dgamma = np.sum(dout * xhat, axis=0)", "dgamma = np.sum(dout * xmu, axis=0)", VARIABLE),
        ("gamma forgotten", "dxhat = dout * gamma", "dxhat = dout", FACTOR),
        ("variance without 1/N", "dxmu2 = 2 * xmu * dvar / N", "dxmu2 = 2 * xmu * dvar", NO_MEAN),
        ("square without 2", "dxmu2 = 2 * xmu * dvar / N", "dxmu2 = xmu * dvar / N", CONSTANT),
        ("plus a half", "dvar = -0.5 * (var", "dvar = 0.5 * (var", SIGN),
        ("exponent", "(var + eps) ** -1.5 * divar", "(var + eps) ** -0.5 * divar", DERIVATIVE),
        ("mean with plus", "dmu = -np.sum(dx1, axis=0)", "dmu = np.sum(dx1, axis=0)", SIGN),
        ("mean forgotten", "dx = dx1 + dx2", "dx = dx1", PATH),
        ("variance forgotten", "dx1 = dxmu1 + dxmu2", "dx1 = dxmu1", PATH),
        ("rows summed", "divar = np.sum(dxhat * xmu, axis=0)", "divar = np.sum(dxhat * xmu, axis=1)", AXIS),
        ("mean without 1/N", "dx2 = np.ones((N, D)) * dmu / N", "dx2 = np.ones((N, D)) * dmu", NO_MEAN),
    ],
    "conv_layer": [
        ("kernel overwritten", "dw[f] += xp[n, :, r:r+HH, s:s+WW] * g", "dw[f] = xp[n, :, r:r+HH, s:s+WW] * g", OVERWRITTEN),
        ("windows overwritten", "s:s+WW] += w[f] * g", "s:s+WW] = w[f] * g", OVERWRITTEN),
        ("padding not removed", "dx = dxp[:, :, pad:pad+H, pad:pad+W]", "dx = dxp[:, :, :H, :W]", SLICE),
        ("bias overwritten", "db[f] += dout[n, f].sum()", "db[f] = dout[n, f].sum()", OVERWRITTEN),
        ("bias averaged", "db[f] += dout[n, f].sum()", "db[f] += dout[n, f].mean()", MEAN_TWICE),
        ("stride forgotten", "r, s = i * stride, j * stride", "r, s = i, j", INDEX),
        ("kernel flipped", "s:s+WW] += w[f] * g", "s:s+WW] += w[f][:, ::-1, ::-1] * g", ORDER),
        ("kernel subtracted", "dw[f] += xp[n, :, r:r+HH, s:s+WW] * g", "dw[f] -= xp[n, :, r:r+HH, s:s+WW] * g", SIGN),
    ],
    "rnn_layer": [
        ("tanh passed through", "da = dnext_h * (1 - next_h * next_h)", "da = dnext_h", NO_DERIVATIVE),
        ("the state before", "da = dnext_h * (1 - next_h * next_h)", "da = dnext_h * (1 - prev_h * prev_h)", VARIABLE),
        ("Wh not transposed", "dprev_h = da @ Wh.T", "dprev_h = da @ Wh", TRANSPOSE),
        ("Wx not transposed", "dx = da @ Wx.T", "dx = da @ Wx", TRANSPOSE),
        ("the state after", "dWh = prev_h.T @ da", "dWh = next_h.T @ da", VARIABLE),
        ("next step forgotten", "dcur = dh[:, t] + dprev_h", "dcur = dh[:, t]", PATH),
        ("last step only", "dWx += dWx_t", "dWx = dWx_t", OVERWRITTEN),
        ("bias of one step", "db += db_t", "db = db_t", OVERWRITTEN),
        ("forwards in time", "for t in reversed(range(T)):", "for t in range(T):", ORDER),
        ("bias over the columns", "db = da.sum(axis=0)", "db = da.sum(axis=1)", AXIS),
    ],
    "lstm_step": [
        ("cell gradient dropped", "dc = dc + dh * o * (1 - tc ** 2)", "dc = dh * o * (1 - tc ** 2)", PATH),
        ("tanh passed through", "dc = dc + dh * o * (1 - tc ** 2)", "dc = dc + dh * o", NO_DERIVATIVE),
        ("i for g", "di = dc * g", "di = dc * i", WRONG_FACTOR),
        ("f for i", "dg = dc * i", "dg = dc * f", WRONG_FACTOR),
        ("new cell for old", "df = dc * c_prev", "df = dc * tc", VARIABLE),
        ("sigmoid for tanh", "dag = dg * (1 - g ** 2)", "dag = dg * g * (1 - g)", DERIVATIVE),
        ("gates swapped", "da = np.hstack((dai, daf, dao, dag))", "da = np.hstack((daf, dai, dao, dag))", ORDER),
        ("half of the sigmoid", "daf = df * f * (1 - f)", "daf = df * (1 - f)", FACTOR),
        ("forget gate forgotten", "dc_prev = dc * f", "dc_prev = dc", FACTOR),
        ("Wx for Wh", "dh_prev = np.dot(da, Wh.T)", "dh_prev = np.dot(da, Wx.T)", VARIABLE),
    ],
    "attention_layer": [
        ("P not transposed", "dV = P.T @ dO", "dV = P @ dO", TRANSPOSE),
        ("V not transposed", "dP = dO @ V.T", "dP = dO @ V", TRANSPOSE),
        ("columns summed", "np.sum(P * dP, axis=1, keepdims=True)", "np.sum(P * dP, axis=0, keepdims=True)", AXIS),
        ("softmax by entries", "dS = P * (dP - np.sum(P * dP, axis=1, keepdims=True))", "dS = P * (1 - P) * dP", DERIVATIVE),
        ("normalisation forgotten", "dS = P * (dP - np.sum(P * dP, axis=1, keepdims=True))", "dS = P * dP", PATH),
        ("scale forgotten", "dQ = dS @ K * scale", "dQ = dS @ K", FACTOR),
        ("dS not transposed", "dK = dS.T @ Q * scale", "dK = dS @ Q * scale", TRANSPOSE),
        ("queries overwritten", "dX += dK @ Wk.T", "dX = dK @ Wk.T", OVERWRITTEN),
        ("Wv not transposed", "dX += dV @ Wv.T", "dX += dV @ Wv", TRANSPOSE),
        ("dQ for dK", "dWk = X.T @ dK", "dWk = X.T @ dQ", VARIABLE),
    ],
    "planar_net": [
        ("Y - A2", "dZ2 = A2 - Y", "dZ2 = Y - A2", SIGN),
        ("sigmoid once more", "dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)", TWICE),
        ("dW2 without 1/m", "dW2 = np.dot(dZ2, A1.T) / m", "dW2 = np.dot(dZ2, A1.T)", NO_MEAN),
        ("db1 without 1/m", "db1 = np.sum(dZ1, axis=1, keepdims=True) / m", "db1 = np.sum(dZ1, axis=1, keepdims=True)", NO_MEAN),
        ("Z1 for A1", "(1 - np.power(A1, 2))", '(1 - np.power(cache["Z1"], 2))', PRE),
        ("tanh passed through", "dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))", "dZ1 = np.dot(W2.T, dZ2)", NO_DERIVATIVE),
        ("sigmoid for tanh", "(1 - np.power(A1, 2))", "A1 * (1 - A1)", DERIVATIVE),
        ("features counted", "dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T) / X.shape[0]", WRONG_N),
    ],
    "deep_net": [
        ("dW without 1/m", "dW = 1. / m * np.dot(dZ, A_prev.T)", "dW = np.dot(dZ, A_prev.T)", NO_MEAN),
        ("db without 1/m", "db = 1. / m * np.sum(dZ, axis=1, keepdims=True)", "db = np.sum(dZ, axis=1, keepdims=True)", NO_MEAN),
        ("1/m in each layer", "dA_prev = np.dot(W.T, dZ)", "dA_prev = np.dot(W.T, dZ) / m", MEAN_TWICE),
        ("relu the wrong way", "dZ[Z <= 0] = 0", "dZ[Z > 0] = 0", MASK_OTHER),
        ("gate at dA", "dZ[Z <= 0] = 0", "dZ[dA <= 0] = 0", MASK_OTHER),
        ("relu passed through", "dZ[Z <= 0] = 0", "pass", MASK),
        ("half of the sigmoid", "return dA * s * (1 - s)", "return dA * s", VALUE),
        ("Z for s", "return dA * s * (1 - s)", "return dA * Z * (1 - Z)", PRE),
        ("plus between the terms", "dAL = -(np.divide(Y, AL) - np", "dAL = -(np.divide(Y, AL) + np", SIGN),
        ("minus forgotten", "dAL = -(np.divide(Y, AL)", "dAL = (np.divide(Y, AL)", SIGN),
    ],
    "softmax_net": [
        ("all true classes of all rows", "dscores[np.arange(N), y] -= 1", "dscores[:, y] -= 1", INDEX),
        ("true class forgotten", "dscores[np.arange(N), y] -= 1", "pass", PATH),
        ("sum for mean", "dscores /= N", "pass", NO_MEAN),
        ("decay of W2 forgotten", "relu.T.dot(dscores) + reg * W2", "relu.T.dot(dscores)", DECAY),
        ("hidden for relu", "relu.T.dot(dscores) + reg * W2", "hidden.T.dot(dscores) + reg * W2", PRE),
        ("twice the decay", "X.T.dot(drelu) + reg * W1", "X.T.dot(drelu) + 2 * reg * W1", CONSTANT),
        ("gate at its own gradient", "drelu[hidden <= 0] = 0", "drelu[drelu <= 0] = 0", MASK_OTHER),
        ("relu passed through", "drelu[hidden <= 0] = 0", "pass", MASK),
        ("W2 not transposed", "drelu = dscores.dot(W2.T)", "drelu = dscores.dot(W2)", TRANSPOSE),
        ("bias over the columns", "grads['b1'] = drelu.sum(axis=0)", "grads['b1'] = drelu.sum(axis=1)", AXIS),
    ],
    "svm_loss": [
        ("scores for margins", "mask[margins > 0] = 1", "mask[scores > 0] = 1", MASK_OTHER),
        ("columns counted", "count = mask.sum(axis=1)", "count = mask.sum(axis=0)", AXIS),
        ("plus the count", "mask[np.arange(N), y] = -count", "mask[np.arange(N), y] = count", SIGN),
        ("counted once", "mask[np.arange(N), y] = -count", "mask[np.arange(N), y] = -1", FACTOR),
        ("true class forgotten", "mask[np.arange(N), y] = -count", "pass", PATH),
        ("sum for mean", "dW = X.T.dot(mask) / N", "dW = X.T.dot(mask)", NO_MEAN),
        ("X not transposed", "dW = X.T.dot(mask) / N", "dW = X.dot(mask) / N", TRANSPOSE),
        ("square without 2", "dW += 2 * reg * W", "dW += reg * W", CONSTANT),
        ("decay forgotten", "dW += 2 * reg * W", "pass", DECAY),
        ("data overwritten", "dW += 2 * reg * W", "dW = 2 * reg * W", OVERWRITTEN),
    ],
    "two_regressors": [
        ("square without 2", "dy = 2 * diff / diff.size", "dy = diff / diff.size", CONSTANT),
        ("rows for entries", "dy = 2 * diff / diff.size", "dy = 2 * diff / len(diff)", WRONG_N),
        ("sum for mean", "dy = 2 * diff / diff.size", "dy = 2 * diff", NO_MEAN),
        ("h not transposed", "gW2 = h.T @ dy", "gW2 = h @ dy", TRANSPOSE),
        ("bias over the columns", "gb2 = dy.sum(0)", "gb2 = dy.sum(1)", AXIS),
        ("W2 not transposed", "dh = dy @ W2.T", "dh = dy @ W2", TRANSPOSE),
        ("half of the sigmoid", "da = dh * h * (1 - h)", "da = dh * h", VALUE),
        ("dh for h", "da = dh * h * (1 - h)", "da = dh * dh * (1 - dh)", VARIABLE),
        ("dh for da", "gW1 = x.T @ da", "gW1 = x.T @ dh", NO_DERIVATIVE),
        ("bias averaged", "gb1 = da.sum(0)", "gb1 = da.mean(0)", MEAN_TWICE),
    ],
    "word2vec_grads": [
        ("negatives by index", "np.add.at(grad_U, negatives, np.outer(1 - s_n, center))", "grad_U[negatives] += np.outer(1 - s_n, center)", REPEATED),
        ("s for 1 - s", "np.outer(1 - s_n, center)", "np.outer(s_n, center)", DERIVATIVE),
        ("positive pair with plus", "grad_center = -(1 - s_o) * u_o", "grad_center = (1 - s_o) * u_o", SIGN),
        ("s for 1 - s at the center", "grad_center = -(1 - s_o) * u_o", "grad_center = -s_o * u_o", DERIVATIVE),
        ("positive pair lost", "grad_center = grad_center + (1 - s_n) @ u_n", "grad_center = (1 - s_n) @ u_n", OVERWRITTEN),
        ("negatives with minus", "grad_center = grad_center + (1 - s_n) @ u_n", "grad_center = grad_center - (1 - s_n) @ u_n", SIGN),
        ("its own vector", "grad_U[outside] = -(1 - s_o) * center", "grad_U[outside] = -(1 - s_o) * u_o", WRONG_FACTOR),
    ],
    "dense_class": [
        ("x not transposed", "self.dW = self.x.T @ grad", "self.dW = self.x @ grad", TRANSPOSE),
        ("bias over the columns", "self.db = grad.sum(axis=0)", "self.db = grad.sum(axis=1)", AXIS),
        ("bias averaged", "self.db = grad.sum(axis=0)", "self.db = grad.mean(axis=0)", MEAN_TWICE),
        ("W not transposed", "return grad @ self.W.T", "return grad @ self.W", TRANSPOSE),
        ("z for out", "return grad * self.out * (1.0 - self.out)", "return grad * self.z * (1.0 - self.z)", PRE),
        ("half of the sigmoid", "return grad * self.out * (1.0 - self.out)", "return grad * self.out", VALUE),
        ("upstream forgotten", "return grad * self.out * (1.0 - self.out)", "return self.out * (1.0 - self.out)", UPSTREAM),
        ("not handed on", "grad = layer.backward(grad)", "layer.backward(grad)", CHAIN),
        ("from the front", "for layer in reversed(self.layers):", "for layer in self.layers:", ORDER),
    ],
    "mlp_class": [
        ("sum for mean", "d3 = (self.yhat - y) / m", "d3 = self.yhat - y", NO_MEAN),
        ("y - yhat", "d3 = (self.yhat - y) / m", "d3 = (y - self.yhat) / m", SIGN),
        ("z2 for a2 in dW3", "self.dW3 = np.dot(d3, self.a2.T)", "self.dW3 = np.dot(d3, self.z2.T)", PRE),
        ("z2 for a2", "(1 - self.a2 ** 2)", "(1 - self.z2 ** 2)", PRE),
        ("the layer above", "(1 - self.a1 ** 2)", "(1 - self.a2 ** 2)", VARIABLE),
        ("W2 not transposed", "d1 = np.dot(self.W2.T, d2)", "d1 = np.dot(self.W2, d2)", TRANSPOSE),
        ("own output for input", "self.dW2 = np.dot(d2, self.a1.T)", "self.dW2 = np.dot(d2, self.a2.T)", VARIABLE),
        ("bias averaged", "self.db1 = d1.sum(axis=1, keepdims=True)", "self.db1 = d1.mean(axis=1, keepdims=True)", MEAN_TWICE),
        ("1/m once more", "self.dW1 = np.dot(d1, self.X.T)", "self.dW1 = np.dot(d1, self.X.T) / m", MEAN_TWICE),
    ],
    "dropout_class": [
        ("dropout passed through", "return dout * self.mask", "return dout", MASK),
        ("scale forgotten", "return dout * self.mask", "return dout * (self.mask > 0)", FACTOR),
        ("new mask", "return dout * self.mask", "return dout * (np.random.rand(*dout.shape) > self.ratio) / (1 - self.ratio)", MASK_AGAIN),
        ("slope forgotten", "return np.where(self.x > 0, dout, self.slope * dout)", "return np.where(self.x > 0, dout, 0)", FACTOR),
        ("gate at dout", "return np.where(self.x > 0, dout, self.slope * dout)", "return np.where(dout > 0, dout, self.slope * dout)", MASK_OTHER),
        ("dropout left out", "dpre = self.act.backward(self.drop.backward(dh))", "dpre = self.act.backward(dh)", MASK),
        ("h not transposed", "self.dv = self.h.T @ dout", "self.dv = self.h @ dout", TRANSPOSE),
        ("W not transposed", "return dpre @ self.W.T", "return dpre @ self.W", TRANSPOSE),
        ("dh for dpre", "self.dW = self.x.T @ dpre", "self.dW = self.x.T @ dh", NO_DERIVATIVE),
        ("outer the other way", "dh = np.outer(dout, self.v)", "dh = np.outer(self.v, dout)", TRANSPOSE),
    ],
    "scratch_net": [
        ("W not transposed", "dx = np.dot(dout, self.W.T)", "dx = np.dot(dout, self.W)", TRANSPOSE),
        ("x not transposed", "self.dW = np.dot(self.x.T, dout)", "self.dW = np.dot(self.x, dout)", TRANSPOSE),
        ("bias over the columns", "self.db = np.sum(dout, axis=0)", "self.db = np.sum(dout, axis=1)", AXIS),
        ("relu the wrong way", "dx[self.mask] = 0", "dx[~self.mask] = 0", MASK_OTHER),
        ("relu passed through", "dx[self.mask] = 0", "pass", MASK),
        ("sum for mean", "return (self.y - self.t) * dout / batch_size", "return (self.y - self.t) * dout", NO_MEAN),
        ("t - y", "return (self.y - self.t) * dout / batch_size", "return (self.t - self.y) * dout / batch_size", SIGN),
        ("the other layer", "grads['W1'], grads['b1'] = self.layers['Affine1'].dW", "grads['W1'], grads['b1'] = self.layers['Affine2'].dW", VARIABLE),
    ],
    "cbow": [
        ("words by index", "np.add.at(dW, self.idx[:, c], dout / window)", "dW[self.idx[:, c]] += dout / window", REPEATED),
        ("window not divided", "np.add.at(dW, self.idx[:, c], dout / window)", "np.add.at(dW, self.idx[:, c], dout)", NO_MEAN),
        ("not set to zero", "dW[...] = 0", "pass", EARLIER),
        ("added up", "self.grads[0][...] = np.dot(self.x.T, dout)", "self.grads[0][...] += np.dot(self.x.T, dout)", EARLIER),
        ("a new array", "self.grads[0][...] = np.dot(self.x.T, dout)", "self.grads[0] = np.dot(self.x.T, dout)", ELSEWHERE),
        ("W not transposed", "dx = np.dot(dout, W.T)", "dx = np.dot(dout, W)", TRANSPOSE),
        ("all true classes of all rows", "ds[np.arange(N), self.t] -= 1", "ds[:, self.t] -= 1", INDEX),
        ("sum for mean", "ds *= dout / N", "ds *= dout", NO_MEAN),
    ],
    "digits_network": [
        ("sigmoid passed through", "delta = (activations[-1]-y) * sigmoid_prime(zs[-1])", "delta = (activations[-1]-y)", NO_DERIVATIVE),
        ("sigmoid' of the activation", "sigmoid_prime(zs[-1])", "sigmoid_prime(activations[-1])", POST),
        ("y - a", "delta = (activations[-1]-y)", "delta = (y-activations[-1])", SIGN),
        ("the layer above", "sp = sigmoid_prime(zs[-l])", "sp = sigmoid_prime(zs[-l+1])", INDEX),
        ("sigmoid for sigmoid'", "sp = sigmoid_prime(zs[-l])", "sp = sigmoid(zs[-l])", VALUE),
        ("own weights", "self.weights[-l+1].transpose()", "self.weights[-l].transpose()", INDEX),
        ("weights not transposed", "self.weights[-l+1].transpose()", "self.weights[-l+1]", TRANSPOSE),
        ("own output for input", "nabla_w[-l] = np.dot(delta, activations[-l-1]", "nabla_w[-l] = np.dot(delta, activations[-l]", INDEX),
        ("own output for input at the end", "nabla_w[-1] = np.dot(delta, activations[-2]", "nabla_w[-1] = np.dot(delta, activations[-1]", INDEX),
    ],
    "optimize_logistic": [
        ("y with plus", "r = -y * sig", "r = y * sig", SIGN),
        ("label forgotten", "r = -y * sig", "r = -sig", FACTOR),
        ("exponent with minus", "sig = 1 / (1 + np.exp(margin))", "sig = 1 / (1 + np.exp(-margin))", SIGN),
        ("sum for mean", "g[:-1] = X.T.dot(r) / len(y) + C * w", "g[:-1] = X.T.dot(r) + C * w", NO_MEAN),
        ("penalty forgotten", "g[:-1] = X.T.dot(r) / len(y) + C * w", "g[:-1] = X.T.dot(r) / len(y)", DECAY),
        ("twice the penalty", "g[:-1] = X.T.dot(r) / len(y) + C * w", "g[:-1] = X.T.dot(r) / len(y) + 2 * C * w", CONSTANT),
        ("intercept summed", "g[-1] = r.mean()", "g[-1] = r.sum()", NO_MEAN),
        ("intercept penalised", "g[-1] = r.mean()", "g[-1] = r.mean() + C * b", DECAY_BIAS),
    ],
    "optimize_residuals": [
        ("a itself", "J[:, 0] = decay * c", "J[:, 0] = a * decay * c", VALUE),
        ("exponent with plus", "J[:, 1] = -t * a * decay * c", "J[:, 1] = t * a * decay * c", SIGN),
        ("k for t", "J[:, 1] = -t * a * decay * c", "J[:, 1] = -k * a * decay * c", WRONG_FACTOR),
        ("t forgotten", "J[:, 2] = -a * decay * s * t", "J[:, 2] = -a * decay * s", FACTOR),
        ("w for t", "J[:, 2] = -a * decay * s * t", "J[:, 2] = -a * decay * s * w", WRONG_FACTOR),
        ("cosine for sine", "J[:, 3] = -a * decay * s", "J[:, 3] = -a * decay * c", VALUE),
        ("sine with plus", "J[:, 3] = -a * decay * s", "J[:, 3] = a * decay * s", SIGN),
    ],
    "optimize_fun": [
        ("A for S", "gv = S.T @ e", "gv = A.T @ e", PRE),
        ("S not transposed", "gv = S.T @ e", "gv = S @ e", TRANSPOSE),
        ("outer the other way", "gS = np.outer(e, v)", "gS = np.outer(v, e)", TRANSPOSE),
        ("softplus itself", "gA = gS / (1 + np.exp(-A))", "gA = gS * S", VALUE),
        ("exponent with plus", "gA = gS / (1 + np.exp(-A))", "gA = gS / (1 + np.exp(A))", SIGN),
        ("X not transposed", "gW = X.T @ gA", "gW = X @ gA", TRANSPOSE),
        ("bias over the columns", "gc = gA.sum(axis=0)", "gc = gA.sum(axis=1)", AXIS),
        ("packed by columns", "g = np.concatenate([gW.ravel(), gc, gv])", "g = np.concatenate([gW.T.ravel(), gc, gv])", ORDER),
        ("packed the other way", "g = np.concatenate([gW.ravel(), gc, gv])", "g = np.concatenate([gW.ravel(), gv, gc])", ORDER),
        ("penalty forgotten", "g += 0.01 * theta", "pass", DECAY),
    ],
    "few_lines": [
        ("sigmoid passed through", "l2_delta = (y - l2) * (l2 * (1 - l2))", "l2_delta = (y - l2)", NO_DERIVATIVE),
        ("l2 - y", "l2_delta = (y - l2) *", "l2_delta = (l2 - y) *", SIGN),
        ("sigmoid of the sigmoid", "(l2 * (1 - l2))", "(nonlin(l2) * (1 - nonlin(l2)))", TWICE),
        ("error for delta", "l1_error = l2_delta.dot(syn1.T)", "l1_error = (y - l2).dot(syn1.T)", VARIABLE),
        ("half of the sigmoid", "l1_delta = l1_error * (l1 * (1 - l1))", "l1_delta = l1_error * l1", VALUE),
        ("hidden sigmoid passed through", "l1_delta = l1_error * (l1 * (1 - l1))", "l1_delta = l1_error", NO_DERIVATIVE),
        ("uphill", "syn1 += lr * l1.T.dot(l2_delta)", "syn1 -= lr * l1.T.dot(l2_delta)", SIGN),
        ("error for delta in the update", "syn0 += lr * X.T.dot(l1_delta)", "syn0 += lr * X.T.dot(l1_error)", VARIABLE),
    ],
    "train_step": [
        ("new weights", "dhidden = np.dot(dscores, W2.T)", "dhidden = np.dot(dscores, W2_new.T)", UPDATED),
        ("W2 not transposed", "dhidden = np.dot(dscores, W2.T)", "dhidden = np.dot(dscores, W2)", TRANSPOSE),
        ("relu passed through", "dhidden[hidden <= 0] = 0", "pass", MASK),
        ("sum for mean", "dscores /= len(X)", "pass", NO_MEAN),
        ("decay forgotten", "dW1 += reg * W1", "pass", DECAY),
        ("data overwritten", "dW1 += reg * W1", "dW1 = reg * W1", OVERWRITTEN),
        ("hidden not transposed", "dW2 = np.dot(hidden.T, dscores)", "dW2 = np.dot(hidden, dscores)", TRANSPOSE),
        ("the layer above", "db1 = np.sum(dhidden, axis=0, keepdims=True)", "db1 = np.sum(dscores, axis=0, keepdims=True)", VARIABLE),
        ("all true classes of all rows", "dscores[range(len(X)), labels] -= 1", "dscores[:, labels] -= 1", INDEX),
        ("uphill", "W1 = W1 - step_size * dW1", "W1 = W1 + step_size * dW1", SIGN),
    ],
    "char_rnn": [
        ("input for target", "dy[targets[t]] -= 1", "dy[inputs[t]] -= 1", INDEX),
        ("first step only", "dWhy += dy @ hs[t].T", "dWhy = dy @ hs[t].T", OVERWRITTEN),
        ("bias of one step", "dby += dy", "dby = dy", OVERWRITTEN),
        ("next step forgotten", "dh = Why.T @ dy + dhnext", "dh = Why.T @ dy", PATH),
        ("tanh passed through", "dhraw = (1 - hs[t] * hs[t]) * dh", "dhraw = dh", NO_DERIVATIVE),
        ("own state for the one before", "dWhh += dhraw @ hs[t-1].T", "dWhh += dhraw @ hs[t].T", INDEX),
        ("Whh not transposed", "dhnext = Whh.T @ dhraw", "dhnext = Whh @ dhraw", TRANSPOSE),
        ("dh for dhraw", "dhnext = Whh.T @ dhraw", "dhnext = Whh.T @ dh", VARIABLE),
        ("dh for dhraw in dWxh", "dWxh += dhraw @ xs[t].T", "dWxh += dh @ xs[t].T", VARIABLE),
        ("forwards in time", "for t in reversed(range(len(inputs))):", "for t in range(len(inputs)):", ORDER),
    ],
    "accumulating_layer": [
        ("last example only", "self.dW += np.outer(delta, x)", "self.dW = np.outer(delta, x)", OVERWRITTEN),
        ("outer the other way", "self.dW += np.outer(delta, x)", "self.dW += np.outer(x, delta)", TRANSPOSE),
        ("bias of the last example", "self.db += delta", "self.db = delta", OVERWRITTEN),
        ("W not transposed", "return self.W.T @ delta", "return self.W @ delta", TRANSPOSE),
        ("not set to zero", "first.zero_grad()", "pass", EARLIER),
        ("sum for mean", "delta = (second(h) - y) / len(X)", "delta = second(h) - y", NO_MEAN),
        ("sine for cosine", "da = dh * np.cos(a)", "da = dh * np.sin(a)", VALUE),
        ("cosine of the sine", "da = dh * np.cos(a)", "da = dh * np.cos(h)", POST),
        ("minus cosine", "da = dh * np.cos(a)", "da = -dh * np.cos(a)", SIGN),
        ("a for h", "dh = second.backward(h, delta)", "dh = second.backward(a, delta)", PRE),
    ],
    "batch_mean_layer": [
        ("one of two factors", "dZ = dA * (s + self.Z * s * (1 - s))", "dZ = dA * s", PATH),
        ("sigmoid for swish", "dZ = dA * (s + self.Z * s * (1 - s))", "dZ = dA * s * (1 - s)", DERIVATIVE),
        ("A for Z", "dZ = dA * (s + self.Z * s * (1 - s))", "dZ = dA * (s + self.A * s * (1 - s))", POST),
        ("dW without 1/n", "self.dW = self.X.T @ dZ / n", "self.dW = self.X.T @ dZ", NO_MEAN),
        ("X not transposed", "self.dW = self.X.T @ dZ / n", "self.dW = self.X @ dZ / n", TRANSPOSE),
        ("db without 1/n", "self.db = dZ.mean(axis=0, keepdims=True)", "self.db = dZ.sum(axis=0, keepdims=True)", NO_MEAN),
        ("dA for dZ", "self.db = dZ.mean(axis=0, keepdims=True)", "self.db = dA.mean(axis=0, keepdims=True)", NO_DERIVATIVE),
        ("W not transposed", "return dZ @ self.W.T", "return dZ @ self.W", TRANSPOSE),
    ],
    "pool_norm": [
        ("stride forgotten", "dx[n, 2*i + r, 2*j + s, c] += dout", "dx[n, i + r, j + s, c] += dout", INDEX),
        ("smallest for largest", "np.unravel_index(np.argmax(patch), patch.shape)", "np.unravel_index(np.argmin(patch), patch.shape)", MASK_OTHER),
        ("corner of the window", "r, s = np.unravel_index(np.argmax(patch), patch.shape)", "r, s = 0, 0", INDEX),
        ("gain averaged", "dg = (dout * xn).sum(axis=(0, 1, 2))", "dg = (dout * xn).mean(axis=(0, 1, 2))", MEAN_TWICE),
        ("gain forgotten", "dxn = dout * g", "dxn = dout", FACTOR),
        ("mean forgotten", "dx = (dxn - m1 - xn * m2) / sd", "dx = (dxn - xn * m2) / sd", PATH),
        ("spread forgotten", "dx = (dxn - m1 - xn * m2) / sd", "dx = (dxn - m1) / sd", PATH),
        ("multiplied by sd", "dx = (dxn - m1 - xn * m2) / sd", "dx = (dxn - m1 - xn * m2) * sd", DERIVATIVE),
        ("sum for mean", "m2 = (dxn * xn).mean(-1, keepdims=True)", "m2 = (dxn * xn).sum(-1, keepdims=True)", NO_MEAN),
    ],
}
# fmt: on
