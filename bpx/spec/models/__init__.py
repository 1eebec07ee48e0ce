"""Models that other programs saved, as graphs: `.pt2` files of `torch.export`, and ONNX."""
