"""What NumPy's functions are called in PyTorch and JAX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from bpx.spec.writing.code.helpers import HELPERS, HELPERS_OF

# How PyTorch calls what it does not call as NumPy does; and its keywords.
_TORCH = {
    "array": "tensor",
    "max": "amax",
    "min": "amin",
    "transpose": "permute",
    "take_along_axis": "take_along_dim",
    "concatenate": "cat",
}
_KEYWORDS = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}
_BOUND = re.compile(r"np\.(maximum|minimum)\((\w+), (-?\d+(?:\.\d+)?)\)")  # by a number, not by a tensor


class Library(NamedTuple):
    """A library: the lines that import it, its own spelling, and what it has that need not be a helper.

    `wraps` says that its functions take no plain numbers.
    """

    name: str
    prefix: str
    imports: tuple[str, ...]
    own: Mapping[str, str] = {}  # helper → the function that the library has for it
    wraps: bool = False

    @property
    def helpers(self) -> dict[str, str]:
        """The sources of the helpers, as they are written for NumPy or for this library."""
        sources = {**HELPERS, **HELPERS_OF[self.name]}
        return {name: source for name, source in sources.items() if name not in self.own}

    def spelled(self, text: str) -> str:
        """Code in the words of NumPy in those of this library."""
        for helper, function in self.own.items():
            text = re.sub(rf"(?<![\w.]){helper}\(", f"{function}(", text)
        if self.name == "torch":
            text = _BOUND.sub(_clamped, text)
            text = re.sub(r"\bnp\.(\w+)", lambda match: f"torch.{_TORCH.get(match[1], match[1])}", text)
            text = re.sub(r"\b(axis|keepdims|ddof)=", lambda match: f"{_KEYWORDS[match[1]]}=", text)
            return text.replace(".astype(int)", ".long()").replace("dtype=int", "dtype=torch.long")
        if self.name == "jax":
            text = re.sub(r"\bout\[(.*)\] \+= (.*)", r"out = out.at[\1].add(\2)", text)
        return re.sub(r"\bnp\.", f"{self.prefix}.", text)


def _clamped(match: re.Match[str]) -> str:
    side = "min" if match[1] == "maximum" else "max"
    return f"torch.clamp({match[2]}, {side}={match[3]})"


_OF_TORCH = {
    "erf": "torch.erf",
    "erfc": "torch.erfc",
    "lgamma": "torch.lgamma",
    "digamma": "torch.digamma",
    "sigmoid": "torch.sigmoid",
    "logsumexp": "torch.logsumexp",
}
_OF_JAX = {
    "erf": "jax.scipy.special.erf",
    "erfc": "jax.scipy.special.erfc",
    "lgamma": "jax.scipy.special.gammaln",
    "digamma": "jax.scipy.special.digamma",
    "polygamma": "jax.scipy.special.polygamma",
    "sigmoid": "jax.nn.sigmoid",
}

LIBRARIES = {
    "numpy": Library("numpy", "np", ("import numpy as np",)),
    "torch": Library(
        "torch",
        "torch",
        ("import torch", "", "torch.set_default_dtype(torch.float64)"),
        _OF_TORCH,
        wraps=True,
    ),
    "jax": Library(
        "jax",
        "jnp",
        ("import jax", "import jax.numpy as jnp", "", 'jax.config.update("jax_enable_x64", True)'),
        _OF_JAX,
    ),
}
