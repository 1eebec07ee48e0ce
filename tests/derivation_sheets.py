"""Derivations with none, one or two slips: of each slip its line, and the kinds that it may be called."""

from __future__ import annotations

from typing import NamedTuple


class Sheet(NamedTuple):
    """A derivation; `slips` are (line, kinds), `follows` the lines of steps that only follow from a slip."""

    title: str
    text: str
    slips: tuple[tuple[int, str], ...] = ()
    follows: tuple[int, ...] = ()
    ending: str = ".md"


SHEETS = [
    Sheet(
        "chain rule, right",
        """y = sin(x^2)
u = x^2
dy/dx = cos(x^2) * 2x
du/dx = 2x
""",
        ending=".txt",
    ),
    Sheet(
        "chain rule, inner derivative forgotten",
        """# Chain rule
Let $y = \\sin(x^2)$.
Then $\\frac{dy}{dx} = \\cos(x^2)$, and that is it.
""",
        ((3, "local-missing"),),
    ),
    Sheet(
        "chain rule, by a named inner function",
        """u = 3x + 1
y = u^4
dy/du = 4u^3
du/dx = 3
dy/dx = dy/du · du/dx = 4u^3 · 3 = 12(3x+1)^3
""",
    ),
    Sheet(
        "power, exponent not lowered",
        """u = 3x + 1
y = u^4
dy/du = 4u^4
du/dx = 3
dy/dx = dy/du · du/dx = 4u^4 · 3 = 12(3x+1)^4
""",
        ((3, "power"),),
        (5, 5),
    ),
    Sheet(
        "sigmoid by parts, right",
        r"""We write $a = \frac{1}{1+e^{-z}}$ as $u = -z$, $v = e^u$, $s = 1 + v$, $a = 1/s$.

$$\frac{da}{ds} = -\frac{1}{s^2}, \quad \frac{ds}{dv} = 1, \quad \frac{dv}{du} = v, \quad \frac{du}{dz} = -1$$

$$\frac{da}{dz} = \frac{da}{ds}\frac{ds}{dv}\frac{dv}{du}\frac{du}{dz} = \frac{v}{s^2} = a(1-a)$$
""",
    ),
    Sheet(
        "sigmoid by parts, a sign lost",
        r"""u = -z
v = exp(u)
s = 1 + v
a = 1/s
∂a/∂s = 1/s²
∂s/∂v = 1
∂v/∂u = v
∂u/∂z = -1
∂a/∂z = ∂a/∂s · ∂s/∂v · ∂v/∂u · ∂u/∂z = -v/s²
""",
        ((5, "sign"),),
        (9,),
        ".txt",
    ),
    Sheet(
        "logistic regression, right",
        r"""\documentclass{article}
\begin{document}
Let $z = w^\top x + b$, $a = \sigma(z)$ and $L = -y \log a - (1-y)\log(1-a)$.
\begin{align}
\frac{\partial L}{\partial a} &= -\frac{y}{a} + \frac{1-y}{1-a} \\
\frac{\partial a}{\partial z} &= a(1-a) \\
\frac{\partial L}{\partial z} &= \frac{\partial L}{\partial a} \cdot \frac{\partial a}{\partial z} \\
  &= \left(-\frac{y}{a} + \frac{1-y}{1-a}\right) a (1-a) \\
  &= a - y \\
\frac{\partial L}{\partial w} &= (a-y)\, x, \qquad \frac{\partial L}{\partial b} = a - y
\end{align}
\end{document}
""",
        ending=".tex",
    ),
    Sheet(
        "logistic regression, the sign of the second term",
        r"""\begin{align}
z &= w x + b \\
a &= \sigma(z) \\
L &= -y \log a - (1-y)\log(1-a) \\
\frac{\partial L}{\partial a} &= -\frac{y}{a} - \frac{1-y}{1-a} \\
\frac{\partial L}{\partial z} &= \frac{\partial L}{\partial a} a(1-a) = -y(1-a) - (1-y)a
\end{align}
""",
        ((5, "sign"),),
        (6,),
        ".tex",
    ),
    Sheet(
        "logistic regression, the sigmoid's derivative twice",
        """z = w x + b, a = σ(z)
L = -(y log(a) + (1-y) log(1-a))
∂L/∂z = a - y
∂L/∂w = (a - y) a (1 - a) x
∂L/∂b = a - y
""",
        ((4, "local-twice"),),
    ),
    Sheet(
        "softmax and cross-entropy, right",
        r"""With $p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$ and $L = -\sum_i y_i \log p_i$ we get
$$\frac{\partial L}{\partial p_i} = -\frac{y_i}{p_i}, \qquad \frac{\partial L}{\partial z_i} = p_i - y_i$$
""",
    ),
    Sheet(
        "softmax and cross-entropy, sign",
        r"""p = softmax(z)
L = -sum(y * log(p))
dL/dz = y - p
""",
        ((3, "sign"),),
    ),
    Sheet(
        "two-layer net in scalars, with numbers",
        """x = 1.5, w1 = 0.4, w2 = -0.7, y = 1
h = tanh(w1 x)
p = w2 h
L = (p - y)^2
dL/dp = 2(p - y) = -2.7519
dL/dw2 = dL/dp · h = -2.7519 · 0.5370 = -1.4778
dL/dh = dL/dp · w2 = 1.9263
dL/dw1 = dL/dh (1 - h^2) x = 1.9263 · 0.7116 · 1.5 = 2.0561
""",
    ),
    Sheet(
        "two-layer net in scalars, tanh' without the square",
        """h = tanh(w1 x)
p = w2 h
L = (p - y)^2
dL/dp = 2(p - y)
dL/dw2 = 2(p - y) h
dL/dh = 2(p - y) w2
dL/dw1 = 2(p - y) w2 (1 - h) x
""",
        ((7, "local power"),),
    ),
    Sheet(
        "two-layer net in vectors, right",
        r"""$$z_1 = W_1 x + b_1, \quad h = \tanh(z_1), \quad z_2 = W_2 h + b_2$$ $$L = \frac12 \|z_2 - y\|^2$$
\begin{align}
\delta_2 &= z_2 - y \\
\frac{\partial L}{\partial W_2} &= \delta_2 h^\top \\
\frac{\partial L}{\partial b_2} &= \delta_2 \\
\delta_1 &= W_2^\top \delta_2 \odot (1 - h^2) \\
\frac{\partial L}{\partial W_1} &= \delta_1 x^\top
\end{align}
""",
    ),
    Sheet(
        "two-layer net in vectors, a transpose and a transposed result",
        """z1 = W1 x + b1
h = tanh(z1)
z2 = W2 h + b2
L = 1/2 ‖z2 - y‖²
dz2 = z2 - y
dW2 = h dz2^T
dh = W2^T dz2
dz1 = dh ⊙ (1 - h²)
dW1 = dz1 x^T
""",
        ((6, "matrices"),),
    ),
    Sheet(
        "mean squared error, the 1/n forgotten",
        r"""$L = \frac{1}{n}\sum_{i=1}^n (p_i - y_i)^2$

$\frac{\partial L}{\partial p_i} = 2(p_i - y_i)$
""",
        ((3, "mean factor"),),
    ),
    Sheet(
        "mean squared error, right",
        r"""$L = \frac{1}{n}\sum_{i=1}^n (y_i - p_i)^2$

$\frac{\partial L}{\partial p_i} = -\frac{2}{n}(y_i - p_i) = \frac{2}{n}(p_i - y_i)$
""",
    ),
    Sheet(
        "relu, right, and its mask missing",
        """h = relu(z)
L = (h - y)^2
dL/dh = 2(h - y)
dL/dz = 2(h - y)
""",
        ((4, "mask local-missing"),),
    ),
    Sheet(
        "product rule",
        """f(x) = x^2 sin(x)
f'(x) = 2x sin(x) + x^2 cos(x)
f''(x) = 2 sin(x) + 4x cos(x) - x^2 sin(x)
""",
    ),
    Sheet(
        "product rule, as a product of derivatives",
        """f(x) = x^2 sin(x)
f'(x) = 2x cos(x)
""",
        ((2, "path term value unknown local"),),
    ),
    Sheet(
        "quotient rule, denominator not squared",
        r"""Let $f(x) = \frac{\sin x}{x}$. Then $f'(x) = \frac{x\cos x - \sin x}{x}$.
""",
        ((1, "quotient power factor mean"),),
    ),
    Sheet(
        "sum over paths, one path dropped",
        """u = x^2
v = 3x
L = u v
∂L/∂u = v
∂L/∂v = u
dL/dx = ∂L/∂u · du/dx = v · 2x
""",
        ((6, "path"),),
        (6,),
    ),
    Sheet(
        "linear layer over a batch, right",
        r"""$$Z = X W, \quad L = \frac{1}{2} \sum (Z - Y)^2$$
$$\frac{\partial L}{\partial Z} = Z - Y, \quad \frac{\partial L}{\partial W} = X^T (Z - Y)$$
""",
    ),
    Sheet(
        "ridge regression, factor of the penalty",
        """L = (w x - y)^2 + λ w^2
dL/dw = 2 (w x - y) x + λ w
""",
        ((2, "constant term factor"),),
    ),
    Sheet(
        "two slips, the second of its own",
        """z = w x
L = (z - y)^2
∂L/∂z = 2 (y - z)
∂L/∂w = 2 (y - z) w
∂L/∂x = 2 (y - z) w
""",
        ((3, "sign"), (4, "operands value")),
        (5,),
    ),
]
