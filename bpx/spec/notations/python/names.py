"""Functions of NumPy, PyTorch and their like, by the name behind the module, and bpx's ops."""

from __future__ import annotations

MODULES = frozenset(
    "np numpy jnp jax jax.numpy jax.nn math cmath torch F nn nn.functional torch.nn torch.nn.functional torch.special "
    "torch.linalg np.linalg numpy.linalg jnp.linalg linalg LA tf tf.math tf.nn tf.linalg scipy.special special "
    "sp cp mx keras K ops bpx bpx.ops builtins onp anp autograd.numpy numpy.ma np.ma operator".split()
)
# Where libraries disagree about a function, the modules whose way is not NumPy's.
TORCH = ("torch", "F", "nn")

CONSTANTS = {"pi": "pi", "e": "e"}
NAMES = {
    "maximum": "max",
    "minimum": "min",
    "fmax": "max",
    "fmin": "min",
    "absolute": "abs",
    "fabs": "abs",
    "expit": "sigmoid",
    "clamp": "clip",
    "clip_by_value": "clip",
    "cat": "concat",
    "concatenate": "concat",
    "hstack": "concat",
    "vdot": "dot",
    "inner": "dot",
    "mm": "matmul",
    "bmm": "matmul",
    "mv": "matmul",
    "arctan2": "atan2",
    "logsigmoid": "logsigmoid",
    "log_sigmoid": "logsigmoid",
    "logistic": "sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "mse_loss": "mse",
    "MSELoss": "mse",
    "l1_loss": "mae",
    "L1Loss": "mae",
    "smooth_l1_loss": "smooth_l1",
    "huber_loss": "huber",
    "binary_cross_entropy": "bce",
    "BCELoss": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
    "BCEWithLogitsLoss": "bce_with_logits",
    "CrossEntropyLoss": "cross_entropy",
    "nll_loss": "nll",
    "NLLLoss": "nll",
    "reduce_sum": "sum",
    "reduce_mean": "mean",
    "reduce_max": "amax",
    "reduce_min": "amin",
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "GELU": "gelu",
    "SiLU": "silu",
    "Softplus": "softplus",
    "ELU": "elu",
    "LeakyReLU": "leaky_relu",
    "LogSoftmax": "log_softmax",
    "product": "prod",
    "permute": "transpose",
    "view": "reshape",
    "gammaln": "lgamma",
    "psi": "digamma",
    "fmod": "mod",
    "rint": "round",
}
INFIX = {
    "add": "+",
    "sub": "-",
    "subtract": "-",
    "mul": "*",
    "multiply": "*",
    "div": "/",
    "divide": "/",
    "true_divide": "/",
    "truediv": "/",
    "pow": "^",
    "power": "^",
    "float_power": "^",
    "matmul": "@",
    "greater": ">",
    "gt": ">",
    "less": "<",
    "lt": "<",
    "ge": ">=",
    "greater_equal": ">=",
    "le": "<=",
    "less_equal": "<=",
    "equal": "==",
    "eq": "==",
    "not_equal": "!=",
    "ne": "!=",
}
# What only changes how a value is kept, not what it is.
KEPT = frozenset(
    "float float32 float64 double item clone copy contiguous numpy cpu asarray array tensor as_tensor asanyarray "
    "ascontiguousarray tolist to astype type requires_grad_ squeeze_ identity Tensor Variable constant".split()
)
AS_LIST = frozenset("array tensor asarray as_tensor constant Tensor".split())
SETTINGS = {
    "dim": "axis",
    "keepdim": "keepdims",
    "axes": "axes",
    "dims": "axes",
    "negative_slope": "slope",
    "correction": "ddof",
    "a_min": "low",
    "a_max": "high",
    "min_val": "low",
    "max_val": "high",
}
# Settings that change nothing about the value.
WITHOUT_EFFECT = frozenset(("dtype", "device", "out", "inplace", "requires_grad", "axis_name", "copy"))
