"""Which targets are models or Python files, by their endings: asked before what reads them is loaded."""

from __future__ import annotations

import re
from pathlib import Path

MODELS = (".pt2", ".onnx")
# What PyTorch writes of weights alone, or with their code, in pickles: refused, with what to save instead.
PICKLES = (".pt", ".pth", ".ckpt")
CODE = re.compile(r"(?P<file>.+\.py)(?::(?P<names>[\w.]+(?:\s*,\s*[\w.]+)*))?")


def is_model(target: str) -> bool:
    """Whether a target ends as a file of a model does."""
    return Path(target).suffix.lower() in (*MODELS, *PICKLES)


def is_code(target: str) -> bool:
    """Whether a target names Python code: a file that ends in .py, with names behind a colon."""
    return CODE.fullmatch(target.strip()) is not None
