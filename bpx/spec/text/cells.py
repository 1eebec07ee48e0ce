"""Recurrent cells that any spec may call as blocks: their args and steps, with the equations of PyTorch.

`x` and the states are vectors, or batches of them as rows. Weights are as PyTorch keeps them: the gates stand
below each other along the first axis, in the order that is given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Cell(NamedTuple):
    """A block by name: its args, and its steps, of which the last is the value of a call."""

    args: tuple[str, ...]
    steps: Mapping[str, str]


def _part(gates: str, sections: int, part: int) -> str:
    return f"split({gates}, sections={sections}, axis=-1, part={part})"


_WEIGHTS = ("W_ih", "W_hh", "b_ih", "b_hh")
_OF_X, _OF_H = "x @ W_ih.T + b_ih", "h @ W_hh.T + b_hh"
CELLS = {
    # Elman, Finding Structure in Time (1990).
    "rnn_cell": Cell(("x", "h", *_WEIGHTS), {"z": f"{_OF_X} + {_OF_H}", "h_next": "tanh(z)"}),
    # Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000: i, f, g, o.
    "lstm_cell": Cell(
        ("x", "h", "c", *_WEIGHTS),
        {
            "gates": f"{_OF_X} + {_OF_H}",
            "i": f"sigmoid({_part('gates', 4, 0)})",
            "f": f"sigmoid({_part('gates', 4, 1)})",
            "g": f"tanh({_part('gates', 4, 2)})",
            "o": f"sigmoid({_part('gates', 4, 3)})",
            "c_next": "f * c + i * g",
            "h_next": "o * tanh(c_next)",
        },
    ),
    # Cho et al. 2014, with the reset gate behind the product, as PyTorch and cuDNN have it: r, z, n.
    "gru_cell": Cell(
        ("x", "h", *_WEIGHTS),
        {
            "of_x": _OF_X,
            "of_h": _OF_H,
            "r": f"sigmoid({_part('of_x', 3, 0)} + {_part('of_h', 3, 0)})",
            "z": f"sigmoid({_part('of_x', 3, 1)} + {_part('of_h', 3, 1)})",
            "n": f"tanh({_part('of_x', 3, 2)} + r * {_part('of_h', 3, 2)})",
            "h_next": "(1 - z) * n + z * h",
        },
    ),
}
