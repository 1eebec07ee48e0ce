import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    eps = bn_param.get('eps', 1e-5)
    momentum = bn_param.get('momentum', 0.9)
    mu = x.mean(axis=0)
    xmu = x - mu
    var = np.mean(xmu ** 2, axis=0)
    ivar = 1. / np.sqrt(var + eps)
    xhat = xmu * ivar
    out = gamma * xhat + beta
    bn_param['running_mean'] = momentum * bn_param.get('running_mean', 0) + (1 - momentum) * mu
    bn_param['running_var'] = momentum * bn_param.get('running_var', 0) + (1 - momentum) * var
    cache = (xhat, gamma, xmu, ivar, var, eps)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, var, eps = cache
    N, D = dout.shape

    # out = gamma * xhat + beta
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    # xhat = xmu * ivar
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    # ivar = (var + eps) ** -0.5
    dvar = -0.5 * (var + eps) ** -1.5 * divar
    # var = mean(xmu ** 2)
    dxmu2 = 2 * xmu * dvar / N
    # xmu = x - mu
    dx1 = dxmu1 + dxmu2
    dmu = -np.sum(dx1, axis=0)
    dx2 = np.ones((N, D)) * dmu / N
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def inputs():
    np.random.seed(5)
    return {'x': 2 * np.random.randn(4, 4) + 1, 'gamma': np.array([1., 1.5, .5, 2.]), 'beta': np.random.randn(4),
            'bn_param': {'mode': 'train'}}
