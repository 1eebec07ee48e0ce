"""What is said about functions that cannot be traced, and what to write in place of them."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from bpx.spec.trace.tape import Tape
from bpx.spec.trace.user_source import is_users_code, user_frames

# Function → what helps, by key; of others it is general advice.
_HELP = {
    "np.linalg.eig": "trace-decomposition",
    "np.linalg.eigh": "trace-decomposition",
    "np.linalg.eigvals": "trace-decomposition",
    "np.linalg.eigvalsh": "trace-decomposition",
    "np.linalg.svd": "trace-decomposition",
    "np.linalg.svdvals": "trace-decomposition",
    "np.linalg.qr": "trace-decomposition",
    "np.linalg.pinv": "trace-solve",
    "np.linalg.lstsq": "trace-solve",
    "np.polyfit": "trace-solve",
    "np.vectorize": "trace-loop",
    "np.ndenumerate": "trace-loop",
    "np.unique": "trace-outside",
    "np.histogram": "trace-outside",
    "np.maximum.at": "trace-extreme-at",
    "np.minimum.at": "trace-extreme-at",
    "np.multiply.at": "trace-extreme-at",
    "np.add.reduceat": "trace-reduceat",
}


# What writes into an array or a list: `out[0] = h`, and from Python 3.12 on `out[:] = h`.
_WRITES_ELEMENTS = {dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap}


def refuse_plain_array(tape: Tape) -> NoReturn:
    """Refuse that NumPy makes a plain array of a handle: in a function of its own, or in a write."""
    if is_writing():
        tape.refuse("trace-into-array", "trace-into-array")
    name = _function_of_numpy()
    if name is None:
        line = tape.here()
        of_plain_array = line is not None and ".dot(" in line.text
        tape.refuse("trace-array", "trace-dot" if of_plain_array else "trace-array")
    tape.refuse("trace-inside", _HELP.get(name, "trace-array"), name=name)


def is_writing() -> bool:
    """Whether the user's own line is writing into something that is not a handle."""
    frame = next(user_frames(), None)
    return frame is not None and frame.f_code.co_code[frame.f_lasti] in _WRITES_ELEMENTS


def _function_of_numpy() -> str | None:
    """The function of NumPy that the user's line calls; None where it is none written in Python."""
    name, frame = None, sys._getframe(1)
    while frame.f_back is not None and not is_users_code(frame.f_code, frame.f_globals):
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] == "numpy":
            # `vectorize.__call__` is `np.vectorize` to who writes it.
            own = frame.f_code.co_qualname.partition(".")[0]
            home = "np" if hasattr(np, own) else f"np.{module.split('.')[1]}"
            name = f"{home}.{own}"
        frame = frame.f_back
    return name


def name_of(function: Callable[..., Any], method: str = "__call__") -> str:
    """`np.linalg.eig` and `np.add.at`, as people write it."""
    name = getattr(function, "__name__", str(function))
    if isinstance(function, np.ufunc):
        home = "np" if getattr(np, name, None) is function else "scipy.special"
        return f"{home}.{name}" if method == "__call__" else f"{home}.{name}.{method}"
    module = (getattr(function, "__module__", "") or "").replace("numpy", "np", 1)
    return f"{module}.{name}".lstrip(".")


def refuse_function(tape: Tape, function: Callable[..., Any], method: str = "__call__") -> NoReturn:
    """Refuse a function that no table names, by the name of the one that the user's line calls."""
    name = _function_of_numpy() or name_of(function, method)
    if name.startswith("np.fft."):
        tape.refuse("trace-complex", "trace-complex")
    tape.refuse("trace-function", _HELP.get(name, "use-other-functions"), name=name)


def refuse_setting(tape: Tape, function: Callable[..., Any], setting: str) -> NoReturn:
    """Refuse a setting of a function that is known otherwise."""
    tape.refuse("trace-setting", "trace-setting", name=name_of(function), setting=setting)
