"""How a gradient becomes an update: gradient descent, momentum, RMSprop, Adam, as PyTorch defines them.

An optimizer is made once and called each step with the gradient and the value of all parameters, each as one
flat array, and the rate of the step; it returns what is to be added to the values. After each step it tells
what it computed on the way, and the formulas in which these quantities have the same names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, number


def _text(value: float) -> str:
    return number(value, SHOWN_DIGITS)


class Update(ABC):
    """What all optimizers share: weight decay is added to the gradient (an L2 penalty), as in PyTorch."""

    weight_decay = 0.0
    decoupled = False  # weight decay as a part of the update instead

    def __init__(self, **settings: float) -> None:
        # Each setting by its name: every subclass declares those that it has.
        self.__dict__.update(settings)
        self.taken = 0
        self.decayed: Array = np.zeros(())
        # A pass over the arrays is saved where nothing decays.
        self.penalized = bool(self.weight_decay) and not self.decoupled

    def __call__(self, gradient: Array, value: Array, rate: float) -> Array:
        """What is to be added to `value`; neither array is changed."""
        self.taken += 1
        if self.penalized:
            gradient = self.decayed = gradient + self.weight_decay * value
        update = self._update(gradient, rate)
        return update - rate * self.weight_decay * value if self.decoupled else update

    def quantities(self) -> dict[str, Array]:
        """What the last step computed on the way, in the order of the formulas."""
        return {**({"decayed": self.decayed} if self.penalized else {}), **self._computed()}

    def formulas(self, rate: float) -> list[str]:
        """The last step as formulas; a quantity on both sides is that of the step before on the right."""
        decay = _text(self.weight_decay)
        first = [f"decayed = gradient + {decay}*value"] if self.penalized else []
        last = f" - {_text(rate)}*{decay}*value" if self.decoupled and self.weight_decay else ""
        *steps, update = self._steps(_text(rate), "decayed" if self.penalized else "gradient")
        return [*first, *steps, update + last]

    @abstractmethod
    def _update(self, gradient: Array, rate: float) -> Array:
        """The update, without a weight decay of its own."""

    def _computed(self) -> dict[str, Array]:
        return {}

    @abstractmethod
    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        """The formulas of `_update`, where `slope` stands for the gradient."""


class Descent(Update):
    """Gradient descent."""

    def _update(self, gradient: Array, rate: float) -> Array:
        return -rate * gradient

    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        yield f"update = -{rate}*{slope}"


class HeavyBall(Update):
    """Momentum: a running sum of gradients.

    Polyak, Some methods of speeding up the convergence of iteration methods (1964), in the form that
    PyTorch uses, where the rate stands outside of the sum.
    """

    momentum: float

    def __init__(self, **settings: float) -> None:
        super().__init__(**settings)
        # A scalar zero: broadcasting gives it the shape of the first gradient.
        self.velocity: Array = np.zeros(())

    def _update(self, gradient: Array, rate: float) -> Array:
        self.velocity = self.momentum * self.velocity + gradient
        return -rate * self.velocity

    def _computed(self) -> dict[str, Array]:
        return {"velocity": self.velocity}

    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        yield f"velocity = {_text(self.momentum)}*velocity + {slope}"
        yield f"update = -{rate}*velocity"


class Nesterov(HeavyBall):
    """Momentum that looks one step ahead: the update takes the gradient plus momentum · velocity.

    Nesterov 1983, in the form of Sutskever et al., On the importance of initialization and momentum in deep
    learning (ICML 2013), as PyTorch has it.
    """

    def _update(self, gradient: Array, rate: float) -> Array:
        super()._update(gradient, rate)
        return -rate * (gradient + self.momentum * self.velocity)

    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        yield f"velocity = {_text(self.momentum)}*velocity + {slope}"
        yield f"update = -{rate}*({slope} + {_text(self.momentum)}*velocity)"


class RMSprop(Update):
    """The gradient divided by the root of a running mean of its squares.

    Hinton, Neural Networks for Machine Learning, lecture 6e (2012); epsilon stands outside of the root, and
    momentum sums the divided gradients, as in PyTorch.
    """

    alpha: float
    epsilon: float
    momentum = 0.0

    def __init__(self, **settings: float) -> None:
        super().__init__(**settings)
        self.square = self.velocity = np.zeros(())

    def _update(self, gradient: Array, rate: float) -> Array:
        self.square = self.alpha * self.square + (1 - self.alpha) * gradient * gradient
        self.velocity = self.momentum * self.velocity + gradient / (np.sqrt(self.square) + self.epsilon)
        return -rate * self.velocity

    def _computed(self) -> dict[str, Array]:
        velocity = {"velocity": self.velocity} if self.momentum else {}
        return {"v": self.square, **velocity}

    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        yield f"v = {_text(self.alpha)}*v + {_text(1 - self.alpha)}*{slope}^2"
        divided = f"{slope}/(sqrt(v) + {_text(self.epsilon)})"
        if self.momentum:
            yield f"velocity = {_text(self.momentum)}*velocity + {divided}"
        yield f"update = -{rate}*{'velocity' if self.momentum else divided}"


class Adam(Update):
    """Running means of g and g², freed of their bias towards 0.

    Kingma and Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), Algorithm 1: epsilon stands outside
    of the root, and is added behind the correction.
    """

    beta1: float
    beta2: float
    epsilon: float

    def __init__(self, **settings: float) -> None:
        super().__init__(**settings)
        # Scalars, as for momentum.
        self.mean = self.square = np.zeros(())
        self.rest1 = self.rest2 = 1.0  # beta1^t, beta2^t

    def _update(self, gradient: Array, rate: float) -> Array:
        self.rest1, self.rest2 = self.rest1 * self.beta1, self.rest2 * self.beta2
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.square = self.beta2 * self.square + (1 - self.beta2) * gradient * gradient
        # The scalars are divided first, which saves a pass over the arrays.
        step: Array = -rate / (1 - self.rest1) * self.mean
        step /= np.sqrt(self.square / (1 - self.rest2)) + self.epsilon
        return step

    def _computed(self) -> dict[str, Array]:
        corrected = {"m_hat": self.mean / (1 - self.rest1), "v_hat": self.square / (1 - self.rest2)}
        return {"m": self.mean, "v": self.square, **corrected}

    def _steps(self, rate: str, slope: str) -> Iterator[str]:
        yield f"m = {_text(self.beta1)}*m + {_text(1 - self.beta1)}*{slope}"
        yield f"v = {_text(self.beta2)}*v + {_text(1 - self.beta2)}*{slope}^2"
        for name, beta in (("m", self.beta1), ("v", self.beta2)):
            yield f"{name}_hat = {name}/(1 - {_text(beta)}^{self.taken})"
        yield f"update = -{rate}*m_hat/(sqrt(v_hat) + {_text(self.epsilon)})"


class AdamW(Adam):
    """Adam with a weight decay of its own, which does not pass through the running means.

    Loshchilov and Hutter, Decoupled Weight Decay Regularization (ICLR 2019); as in PyTorch, the decay is
    multiplied by the rate.
    """

    decoupled = True


class Optimizer(NamedTuple):
    """One row of the table: how it is made, its default rate and its other settings."""

    make: type[Update]
    rate: float
    settings: Mapping[str, float]


# What is computed on the way from the gradient to the update.
QUANTITIES = ("decayed", "velocity", "m", "v", "m_hat", "v_hat")
_DECAY = {"weight_decay": 0.0}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
OPTIMIZERS = {
    "sgd": Optimizer(Descent, 0.1, _DECAY),
    "momentum": Optimizer(HeavyBall, 0.01, {"momentum": 0.9, **_DECAY}),
    "nesterov": Optimizer(Nesterov, 0.01, {"momentum": 0.9, **_DECAY}),
    "rmsprop": Optimizer(RMSprop, 0.01, {"alpha": 0.99, "epsilon": 1e-8, "momentum": 0.0, **_DECAY}),
    "adam": Optimizer(Adam, 0.01, {**_ADAM, **_DECAY}),
    "adamw": Optimizer(AdamW, 0.01, {**_ADAM, "weight_decay": 0.01}),
}
