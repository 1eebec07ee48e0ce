"""A call of Python as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bpx.spec.notations.python.names import TORCH
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part
from bpx.spec.notations.translation.stopping import Refusing


class Called(NamedTuple):
    """A call as it is written: its name, the module (empty for a method), its args, settings by name."""

    name: str
    module: str
    args: Sequence[Part]
    settings: Mapping[str, Part]
    start: int
    end: int
    is_method: bool
    known: Known

    @property
    def is_torch(self) -> bool:
        """Is it PyTorch's?"""
        return self.module.split(".")[0] in TORCH

    def refused(self, code: str, help: str | None = None, **facts: str) -> Refusing:
        """A diagnostic at the call, to be raised."""
        return Refusing(code, self.start, self.end, help, **facts)
