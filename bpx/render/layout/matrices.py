"""Matrices in a text: their numbers padded, so that columns line up once rows stand under each other."""

from __future__ import annotations

import re

_NUMBER = r"-?(?:\d+\.?\d*(?:e-?\d+)?|inf|nan)"
_ROW = rf"{_NUMBER}(?:, {_NUMBER})*"
_MATRIX = re.compile(rf"\[{{2,}}{_ROW}\](?:\]*, \[+{_ROW}\])+\]+")
_CELLS = re.compile(rf"(?<=\[){_ROW}(?=\])")


def aligned(text: str) -> str:
    """The text with the numbers of each column of a matrix as wide as the widest of them."""
    return _MATRIX.sub(_aligned_matrix, text) if "[[" in text else text


def _aligned_matrix(matrix: re.Match[str]) -> str:
    rows = [cells.split(", ") for cells in _CELLS.findall(matrix[0])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def padded(cells: re.Match[str]) -> str:
        numbers = zip(cells[0].split(", "), widths, strict=True)
        return ", ".join(number.rjust(width) for number, width in numbers)

    return _CELLS.sub(padded, matrix[0])
