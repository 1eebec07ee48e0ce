"""Files of many kinds, as people have them beside a formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TEXTS = {
    "x.csv": "1,2,3\n",
    "named.csv": "x,w\n1,4\n2,5\n",
    "x.json": "[1, 2, 3]",
    "named.json": '{"x": [1, 2], "w": [3]}',
    "x.txt": "1 2 3\n",
    "empty.csv": "",
    "x.xlsx": "PK",
    "x.pt": "PK",
    "broken.npz": "no zip",
    "graph.toml": 'bpx = 1\n[inputs]\nx = 3.0\n[graph]\ny = "x^2"\n',
    "graph.json": '{"bpx": 1, "inputs": {"x": 3.0}, "graph": {"y": "x^2"}}',
    "broken.toml": 'bpx = 1\n[inputs]\nx = 3.0\n[graph]\ny = "x^2\n',
    "empty.toml": "",
    "formula.tex": "\\frac{1}{x}\n",
    "formula.txt": "x^2\n",
    "notes.md": "# Notes\n",
    "net.ipynb": '{"cells": []}',
    "graph.yaml": "x: 3\n",
    "grads.csv": "name,value\nx,6\n",
    "claims.toml": "x = 6\n",
    "code.py": (
        "import numpy as np\n\n\n"
        "def loss(x):\n    return np.sum(x**2)\n\n\n"
        "def backward(g, x):\n    return g * 2 * x\n\n\n"
        "def wrong(g, x):\n    return g * x\n"
    ),
    "broken.py": "def loss(x:\n",
}


def write_files(folder: Path) -> None:
    """All of them in `folder`."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    np.save(folder / "x.npy", np.array([1.0, 2.0]))
    np.save(folder / "pickled.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    np.savez(folder / "data.npz", x=np.array([1.0, 2.0]), w=np.array([3.0]))
    np.savez(folder / "grads.npz", x=np.array(6.0))
    np.savez(folder / "other.npz", q=np.array(6.0))
