"""Cases for einsum of two operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import torch

CASES = [  # op, shapes of its args, settings
    ("einsum", [a, b], {"subscripts": subscripts})
    for subscripts, a, b in [
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ik,ij", (2, 3), (2, 4)),  # implicit: jk
        ("ij,jk->ki", (2, 3), (3, 4)),
        ("ij,kj->ik", (2, 3), (4, 3)),
        ("ij,ij->ij", (2, 3), (2, 3)),
        ("ij,ij->", (2, 3), (2, 3)),
        ("ij,ij->j", (2, 3), (2, 3)),
        ("ij,ji->i", (2, 3), (3, 2)),
        ("i,j->ij", (2,), (3,)),
        ("i,j->", (2,), (3,)),  # each summed alone
        ("ij,k->jk", (2, 3), (4,)),
        ("ij,kl->k", (2, 3), (4, 2)),
        ("ab,b->a", (4, 4), (4,)),  # sides as long as the batches
        (",->", (), ()),
        (",i->i", (), (3,)),
        ("i,->", (3,), ()),
        ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
        ("bij,jk->ibk", (2, 2, 3), (3, 2)),
        ("nchw,oc->nohw", (2, 3, 2, 2), (4, 3)),
        ("xAz,Az->zA", (1, 2, 3), (2, 3)),
        ("ij, kj -> ik", (1, 1), (1, 1)),
    ]
]

TENSORS: dict[str, Callable[..., Any]] = {"einsum": lambda a, b, subscripts: np.einsum(subscripts, a, b)}


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    return {"einsum": lambda a, b, subscripts: torch().einsum(subscripts, a, b)}
