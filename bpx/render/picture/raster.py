"""Pictures as PNG and PDF, made of the SVG by CairoSVG.

CairoSVG is the one library of its kind that writes both, reads the SVG as it is and sets text in fonts of the
machine. It needs the system's Cairo, which Linux desktops and Homebrew have.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bpx.render.picture.picture import Picture
from bpx.render.picture.svg import svg
from bpx.words.diagnostic import BpxError, Diagnostic

_PIXELS = 2.0  # of a PNG for each pixel of the SVG: sharp on screens of high density and in slides


def png(picture: Picture) -> bytes:
    """The light picture in pixels. Raises `BpxError` without a library that can."""
    content: bytes = _cairosvg("PNG").svg2png(bytestring=svg(picture).encode(), scale=_PIXELS)
    return content


def pdf(picture: Picture) -> bytes:
    """The light picture as one page. Raises `BpxError` without a library that can."""
    content: bytes = _cairosvg("PDF").svg2pdf(bytestring=svg(picture).encode())
    return content


def _cairosvg(form: str) -> Any:
    try:
        return import_module("cairosvg")
    except (ImportError, OSError) as error:  # an OSError where the system has no Cairo
        problem = Diagnostic("no-rasterizer", None, {"form": form}, "install-draw-raster")
        raise BpxError([problem]) from error
