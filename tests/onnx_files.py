"""ONNX files of a few nodes, where onnx is installed."""

from __future__ import annotations

import numpy as np
import pytest


def onnx_file(path, nodes, inputs, stored, opset=17):
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, args, outputs, **settings) for op, args, outputs, settings in nodes],
        "graph",
        [helper.make_tensor_value_info(name, floats, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(nodes[-1][2][0], floats, None)],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path.write_bytes(model.SerializeToString())
    return path
