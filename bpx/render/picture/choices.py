"""What there is to choose of a picture; loaded by the command line before anything else."""

from __future__ import annotations

from enum import StrEnum


class Pass(StrEnum):
    """The numbers that are shown: values, gradients, or both."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


class Style(StrEnum):
    """Where the numbers stand: inside of the cards, or on the edges."""

    CARDS = "cards"
    CIRCUIT = "circuit"
