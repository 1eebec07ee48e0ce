import numpy as np

# chain of masses between two walls, semi-implicit Euler
n_steps, dt = 12, 0.05


def simulate(x0, v0, k, m):
    x = x0.copy()
    v = v0.copy()
    damping = 0.1
    for _ in range(n_steps):
        force = np.zeros(len(x))
        stretch = np.diff(x, prepend=0., append=1.)
        force -= k * stretch[:-1]
        force += k * stretch[1:]
        force -= damping * v
        v += dt * force / m
        x += dt * v
    return x, v


def final_energy(x0, v0, k, m):
    x, v = simulate(x0, v0, k, m)
    kinetic = 0.5 * np.sum(m * v**2)
    ext = np.concatenate([[0.], x, [1.]])
    potential = 0.5 * k * np.sum((ext[1:] - ext[:-1])**2)
    return kinetic + potential


def inputs():
    return {'x0': np.array([0.2, 0.55, 0.8]), 'v0': np.array([0.3, -0.1, 0.05]), 'k': np.float64(4.0),
            'm': np.array([1.0, 0.5, 2.0])}
