"""Pictures as PNG and PDF, made of the SVG by CairoSVG.

CairoSVG is the one library of its kind that writes both, reads the SVG as it is and sets text in fonts of the
machine. It needs the system's Cairo, which Linux desktops and Homebrew have.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from bpx.render.picture.picture import Picture
from bpx.render.picture.svg import svg
from bpx.words.diagnostic import BpxError, Diagnostic

_DATE = re.compile(rb"/CreationDate \(D:\d{14}([^)]*)\)")
_PIXELS = 2.0  # of a PNG for each pixel of the SVG: sharp on screens of high density and in slides


def png(picture: Picture) -> bytes:
    """The light picture in pixels. Raises `BpxError` without a library that can."""
    content: bytes = _cairosvg("PNG").svg2png(bytestring=svg(picture).encode(), scale=_PIXELS)
    return content


def pdf(picture: Picture) -> bytes:
    """The light picture as one page. Raises `BpxError` without a library that can."""
    content: bytes = _cairosvg("PDF").svg2pdf(bytestring=svg(picture).encode())
    return _DATE.sub(_without_date, content)


def _without_date(match: re.Match[bytes]) -> bytes:
    """A date that is always the same, as long as the one before: the file has its parts by their places."""
    return b"/CreationDate (D:20000101000000" + re.sub(rb"\d", b"0", match[1]) + b")"


def _cairosvg(form: str) -> Any:
    try:
        return import_module("cairosvg")
    except (ImportError, OSError) as error:  # an OSError where the system has no Cairo
        problem = Diagnostic("no-rasterizer", None, {"form": form}, "install-draw-raster")
        raise BpxError([problem]) from error
