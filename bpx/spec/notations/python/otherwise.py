"""Calls that look like bpx's ops, but of which libraries compute something else."""

from __future__ import annotations

import re

from bpx.spec.notations.python.called import Called

_WHOLE = re.compile(r"(?:np\.|numpy\.|torch\.|jnp\.|tf\.|')?(?:u?int\d*|bool_?|long|uint8|i[48])'?")
_CONVERTING = frozenset(("astype", "to", "type", "array", "asarray", "tensor"))
_NUMPY = frozenset(("np", "numpy", "jnp", "cp", "onp", "anp", "torch", "tf"))
_COMPARED = re.compile(r"[<>]|[!=]=")


def is_otherwise(called: Called) -> bool:
    """Would bpx's op give another value than the call?"""
    picks = called.name == "item" and len(called.args) > 1  # an entry of an array
    of_math = called.module == "math" and called.name in ("prod", "remainder")  # of rows; to the nearest
    is_of_numpy = called.name in ("identity", "resize") and called.module.split(".")[0] in _NUMPY - {"tf"}
    return (
        picks
        or is_of_numpy
        or of_math
        or any(rule(called) for rule in (_into_out, _to_whole_numbers, _implicit_axis))
    )


def _into_out(called: Called) -> bool:
    """`np.log(x, y)` writes into y, where `math.log` takes it for the base; `np.maximum(x, y, z)` too."""
    most = {"log": 1, "maximum": 2, "minimum": 2, "fmax": 2, "fmin": 2, "max": 2, "min": 2}.get(
        called.name, len(called.args)
    )
    return called.module.split(".")[0] in _NUMPY and len(called.args) > most


def _to_whole_numbers(called: Called) -> bool:
    """`x.astype(int)` leaves out what stands behind the point, unless it is of a comparison."""
    kinds = [part.text for part in (*called.args[1:], *called.settings.values())]
    converts = (
        called.name in ("astype", "to", "type", "array", "asarray", "tensor") or "dtype" in called.settings
    )
    whole = converts and any(_WHOLE.fullmatch(kind) for kind in kinds)
    return whole and not _COMPARED.search(called.args[0].text)


def _implicit_axis(called: Called) -> bool:
    """PyTorch's softmax of three axes is over the first where none is named."""
    if called.name not in ("softmax", "log_softmax") or not called.is_torch:
        return False
    shape = called.known.shape(called.args[0])
    return len(called.args) == 1 and not called.settings and shape is not None and len(shape) > 2
