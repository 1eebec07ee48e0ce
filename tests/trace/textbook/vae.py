import numpy as np

# tiny VAE, 6 pixels, 2 latent dims


def lrelu(x, alpha=0.1):
    dx = np.ones_like(x)
    dx[x < 0] = alpha
    return x * dx


def encode(x, We, be, Wmu, Wlv):
    h = lrelu(x @ We + be)
    return h @ Wmu, h @ Wlv


def elbo_loss(x, We, be, Wmu, Wlv, Wd, bd):
    rng = np.random.default_rng(1)
    mu, logvar = encode(x, We, be, Wmu, Wlv)
    # reparametrisation trick
    eps = rng.standard_normal(size=mu.shape)
    z = mu + np.exp(0.5 * logvar) * eps
    logits = z @ Wd + bd
    xhat = 1. / (1. + np.exp(-logits))
    bce = -np.sum(x * np.log(xhat + 1e-9) + (1 - x) * np.log(1 - xhat + 1e-9))
    kld = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
    return (bce + kld) / len(x)


def inputs():
    rng = np.random.default_rng(2024)
    g = lambda *s: rng.normal(0, 0.4, size=s)
    return dict(x=rng.uniform(0.05, 0.95, size=(3, 6)), We=g(6, 4), be=g(4), Wmu=g(4, 2), Wlv=g(4, 2),
                Wd=g(2, 6), bd=g(6))
