"""Functions that a module brings along, each only where it is used: NumPy has none for these.

They are written for NumPy; `bpx.spec.writing.code.libraries` says what differs elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpx.words.say import say

_SOURCES = '''
def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def softplus(x):
    return np.logaddexp(0, x)

def logsigmoid(x):
    return -softplus(-x)

def softsign(x):
    return x / (1 + np.abs(x))

def cot(x):
    return np.cos(x) / np.sin(x)

def leaky_relu(x, slope):
    return np.where(x > 0, x, slope * x)

def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

def selu(x):
    below = 1.0507009873554804 * 1.6732632423543772
    return np.where(x > 0, 1.0507009873554804 * x, below * np.expm1(np.minimum(x, 0)))

def relu6(x):
    x = np.maximum(x, 0)
    return np.minimum(x, 6)

def hard_sigmoid(x):
    return relu6(x + 3) / 6

def hard_swish(x):
    return x * relu6(x + 3) / 6

def silu(x):
    return x * sigmoid(x)

def swish(x, beta):
    return x * sigmoid(beta * x)

def mish(x):
    return x * np.tanh(softplus(x))

def gelu(x):
    return x * erfc(-x / 2**0.5) / 2

def gelu_tanh(x):
    return x * sigmoid(2 * (2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))

def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)

def erfc(x):
    return np.vectorize(math.erfc, otypes=[float])(x)

def lgamma(x):
    return np.vectorize(math.lgamma, otypes=[float])(x)

def digamma(x):
    return polygamma(0, x)

def polygamma(n, x):
    return np.vectorize(polygamma_of_number, otypes=[float])(n, x)

def polygamma_of_number(n, x):
    """@"""
    s, total = n + 1, 0.0
    while x < 20 + s:
        total, x = total + x**-s, x + 1
    bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
    total += (x**-n / n if n else -math.log(x)) + x**-s / 2
    factor = s / 2
    for k, number in enumerate(bernoulli, start=1):
        total += number * factor * x ** (-s - 2 * k + 1)
        factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))
    return (-1) ** s * math.factorial(int(n)) * total

def sinc_derivative(n, x):
    out = 0.0 * x * n
    for order in set(np.ravel(np.asarray(n)).tolist()):
        out = np.where(np.asarray(n == order), sinc_of_order(int(order), x), out)
    return out

def sinc_of_order(n, x):
    """@"""
    angle = np.pi * x
    small = np.abs(angle) <= max(1.5, n)
    near, far = np.where(small, angle, 0 * angle), np.where(small, 0 * angle + 1, angle)
    first = (n + 1) // 2
    term = (-1) ** first * (near if n % 2 else 0 * near + 1)
    series = term / (2 * first + 1)
    for k in range(first + 1, first + 25 + n):
        term = -term * near**2 / ((2 * k - n) * (2 * k - n - 1))
        series = series + term / (2 * k + 1)
    waves = np.sin(far), np.cos(far), -np.sin(far), -np.cos(far)
    out = waves[0] / far
    for order in range(1, n + 1):
        out = (waves[order % 4] - order * out) / far
    return np.pi**n * np.where(small, series, out)

def times(upstream, local):
    """@"""
    return np.where(upstream == 0, 0.0, upstream * local)

def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)

def logsumexp(x, axis, keep=False):
    top = np.max(x, axis=axis, keepdims=True)
    total = top + log_of_shares(x - top, axis)
    return total if keep else np.squeeze(total, axis=axis)

def log_softmax(x, axis):
    below = x - np.max(x, axis=axis, keepdims=True)
    return below - log_of_shares(below, axis)

def log_of_shares(below, axis):
    """@"""
    shares = np.sum(np.where(below == 0, 0.0, np.exp(below)), axis=axis, keepdims=True)
    ties = np.sum(1.0 * (below == 0), axis=axis, keepdims=True)
    return np.log1p(shares + ties - 1)

def place(x, at, shape):
    """@"""
    out = np.zeros(shape)
    out[at] = x
    return out

def scatter(x, ids, n):
    """@"""
    marks = np.eye(n)[np.reshape(ids, (-1,))]
    rows = np.reshape(x, (len(marks), -1))
    return np.reshape(marks.T @ rows, (n, *x.shape[ids.ndim :]))

def windows(x, size, stride, dilation):
    """@"""
    first = x.ndim - len(size)
    for i, (k, s, d) in enumerate(zip(size, stride, dilation)):
        count = (x.shape[first + i] - d * (k - 1) - 1) // s + 1
        places = s * np.arange(count)[:, None] + d * np.arange(k)
        x = np.moveaxis(x[(slice(None),) * (first + i) + (places,)], first + i + 1, -1)
    return x

def overlap_add(x, shape, stride, dilation):
    """@"""
    axes = len(shape)
    first = x.ndim - 2 * axes
    steps = list(zip(stride, dilation))
    for i in range(axes):  # windows and their elements may change places: the loop is over the fewer
        if x.shape[first + i] < x.shape[first + axes + i]:
            x = np.swapaxes(x, first + i, first + axes + i)
            steps[i] = steps[i][::-1]
    stride, dilation = zip(*steps)
    counts, size = x.shape[first : first + axes], x.shape[first + axes :]
    out = np.zeros((*x.shape[:first], *shape))
    for inside in itertools.product(*map(range, size)):
        starts = [d * at for d, at in zip(dilation, inside)]
        at = tuple(slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(starts, stride, counts))
        out[(..., *at)] += x[(..., *inside)]
    return out

def cofactor(a):
    """@"""
    n = a.shape[-1]
    rows = []
    for i in range(n):
        row = []
        for j in range(n):
            kept = [[k for k in range(n) if k != without] for without in (i, j)]
            minor = a[..., np.array(kept[0], dtype=int), :][..., np.array(kept[1], dtype=int)]
            row.append((-1.0) ** (i + j) * np.linalg.det(minor))
        rows.append(np.stack(row, axis=-1))
    return np.stack(rows, axis=-2)

def eigenprojections(a):
    """@"""
    symmetric = np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)
    rows = np.swapaxes(np.linalg.eigh(symmetric)[1], -1, -2)
    return rows[..., :, None] * rows[..., None, :]
'''

_TORCH = """
def softplus(x):
    return torch.logaddexp(torch.zeros_like(x), x)

def cbrt(x):
    return torch.sign(x) * torch.abs(x) ** (1 / 3)

def polygamma(n, x):
    out = 0.0 * x * n
    for order in set(torch.ravel(torch.asarray(n)).tolist()):
        factor = (-1) ** (order + 1) * math.factorial(int(order))
        value = factor * torch.special.zeta(torch.asarray(order + 1), x) if order else torch.digamma(x)
        out = torch.where(torch.asarray(n == order), value, out)
    return out
"""

_JAX = '''
def place(x, at, shape):
    """@"""
    return jnp.zeros(shape).at[at].set(x)

def polygamma(n, x):
    return jax.scipy.special.polygamma(jnp.asarray(n).astype(int), x)
'''


def _by_name(sources: str) -> dict[str, str]:
    """The source of each function, without the line feeds around it."""
    functions = re.split(r"\n(?=def )", sources)
    return {function[4 : function.index("(")]: function.strip() for function in functions[1:]}


def documented(name: str, source: str) -> str:
    """The source with the sentence about the function, where it has one."""
    return source.replace('"""@"""', f'"""{say(f"code.helper-{name}")}"""') if "@" in source else source


HELPERS = _by_name(_SOURCES)
HELPERS_OF = {"numpy": {}, "torch": _by_name(_TORCH), "jax": _by_name(_JAX)}


def needed(names: Iterable[str], sources: dict[str, str]) -> list[str]:
    """The helpers of these names and those that they call, in the order of the table."""
    wanted, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [
                other for other in re.findall(r"\b(\w+)(?=\(|, otypes)", sources[name]) if other in sources
            ]
    return [name for name in sources if name in wanted]
