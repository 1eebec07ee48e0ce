"""What the marks of a check mean, in words."""

from __future__ import annotations

from bpx.render.picture.picture import Mark
from bpx.words.say import say


def mark_text(mark: Mark) -> str:
    """The mark in a few words."""
    return say(f"picture.mark.{mark}")
