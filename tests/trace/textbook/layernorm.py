import numpy as np

def gelu(u):
    c = np.sqrt(2.0/np.pi)
    return u/2 * (1 + np.tanh(c*(u + 0.044715*u**3)))

def ln(x, gain, bias, eps: float = 1e-5):
    m = np.mean(x, axis=-1, keepdims=True)
    v = np.var(x, axis=-1, keepdims=True)
    x = (x - m)/np.sqrt(v + eps)     # same name on purpose, we do not need the old x
    return gain*x + bias

def dense(x, w, b):
    return x@w + b

def mlp(x, w_up, b_up, w_down, b_down):
    # wide in the middle
    return dense(gelu(dense(x, w_up, b_up)), w_down, b_down)

def block(x, gain, bias, w_up, b_up, w_down, b_down):
    # pre-norm, (tokens, channels) in and out
    down = {"w_down": w_down, "b_down": b_down}
    x = x + mlp(ln(x, gain, bias), *(w_up, b_up), **down)
    return x

def inputs():
    rng = np.random.default_rng(2)
    tokens, ch = 3, 4
    return dict(
        x=rng.normal(size=(tokens, ch)),
        gain=rng.uniform(0.5, 1.5, ch),
        bias=rng.normal(size=ch) * 0.1,
        w_up=rng.normal(size=(ch, 2*ch)) * 0.4,
        b_up=rng.normal(size=2*ch) * 0.1,
        w_down=rng.normal(size=(2*ch, ch)) * 0.4,
        b_down=np.zeros(ch),
    )
