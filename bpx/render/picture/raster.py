"""Pictures as PNG and PDF, made of the SVG by CairoSVG.

CairoSVG is the one library of its kind that writes both, reads the SVG as it is and sets text in fonts of the
machine. It needs the system's Cairo, which Linux desktops and Homebrew have.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

from bpx.render.picture.layout import check_size, layout
from bpx.render.picture.picture import Picture
from bpx.render.picture.svg import size, svg_lines
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.widths import has_wide

_WIDE_FONTS = {"darwin": "PingFang SC", "win32": "Microsoft YaHei"}  # where they come with the system
_DATE = re.compile(rb"/CreationDate \(D:\d{14}([^)]*)\)")
_PIXELS = 2.0  # of a PNG for each pixel of the SVG: sharp on screens of high density and in slides
MOST_PIXELS = 32767  # of a side: Cairo's surfaces have no more
LONGEST_PAGE = 14400 / 0.75  # pixels of the SVG: the longest side that readers of PDF agree on


def png(picture: Picture) -> bytes:
    """The light picture in pixels. Raises `BpxError` where it is too large, or without a library that can."""
    drawing, width, height = _drawing(picture)
    check_size(width, height, "PNG", MOST_PIXELS)
    scale = min(_PIXELS, MOST_PIXELS / max(width, height))
    content: bytes = _cairosvg("PNG").svg2png(bytestring=drawing, scale=scale)
    return content


def pdf(picture: Picture) -> bytes:
    """The light picture as one page. Raises `BpxError` without a library that can."""
    drawing, width, height = _drawing(picture)
    scale = min(1.0, LONGEST_PAGE / max(width, height))
    content: bytes = _cairosvg("PDF").svg2pdf(bytestring=drawing, scale=scale)
    return _DATE.sub(_without_date, content)


def _without_date(match: re.Match[bytes]) -> bytes:
    """A date that is always the same, as long as the one before: the file has its parts by their places."""
    return b"/CreationDate (D:20000101000000" + re.sub(rb"\d", b"0", match[1]) + b")"


def _drawing(picture: Picture) -> tuple[bytes, float, float]:
    """The SVG, its width and its height.

    Wide text names a font that has it: unlike a browser, CairoSVG looks for no other.
    """
    font = f"style=\"font-family:'{_WIDE_FONTS.get(sys.platform, 'Noto Sans CJK SC')}'\""

    def with_font(start: re.Match[str]) -> str:
        return f"<text {font}{start[1]}>{start[2]}" if has_wide(start[2]) else start[0]

    geometry = layout(picture)
    text = "\n".join(svg_lines(picture, geometry))
    return re.sub(r"<text([^>]*)>([^<]*)", with_font, text).encode(), *size(picture, geometry)


def _cairosvg(form: str) -> Any:
    try:
        return import_module("cairosvg")
    except (ImportError, OSError) as error:  # an OSError where the system has no Cairo
        problem = Diagnostic("no-rasterizer", None, {"form": form}, "install-draw-raster")
        raise BpxError([problem]) from error
