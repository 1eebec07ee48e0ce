"""Indices, slices and new axes of Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from bpx.spec.notations.python.names import TORCH
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part, atom, call, indexed
from bpx.spec.notations.translation.stopping import Asking, Refusing


class IndexReader:
    """Reads what stands in square brackets; the rest is for the class that is built on it."""

    known: Known

    def part(self, node: ast.expr) -> Part:
        """What a node of Python's tree means."""
        raise NotImplementedError

    def bounds(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Where a node starts and ends."""
        raise NotImplementedError

    def refused(self, node: ast.expr) -> Refusing:
        """What a formula cannot contain, to be raised."""
        raise NotImplementedError

    def subscript(self, value: ast.expr, index: ast.expr, end: int) -> Part:
        """An index; of what PyTorch's `max` over an axis returns, `[0]` are the values."""
        of_shape = isinstance(value, ast.Attribute) and value.attr == "shape"
        if of_shape and isinstance(value, ast.Attribute):
            return self.length(value.value, index, end)
        part = self.part(value)
        reduces = isinstance(value, ast.Call) and re.match(r"a(?:max|min)\(.*axis=", part.text)
        entry = self.index(part, index, end)
        if not reduces or not isinstance(value, ast.Call) or ast.unparse(index) not in ("0", "1"):
            return entry
        function = ast.unparse(value.func)
        is_torch = function.startswith(TORCH) or any(keyword.arg == "dim" for keyword in value.keywords)
        if is_torch and ast.unparse(index) == "1":
            raise self.refused(value)
        if not is_torch and ast.unparse(index) == "0" and not function.startswith(("np.", "numpy.", "jnp.")):
            raise Asking(part.start, end, part.text, entry.text)
        return part if is_torch else entry

    def length(self, value: ast.expr, index: ast.expr, end: int) -> Part:
        """`x.shape[0]`, where that is known."""
        part = self.part(value)
        shape, at = self.known.shape(part), ast.unparse(index)
        if shape is None or not re.fullmatch(r"-?\d+", at) or not -len(shape) <= int(at) < len(shape):
            raise Refusing("not-a-formula", part.start, end, help="see-expressions")
        return atom(str(shape[int(at)]), part.start, end)

    def index(self, part: Part, node: ast.expr, end: int) -> Part:
        """`x[0]`, `x[:, None]`, `x[..., None, 0]`: first the entries, then the new axes among those left."""
        entries = list(node.elts) if isinstance(node, ast.Tuple) else [node]
        texts = ["new" if self.is_new_axis(entry) else self.index_text(entry) for entry in entries]
        taken = [text for text in texts if text != "new"]
        shape = self.known.shape(part)
        axes = list(_new_axes(texts, None if shape is None else len(shape)))
        if None in axes:
            raise Refusing("not-a-formula", part.start, end, help="see-expressions")
        if any(text not in (":", "...") for text in taken):
            part = indexed(part, ", ".join(taken), end)
        for axis in axes:
            part = call("unsqueeze", (part,), part.start, end, [f"axis={axis}"])
        return part

    def is_new_axis(self, node: ast.expr) -> bool:
        """`None`, `np.newaxis`."""
        return (isinstance(node, ast.Constant) and node.value is None) or ast.unparse(node) == "np.newaxis"

    def index_text(self, node: ast.expr) -> str:
        """An integer or a slice, as it is written."""
        text = ast.unparse(node)
        if not re.fullmatch(r"-?\d+|(?:-?\d*)(?::-?\d*){1,2}|\.\.\.", text.replace("Ellipsis", "...")):
            start, end = self.bounds(node)
            raise Refusing("not-an-index", start, end, "index-by-value", index=text)
        return text.replace("Ellipsis", "...")


def _new_axes(texts: Sequence[str], ndim: int | None) -> Iterator[int | None]:
    """Where each `None` of an index puts an axis, from the first on; None where that depends on `ndim`."""
    axis: int | None = 0
    for i, text in enumerate(texts):
        if text == "new":
            behind = texts[i + 1 :]
            yield -1 if axis is None and not behind else axis
        elif text == "...":
            entries = sum(other not in ("new", "...") for other in texts)
            axis = None if ndim is None or axis is None else axis + ndim - entries
            continue
        elif text.lstrip("-").isdecimal():
            continue
        axis = None if axis is None else axis + 1
