"""Short formulas of values that have a name: factors that a gradient may have too often, or lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array


class Factor(NamedTuple):
    """A factor, and the formula of what there is one too many, or too few, of."""

    value: Array
    text: str
    missing: bool


# What people multiply by: values, and the derivatives of functions in terms of their own value.
FORMS: Mapping[str, Callable[[Array], Array]] = {
    "{0}": lambda v: v,
    "{0}^2": lambda v: v**2,
    "(1 - {0})": lambda v: 1 - v,
    "(1 - {0}^2)": lambda v: 1 - v**2,
    "{0} * (1 - {0})": lambda v: v * (1 - v),
    "2 * {0}": lambda v: 2 * v,
    "exp({0})": np.exp,
    "sqrt({0})": np.sqrt,
    "cos({0})": np.cos,
    "sign({0})": np.sign,
}


def factors_of(values: Mapping[str, Array], shape: tuple[int, ...]) -> Iterator[Factor]:
    """The short formulas of these values that can be spread over an array of this shape."""
    for name, value in values.items():
        try:
            spread = np.broadcast_to(np.asarray(value, dtype=float), shape)
        except ValueError:  # of a shape that does not fit
            continue
        for form, function in FORMS.items():
            with np.errstate(all="ignore"):
                formula = function(spread)
                yield Factor(formula, form.format(name), missing=False)
                yield Factor(1 / formula, form.format(name), missing=True)


def factor_mistake(factor: Factor) -> Mistake:
    """The mistake of this factor."""
    return Mistake.of("factor-missing" if factor.missing else "factor-doubled", factor=factor.text)
