"""A file of a model as a target: `net.pt2`, `net.onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.code.inputs import gathered
from bpx.spec.models.build import Rows, graph_of_model
from bpx.spec.models.model import Model, ModelError
from bpx.spec.reading.endings import PICKLES
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.files import reason_of


def graph_of_file(
    target: str,
    values: Mapping[str, Any],
    *,
    inputs: str | None = None,
    random: str | None = None,
    seed: int = 0,
) -> NamedGraph:
    """The graph of a model, with values of its arguments. Raises `BpxError`."""
    model = read_model(target)
    return graph_of_model(model, rows_of(model), gathered(None, values, inputs, random, seed))


def read_model(target: str) -> Model:
    """The model in a file. Raises `BpxError`."""
    path = Path(target)
    try:
        if path.suffix.lower() in PICKLES:
            raise ModelError("model-pickle-file", "save-export")
        if path.suffix.lower() == ".onnx":
            from bpx.spec.models.onnx_file import read_onnx

            return read_onnx(path)
        from bpx.spec.models.pt2 import read_pt2

        return read_pt2(path)
    except ModelError as error:
        raise BpxError([Diagnostic(error.code, None, {"name": target, **error.facts}, error.help)]) from None
    except BpxError:
        raise
    except FileNotFoundError:
        raise BpxError([Diagnostic("missing-file", None, {"name": target})]) from None
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        raise BpxError(
            [Diagnostic("unreadable", None, {"name": target, "reason": reason_of(error)})]
        ) from None


def rows_of(model: Model) -> Rows:
    """The table that has the operations of a model."""
    if model.rows == "onnx":
        from bpx.spec.models.rows.onnx import ONNX

        return ONNX
    from bpx.spec.models.rows.aten import ATEN

    return ATEN
