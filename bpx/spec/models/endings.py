"""Which files are models, by their endings: asked before anything that reads one is loaded."""

from __future__ import annotations

from pathlib import Path

ENDINGS = (".pt2", ".onnx")
# What PyTorch writes of weights alone, or with their code, in pickles: refused, with what to save instead.
PICKLES = (".pt", ".pth", ".ckpt")


def is_model(target: str) -> bool:
    """Whether a target ends as a file of a model does."""
    return Path(target).suffix.lower() in (*ENDINGS, *PICKLES)
