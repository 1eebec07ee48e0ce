import numpy as np

# hold-out error of ridge regression as a function of the penalty (log scale), and of the features

def ridge_validation_error(log_lam, X_train, y_train, X_val, y_val):
    n, p = X_train.shape
    lam = 10 ** log_lam
    m = X_train.mean(0)
    Xc = X_train - m
    ybar = y_train.mean()
    A = Xc.T @ Xc + lam * np.identity(p)
    w = np.linalg.solve(A, Xc.T @ (y_train - ybar))
    pred = (X_val - m) @ w + ybar
    err = pred - y_val
    return err @ err / err.size

def inputs():
    rng = np.random.default_rng(314)
    w = np.array([1.0, -2.0, 0.5])
    Xt, Xv = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    return {'log_lam': np.float64(-0.5), 'X_train': Xt, 'y_train': Xt @ w + rng.normal(size=6),
            'X_val': Xv, 'y_val': Xv @ w}
