"""A residual network of a million parameters, batch 4: every entry of its gradient, and one of them wrong.

The network is a spec with blocks (convolution, batch norm, relu, sums of paths); the images are random.
Run: python tests/benchmarks/resnet.py [channels of the first stage, 32 if not given]
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

import numpy as np
from results import peak, result

import bpx

BATCH, SIDE, CLASSES = 4, 16, 10
BLOCKS = """
[blocks.unit]
args = ["x", "w", "g", "b"]
value = "batch_norm(conv2d(x, w, padding=1), g, b)"

[blocks.residual]
args = ["x", "w1", "g1", "b1", "w2", "g2", "b2"]
value = "relu(x + unit(relu(unit(x, w1, g1, b1)), w2, g2, b2))"

[blocks.down]
args = ["x", "w1", "g1", "b1", "w2", "g2", "b2", "w3"]
[blocks.down.graph]
half = "batch_norm(conv2d(x, w1, stride=2, padding=1), g1, b1)"
a = "relu(conv2d(x, w3, stride=2) + unit(relu(half), w2, g2, b2))"
"""


class Written:
    """The spec as it is written, input by input and step by step."""

    def __init__(self) -> None:
        self.inputs, self.steps, self.parameters = [], [], 0

    def normal(self, name: str, shape: list[int], scale: float) -> str:
        seed = len(self.inputs)
        self.inputs.append(
            f'{name} = {{ normal = {shape}, scale = {scale:.4f}, seed = {seed}, role = "parameter" }}'
        )
        self.parameters += int(np.prod(shape))
        return name

    def kernel(self, name: str, to: int, of: int, side: int) -> str:
        return self.normal(name, [to, of, side, side], (2 / (of * side * side)) ** 0.5)

    def unit(self, name: str, to: int, of: int, at: int) -> list[str]:
        """A kernel, and gain and bias of the batch norm after it."""
        return [
            self.kernel(f"{name}_w{at}", to, of, 3),
            self.normal(f"{name}_g{at}", [to], 1.0),
            self.normal(f"{name}_b{at}", [to], 0.1),
        ]

    def step(self, name: str, text: str) -> str:
        self.steps.append(f'{name} = "{text}"')
        return name

    def block(self, x: str, name: str, to: int, of: int) -> str:
        args = [*self.unit(name, to, of, 1), *self.unit(name, to, to, 2)]
        if to == of:
            return self.step(name, f"residual({', '.join([x, *args])})")
        return self.step(name, f"down({', '.join([x, *args, self.kernel(f'{name}_w3', to, of, 1)])})")


def written(width: int) -> Written:
    """Three stages of `width`, twice and four times as many channels."""
    spec = Written()
    x = spec.step("stem", f"relu(unit(X, {', '.join(spec.unit('stem', width, 3, 1))}))")
    stages = [(width, width), (2 * width, width), (2 * width, 2 * width), (4 * width, 2 * width)]
    for i, (to, of) in enumerate([*stages, (4 * width, 4 * width), (4 * width, 4 * width)]):
        x = spec.block(x, f"block{i}", to, of)
    scores = f"mean({x}, axis=(2, 3)) @ " + spec.normal("W", [4 * width, CLASSES], 0.1)
    spec.step("loss", f"cross_entropy({scores} + {spec.normal('b', [CLASSES], 0.1)}, y)")
    return spec


def text(spec: Written) -> str:
    """All of it as TOML."""
    data = [f'X = {{ normal = [{BATCH}, 3, {SIDE}, {SIDE}], scale = 1.0, seed = 1, role = "constant" }}']
    data.append(f'y = {{ value = {[3 * i % CLASSES for i in range(BATCH)]}, role = "target" }}')
    lines = ["bpx = 1", 'output = "loss"', "[inputs]", *data, *spec.inputs, BLOCKS, "[graph]", *spec.steps]
    return "\n".join(lines)


def check(spec: bpx.Spec, **options: Any) -> tuple[bpx.Report, str]:
    """The report; and the CPU seconds that it took, and the largest memory so far."""
    start = time.process_time()
    report = spec.gradcheck(**options)
    memory = peak() / 2**30
    cost = f"{time.process_time() - start:.1f} s of CPU, {memory:.2f} GB"
    print(f"  {cost}; {dict(report.counts)}", flush=True)
    return report, cost


def main(width: int) -> None:
    network = written(width)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text(network))
        file.flush()
        spec = bpx.load(file.name)
    title = f"a residual network of {network.parameters:,} parameters, batch {BATCH}"
    print(title)
    report, cost = check(spec)
    result(title, f"{report.total - report.counts['agree']} not agreed; {cost}")
    name = "block3_w1"
    claimed = np.array(spec.explain(wrt=[name]).gradients[name])
    index = tuple(np.argwhere(np.abs(claimed) >= np.median(np.abs(claimed)))[7])
    claimed[index] *= 1.001
    print(f"{name}{list(map(int, index))} off by 0.1 %")
    report, cost = check(spec, claims={name: claimed})
    wrong = [(entry.input, entry.index) for entry in report.shown() if entry.verdict.word == "disagree"]
    alone = "it alone disagrees" if wrong == [(name, index)] else f"these disagree: {wrong}"
    result(f"{title}: {claimed.size:,} entries claimed, one off by 0.1 %", f"{alone}; {cost}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 32)
