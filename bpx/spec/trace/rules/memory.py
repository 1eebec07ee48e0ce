"""Arrays that are written into, and views of them, as a graph whose nodes never change.

NumPy's own arrays are the model: each handle carries the array that NumPy made, and whether one is a view of
another is asked of NumPy. For each block of memory a `Memory` knows, element by element, which node was
written there last. What a handle's node is follows from that, also after a write through another view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.moves import assembled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]


def owner_of(array: Any) -> Any:
    """The array whose memory `array` is a view of; itself where the memory is its own."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Memory:
    """A block of memory, and what was written into it.

    `owner` is the array that owns it; `version` counts the writes.
    """

    def __init__(self, owner: Any, node: Expr | None) -> None:
        self.owner, self.version = owner, 0
        self._sources: list[Expr | None] = [node]
        self._which: Places | None = None  # by element of the memory: the number of a source
        self._element: Places | None = None  # and of an element of it, in C order

    def traced(self, view: Any) -> bool:
        """Whether anything in a view may depend on an input."""
        if self._which is None or not view.size:
            return self._sources[0] is not None and view.size > 0
        numbers = np.unique(self._which[self.places(view)])
        return any(self._sources[int(number)] is not None for number in numbers)

    def write(self, view: Any, at: Any, node: Expr | None, shape: tuple[int, ...]) -> None:
        """Note that `view[at]` was set to a node of this shape, None for a constant; NumPy broadcasts."""
        places = self.places(view)[at]
        self._track()
        assert self._which is not None and self._element is not None
        elements = np.arange(int(np.prod(shape, dtype=np.intp))).reshape(shape)
        self._which[places] = len(self._sources)
        self._element[places] = _fitting(elements, np.shape(places))
        self._sources.append(node)
        self.version += 1

    def node(self, view: Any, constant: Any) -> Expr:
        """The node that a view is now, of which something is traced. `constant` lifts arrays."""
        self._track()
        assert self._which is not None and self._element is not None
        places = self.places(view)
        which, element = self._which[places], self._element[places]
        numbers = np.unique(which)
        # Constants have no node as long as nothing needs one: they are read off the memory itself.
        sources = {number: self._sources[number] for number in numbers.tolist()}
        known = {number: source for number, source in sources.items() if source is not None}
        constants = [number for number, source in sources.items() if source is None]
        if constants:
            fixed = np.isin(which, constants)
            known[constants[0]] = constant(view)
            which = np.where(fixed, constants[0], which)
            element = np.where(fixed, np.arange(view.size).reshape(view.shape), element)
        node = assembled(known, which, element)
        if view.size == self.owner.size:
            self._collapse(places, node)
        return node

    def _collapse(self, places: Places, node: Expr) -> None:
        """From now on everything here comes from one node: what follows is told in terms of it."""
        assert self._which is not None and self._element is not None
        self._sources = [node]
        self._which[...] = 0
        self._element[places] = np.arange(places.size).reshape(places.shape)

    def places(self, view: Any) -> Places:
        """Where in the memory, counted in elements, the elements of a view are."""
        size = self.owner.itemsize
        start = view.__array_interface__["data"][0] - self.owner.__array_interface__["data"][0]
        places = np.full(view.shape, start // size, dtype=np.intp)
        for axis, (length, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
            steps = np.arange(length) * (stride // size)
            places += steps.reshape(-1, *[1] * (view.ndim - axis - 1))
        return places

    def _track(self) -> None:
        if self._which is None:
            self._which = np.zeros(self.owner.size, dtype=np.intp)
            self._element = self._elements_in_memory()

    def _elements_in_memory(self) -> Places:
        elements = np.empty(self.owner.size, dtype=np.intp)
        elements[self.places(self.owner)] = np.arange(self.owner.size).reshape(self.owner.shape)
        return elements


def _fitting(elements: Places, shape: tuple[int, ...]) -> Any:
    """Elements for a part of this shape; leading axes of length 1 may be too many, as NumPy has it."""
    while elements.ndim > len(shape):
        elements = elements[0]
    return np.broadcast_to(elements, shape)
