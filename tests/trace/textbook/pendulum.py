import math
import numpy as np

g = 9.81

def swing(theta0, omega0, length):
    theta, omega = theta0, omega0
    dt = 0.02
    t = 0.0
    top = theta
    while t < 0.3:
        omega += -g / length * np.sin(theta) * dt
        theta += omega * dt
        if abs(theta) > top:
            top = theta
        t += dt
    return theta

def miss(state, length):
    """squared distance of the bob from (0.2, -0.9) in the end"""
    th = swing(state[0], state[1], length)
    bob = length * np.array([np.sin(th), -np.cos(th)])
    return np.sum((bob - np.array([0.2, -0.9]))**2) + 0 * math.pi

def inputs():
    return {'state': np.array([0.4, 0.9]), 'length': np.float64(1.2)}
