"""NumPy's functions that take arrays as a whole, sorted by what they are to a graph.

`MOVES` only move elements; `CHOICES` return whole numbers and truths, which are constant nearby; `FACTS` do
not depend on the elements at all; `NODES` have an op, or a formula of ops. What is in no table, here and in
`compositions`, is refused.
"""

from __future__ import annotations

from typing import Any

from bpx.spec.trace.rules.building import Rule, add, by_function, functions, nodes
from bpx.spec.trace.rules.products import PRODUCTS
from bpx.spec.trace.rules.reductions import REDUCTIONS

MOVES = functions(
    *["reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "permute_dims"],
    *["matrix_transpose", "squeeze", "expand_dims", "atleast_1d", "atleast_2d", "atleast_3d"],
    *["broadcast_to", "broadcast_arrays", "flip", "fliplr", "flipud", "rot90", "roll", "repeat", "tile"],
    *["take", "take_along_axis", "resize", "diagonal", "diag", "diagflat", "compress", "extract", "delete"],
    *["insert", "append", "tril", "triu", "select", "choose", "concatenate", "concat", "stack", "vstack"],
    *["hstack", "dstack", "column_stack", "row_stack", "block", "split", "array_split", "hsplit", "vsplit"],
    *[
        "dsplit",
        "unstack",
        "copy",
        "meshgrid",
        "lib.stride_tricks.sliding_window_view",
        "lib.stride_tricks.as_strided",
        "linalg.diagonal",
    ],
    *["linalg.matrix_transpose", "fft.fftshift", "fft.ifftshift"],
)
CHOICES = functions(
    *["argmax", "argmin", "argsort", "argwhere", "argpartition", "nonzero", "flatnonzero", "count_nonzero"],
    *["nanargmax", "nanargmin", "all", "any", "allclose", "isclose", "array_equal", "array_equiv"],
    *["searchsorted", "digitize", "lexsort", "isposinf", "isneginf", "isin", "ix_", "linalg.matrix_rank"],
    *["array_repr", "array_str", "array2string"],
)
FACTS = functions(
    *["shape", "ndim", "size", "isreal", "iscomplex", "isrealobj", "iscomplexobj", "result_type", "can_cast"],
    *["shares_memory", "may_share_memory", "common_type", "min_scalar_type", "diag_indices_from"],
    *["tril_indices_from", "triu_indices_from"],
)
NODES: dict[Any, Rule] = {
    **REDUCTIONS,
    **PRODUCTS,
    **by_function({"sinc": lambda x: add("sinc", *nodes(x))}),
}
