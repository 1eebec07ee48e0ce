import numpy as np

def f(y, t, theta):
    W1, b1, W2, b2 = theta
    inp = np.append(y ** 3, t)
    return np.tanh(inp @ W1 + b1) @ W2 + b2

def odeint_euler(f, y0, t, theta):
    traj = [y0]
    y = y0
    for i in range(len(t) - 1):
        h = t[i + 1] - t[i]
        y = y + h * f(y, t[i], theta)
        traj.append(y)
    return np.stack(traj)

def odeint_rk4(f, y0, t, theta):
    ys = np.empty((len(t), len(y0)))
    ys[0] = y0
    for i in range(1, len(t)):
        h, s, y = t[i] - t[i-1], t[i-1], ys[i-1]
        k1 = f(y, s, theta)
        k2 = f(y + h*k1/2, s + h/2, theta)
        k3 = f(y + h*k2/2, s + h/2, theta)
        k4 = f(y + h*k3, s + h, theta)
        ys[i] = y + h/6*(k1 + 2*k2 + 2*k3 + k4)
    return ys

t = np.linspace(0., 1., 6)
target = np.column_stack((2 * np.cos(t), -2 * np.sin(t)))

def euler_loss(y0, W1, b1, W2, b2):
    return np.abs(odeint_euler(f, y0, t, (W1, b1, W2, b2)) - target).mean()

def rk4_loss(y0, W1, b1, W2, b2):
    return np.square(odeint_rk4(f, y0, t, (W1, b1, W2, b2)) - target).mean()

def inputs():
    rng = np.random.default_rng(321)
    return dict(y0=np.array([1.3, 0.2]), W1=rng.normal(size=(3, 4)) * .3, b1=rng.normal(size=4) * .1,
                W2=rng.normal(size=(4, 2)) * .5, b2=rng.normal(size=2) * .1)
