"""ONNX operations one by one: the values of onnx's own reference implementation, where onnx is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_files import onnx_file
from rows_of_a_table import every

import bpx
from bpx.graph.run import run

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(4, 2, 2, 3)).astype(np.float32)
Case = tuple[str, tuple[int, ...], dict[str, Any], dict[str, Any]]

# The operation, the shape of its first input, its other inputs in order (`None`: left out), attributes.
CASES: list[Case] = [
    ("ThresholdedRelu", (3, 4), {}, {"alpha": 0.3}),
    ("ThresholdedRelu", (5,), {}, {}),
    ("TopK", (3, 5), {"k": np.array([2])}, {}),
    ("TopK", (3, 5), {"k": np.array([2])}, {"axis": 0, "largest": 0}),
    *[("Trilu", (3, 4), {"k": np.array(k)}, {"upper": up}) for k in (-1, 0, 2) for up in (0, 1)],
    ("Trilu", (2, 3, 3), {}, {}),
    *[
        ("CumSum", (3, 4), {"axis": np.array(axis)}, {"exclusive": exclusive, "reverse": reverse})
        for axis in (0, -1)
        for exclusive in (0, 1)
        for reverse in (0, 1)
    ],
    ("GatherND", (2, 3, 4), {"indices": np.array([[0, 1], [1, 2]])}, {}),
    ("GatherND", (2, 3), {"indices": np.array([[0, 1], [1, -1]])}, {}),
    ("GatherND", (2, 3), {"indices": np.array([[[1]], [[0]]])}, {}),
    ("GatherElements", (3, 2), {"indices": np.array([[0, 1], [2, 0]])}, {"axis": 0}),
    ("Gather", (3, 2), {"indices": np.array([[0, 2]])}, {"axis": 0}),
    ("Resize", (1, 2, 3, 4), {"roi": None, "scales": np.float32([1, 1, 2, 2])}, {"mode": "linear"}),
    (
        "Resize",
        (1, 2, 3, 4),
        {"roi": None, "scales": np.float32([1, 1, 2, 3])},
        {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
    ),
    (
        "Resize",
        (1, 1, 3, 4),
        {"roi": None, "scales": None, "sizes": np.array([1, 1, 5, 3])},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    ),
    ("Pad", (2, 3), {"pads": np.array([1, 0, 1, 2])}, {"mode": "reflect"}),
    ("Pad", (2, 3), {"pads": np.array([1, 0, 1, 2])}, {"mode": "edge"}),
    ("Tile", (2, 3), {"repeats": np.array([2, 1])}, {}),
    ("Mod", (4,), {"y": np.float32([0.7] * 4)}, {"fmod": 1}),
    ("Det", (3, 3), {}, {}),
    ("MaxPool", (1, 2, 6, 7), {}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", (1, 2, 6, 7), {}, {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    ("AveragePool", (1, 2, 6, 7), {}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("GlobalMaxPool", (1, 2, 3, 4), {}, {}),
    ("GlobalAveragePool", (1, 2, 3, 4), {}, {}),
    ("ConvTranspose", (1, 4, 3, 3), {"w": WEIGHTS}, {"strides": [2, 2], "pads": [0, 1, 0, 1]}),
    ("GroupNormalization", (2, 4, 3), {"g": np.float32([1, 2, 3, 4]), "b": np.float32([0, 1, 0, 1])},
     {"num_groups": 2}),
    ("InstanceNormalization", (2, 4, 3), {"g": np.float32([1, 2, 3, 4]), "b": np.float32([0, 1, 0, 1])}, {}),
]  # fmt: skip
REFUSED = {("Mod", "fmod")}


@every("op, shape, others, settings", CASES)
def test_an_operation_has_the_value_of_the_standard(op, shape, others, settings, tmp_path):
    reference = pytest.importorskip("onnx.reference")
    stored = {name: array for name, array in others.items() if array is not None}
    names = ["x", *(name if array is not None else "" for name, array in others.items())]
    outputs = ["out", "places"] if op == "TopK" else ["out"]
    path = onnx_file(tmp_path / "node.onnx", [(op, names, outputs, settings)], {"x": shape}, stored, opset=21)
    x = RNG.normal(size=shape).astype(np.float32)
    if any((op, setting) in REFUSED for setting in settings):
        with pytest.raises(bpx.BpxError, match="fmod"):
            bpx.load(str(path), x=x)
        return
    spec = bpx.load(str(path), x=x)
    found = run(spec.graph, spec.input_values, [spec.output])[spec.output]
    expected = reference.ReferenceEvaluator(str(path)).run(["out"], {"x": x})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
