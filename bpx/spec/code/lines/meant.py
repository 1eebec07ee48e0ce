"""What a line may be meant to set, and how doubtful what it has set is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.spec.code.lines.backward_values import Adjoint, close
from bpx.spec.code.lines.recorder import RETURN, Key, Setting

# How doubtful a setting is.
STRANGE, LIKE, RIGHT = range(3)
_GRADIENTS = ("d", "g", "D")  # what names of gradients begin with
STRANGEST = 2  # neither an adjoint (0) nor a part of one, or what right lines often have (1)


class Meant:
    """What lines of backward functions are meant to set: adjoints first, then parts of them, and others.

    `alike` are values that right lines often have, but wrong ones too: local derivatives, values of forward.
    The nodes `seldom` are those whose adjoints lines seldom set: they have no name, or are data.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Adjoint]],
        spans: Mapping[int, Any],
        alike: Iterable[Any],
        rare: Sequence[Adjoint] = (),
        seldom: Container[int] = (),
    ) -> None:
        self._all = [adjoint for group in groups for adjoint in group]
        self._adjoints = groups[0]
        self._whole = [adjoint.value for adjoint in groups[0]]
        self._parts = [adjoint.value for adjoint in groups[1]]
        self._alike = [*(one.value for group in groups[2:] for one in group), *alike]
        self._rare, self._seldom = rare, seldom
        self._families = [family for group in groups for family in _families(group, spans)]

    def like(self, value: Any, factor: float) -> Iterator[Adjoint]:
        """What has the shape of a value, and is, times the factor, not the value itself."""
        shape = np.shape(value)
        for adjoint in (*self._all, *self._rare) if factor == 1 else self._all:
            if np.shape(adjoint.value) == shape and not close(value, factor * adjoint.value):
                yield adjoint

    def whole(self, value: Any) -> Iterator[Adjoint]:
        """The adjoints, not parts of them, that have the shape of a value."""
        for adjoint in self._adjoints:
            if np.shape(adjoint.value) == np.shape(value) and not close(value, adjoint.value):
                yield adjoint

    def equal(self, value: Any) -> Iterator[Adjoint]:
        """The adjoints that a value is."""
        return (one for one in self._adjoints if isinstance(value, np.ndarray) and close(value, one.value))

    def of(self, right: Any) -> Adjoint:
        """The adjoint that a right gradient is."""
        return next((one for one in self._all if one.value is right), self._all[0])

    def ranks(self, settings: Sequence[Setting]) -> dict[Setting, int]:
        """How doubtful settings are.

        To come upon an adjoint that nothing was before by mistake is unlikely. What only hands on a value
        that was there is in doubt: a step may have been forgotten.
        """
        held: list[Any] = self._whole[:1]
        whole: set[Key] = set()
        ranks: dict[Setting, int] = {}
        for setting in settings:
            if setting.key.target == RETURN:
                continue
            value = setting.value
            if not np.any(value):  # the start of a sum
                ranks[setting] = RIGHT
            elif np.size(value) > 1 and any(close(value, other) for other in held):
                ranks[setting] = LIKE if setting.is_handed_over or self.is_alike(value) else STRANGE
            else:
                ranks[setting] = self._rank(setting, whole)
                held.append(value)
        return ranks

    @property
    def upstream(self) -> Any:
        """The adjoint that comes first in a backward pass."""
        return self._whole[0]

    def is_whole(self, value: Any) -> bool:
        """Whether it is an adjoint."""
        return any(close(value, other) for other in self._whole)

    def is_part(self, value: Any) -> bool:
        """Whether it is one of several contributions to an adjoint."""
        return any(close(value, part) for part in self._parts)

    def signs(self, value: Any) -> set[float]:
        """The signs with which a value is an adjoint.

        With one sign it may be that of `z`, with the other that of the `-z` in `np.exp(-z)`: `z` is meant.
        """
        nodes = {
            sign: [one.node for one in self._adjoints if close(sign * value, one.value)]
            for sign in (1.0, -1.0)
        }
        often = {sign for sign in nodes if any(node not in self._seldom for node in nodes[sign])}
        return often or {sign for sign in nodes if nodes[sign]}

    def strange(self, settings: Sequence[Setting]) -> dict[Setting, int]:
        """How strange what lines set is: 0 for adjoints, up to a length, `STRANGEST` for what has no meaning.

        To set the same adjoint twice has none, unless it is handed on.
        """
        held: list[tuple[str, Any]] = []
        ranks: dict[Setting, int] = {}
        for setting in settings:
            value, name = setting.value, setting.key.target
            if setting.argument or not isinstance(value, np.ndarray) or value.size < 2:
                continue
            repeats = any(name != other and close(value, before) for other, before in held)
            hands_on = setting.is_handed_over or name == RETURN
            held.append((name, value))
            ranks[setting] = STRANGEST if repeats and not hands_on else self._strangeness(value, name)
        return ranks

    def _strangeness(self, value: Any, name: str) -> int:
        lengths = (1.0, *of_lengths(value))
        if any(self.is_whole(value / n) for n in lengths if n > 0):
            return 0
        if any(self.is_whole(value / n) for n in lengths if n < 0):
            return int(name.startswith(_GRADIENTS))  # `dz` has the sign of a gradient, `slope` may have none
        near = (*self._parts, *self._alike, *self._whole)
        return 1 if any(close(sign * value, other) for sign in (1.0, -1.0) for other in near) else STRANGEST

    def is_alike(self, value: Any) -> bool:
        """Whether it is a local derivative, or a value of the forward pass."""
        return any(close(value, other) for other in self._alike)

    def _rank(self, setting: Setting, whole: set[Key]) -> int:
        value = setting.value
        if np.size(value) < 2:
            return STRANGE
        if 1.0 in self.signs(value):
            whole.add(setting.key)
            return RIGHT
        # A line that has set whole adjoints before forgets something if it sets a part of one.
        if setting.key not in whole and self.is_part(value):
            return RIGHT
        return LIKE if self.is_alike(value) else STRANGE

    def families(self, times: Sequence[Setting]) -> Iterator[dict[int, Adjoint]]:
        """By time, what the times of one expression of the forward function stand for."""
        numbers = [setting.time for setting in times]
        size = np.size(times[-1].value)
        seen: set[tuple[int, ...]] = set()
        for family in self._families:
            fitting = [adjoint for adjoint in family if np.size(adjoint.value) == size]
            rounds, rest = divmod(len(fitting), len(times))
            if rest:
                # The loop runs over all layers but the first, or the last.
                for start in (0, len(fitting) - len(times)) if rounds else ():
                    part = fitting[start : start + len(times)]
                    yield dict(zip(numbers, part, strict=True))
                    yield dict(zip(numbers, part[::-1], strict=True))
                continue
            # A line of a layer makes a node for each layer and each round.
            for start in range(rounds):
                for part in (fitting[start::rounds], fitting[start * len(times) : (start + 1) * len(times)]):
                    for ordered in (part, part[::-1]):
                        identity = tuple(id(adjoint) for adjoint in ordered)
                        if identity not in seen:
                            seen.add(identity)
                            yield dict(zip(numbers, ordered, strict=True))


def of_lengths(value: Any) -> tuple[float, ...]:
    """Backward passes that leave the sign or the 1/N of a mean for the end."""
    lengths = {float(n) for n in np.shape(value) if n > 1}
    return (-1.0, *sorted(lengths), *sorted(-n for n in lengths))


def _families(group: Sequence[Adjoint], spans: Mapping[int, Any]) -> list[list[Adjoint]]:
    """What belongs to the nodes that one expression of the forward function made, the last first."""
    families: dict[Any, list[Adjoint]] = {}
    for adjoint in group:
        span = spans.get(adjoint.node)
        if span is not None:
            families.setdefault((span.source.name, span.start, span.end), []).append(adjoint)
    return [family for family in families.values() if len(family) > 1]
