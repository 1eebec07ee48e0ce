"""Random tensor programs over all ops, and whether all that bpx says of one of them agrees.

What is compared: the gradient of `explain` with differences of 50 digits, with the check's verdict, with
the exported NumPy module, with torch's autograd where torch is installed, and with itself after the program
was written and read again; claims that are right and that are wrong with their verdicts; JSON with text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import oracle
from checking import lifted
from fuzz.calling import LIMIT, Failure, TooLong, crash, limited, not_json, written_and_read
from planted import DRAWN, Grown

import bpx
import bpx.ops as ops
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Op
from bpx.spec.writing.code.module import write_module
from bpx.spec.writing.write import write_spec

ROWS = list(ops.rows())
TORCH = find_spec("torch") is not None
# torch divides the gradient of a matrix of which half is read equally between both halves (see bpx help ops).
HALVED = {"cholesky", "eigvalsh"}
MOST = (12, 12, 12, 60)  # elements of an array in a program: small ones are checked in a third of the time
VISIBLE = 1e-3  # relative: how much a wrong claim is off


class Program(Grown):
    """A random program; the inputs `free` may take any values near their own."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.chosen: set[str] = set()  # inputs of an op that takes only certain values, such as class numbers
        self.most = int(rng.choice(MOST))
        self.asked: dict[int, dict[str, Any]] = {}  # settings of nodes as they were asked for

    def any_op(self) -> Op:
        return ROWS[self.rng.integers(len(ROWS))]

    def step(self, op: Op) -> Expr | None:
        return super().step(op) if op in DRAWN else self.tensor_step(op)

    def tensor_step(self, op: Op) -> Expr | None:
        """One more node of an op of whole arrays, at one of the oracle's settings for it."""
        cases = oracle.cases(op.name)
        shapes, settings = cases[self.rng.integers(len(cases))]
        if any(np.prod(shape) > self.most for shape in shapes):
            return None
        values = oracle.args_of(op.name, shapes, seed=int(self.rng.integers(1000)))
        certain = any(op.name in getattr(module, "DRAWS", {}) for module in oracle.case_modules())
        args = [self.arg(np.asarray(value, dtype=float), certain) for value in values]
        expr = self.graph.add(op, *args, **settings)
        self.asked[expr.id] = settings
        if not math.prod(expr.shape) or not self.fits(expr):
            return None
        self.pool.append(expr)
        return expr

    def arg(self, value: Array, certain: bool) -> Expr:
        """An array of this shape that is known, or a new input of this value."""
        known = [expr for expr in self.pool if math.prod(expr.shape) == value.size]
        if known and not certain and self.rng.random() < 0.6:
            expr = known[self.rng.integers(len(known))]
            return expr if expr.shape == value.shape else expr.graph.add(ops.reshape, expr, shape=value.shape)
        expr, name = self.graph.input(value.shape), f"x{len(self.inputs)}"
        self.inputs[name], self.values[expr.id] = (expr, value), value
        if certain:
            self.chosen.add(name)
        return expr


def program(rng: np.random.Generator) -> tuple[bpx.Spec, Program]:
    """A random program, and how it was grown."""
    grown = Program(rng)
    for _ in range(int(rng.integers(1, 5))):
        grown.certain_step(grown.any_op())
    output = grown.joined() if rng.random() < 0.8 else grown.pool[-1]
    live = {*output.graph.needs(of=[output.id])}
    inputs = {name: pair for name, pair in grown.inputs.items() if pair[0].id in live}
    return bpx.from_graph(output, inputs), grown


def outcome_of(name: str) -> Failure | None:
    """The first contradiction in what bpx says of the program of a seed; None where there is none."""
    rng = np.random.default_rng(list(name.encode()))
    spec, grown = program(rng)
    try:
        with limited(), np.errstate(all="ignore"):
            for failure in contradictions(spec, grown, rng):
                return failure._replace(detail=f"{failure.detail}\n{write_spec(spec, 'toml')}")
    except TooLong:
        return Failure("hangs", f"more than {LIMIT} s of CPU\n{spec!r:.2000}")
    except Exception as error:
        return crash(error)
    return None


def contradictions(spec: bpx.Spec, grown: Program, rng: np.random.Generator) -> Iterator[Failure]:
    """All that does not fit together; the dear comparisons are made of a share of the programs."""
    explanation = spec.explain(check=False)
    gradients = {name: np.asarray(value) for name, value in explanation.gradients.items()}
    yield from of_numbers(spec, explanation, gradients, grown.chosen)
    yield from of_truth(spec, gradients, grown, rng)
    choice = rng.random()
    if choice < 0.3 and (failure := written_and_read(spec)):
        yield failure
    elif 0.3 <= choice < 0.5:
        report = spec.gradcheck()
        if report.verdict == "disagree":
            yield Failure("own gradient disagrees", report.to_plain())
        yield from of_forms(report, rng)
    elif 0.5 <= choice < 0.85:
        yield from of_claims(spec, gradients, rng)


def of_numbers(
    spec: bpx.Spec, explanation: bpx.Explanation, gradients: dict[str, Array], chosen: set[str]
) -> Iterator[Failure]:
    """The same gradients as numbers alone, compiled, in JSON, as a module, and by torch.

    To torch a mask is a factor like any other: it has a derivative by what is chosen.
    """
    value, plain = spec.value_and_gradients()
    _, compiled = spec.compile()(**{leaf.name: leaf.value for leaf in spec.inputs})
    text = explanation.to_json()
    if problem := not_json(text):
        yield Failure("no JSON", problem)
    written = json.loads(text)["gradients"]
    module = module_gradients(write_module(spec, "numpy"), np.shape(value))
    sources = {"numbers alone": plain, "compiled": compiled, "JSON": written, "module": module}
    if TORCH and not HALVED & {op.name for op in spec.graph.ops}:
        by_torch = torch_gradients(write_module(spec, "torch"))
        sources["torch"] = {name: found for name, found in by_torch.items() if name not in chosen}
    for source, found in sources.items():
        for name, gradient in gradients.items():
            if name in found and not close(found[name], gradient):
                yield Failure(f"other gradient: {source}", f"{name}: {found[name]!r} for {gradient!r}")


def close(found: Any, gradient: Array) -> bool:
    """The same up to rounding, beside the largest element."""
    found = np.asarray(found, dtype=float)
    largest = float(np.max(np.abs(gradient), initial=1.0))
    return found.shape == gradient.shape and bool(
        np.allclose(found, gradient, rtol=1e-9, atol=1e-9 * largest, equal_nan=True)
    )


def module_of(text: str) -> dict[str, Any]:
    """What the text of a module defines."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), names)
    return names


def module_gradients(text: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """The gradients that an exported NumPy module gives, for an upstream gradient of ones."""
    module = module_of(text)
    _, cache = module["forward"](**module["inputs"]())
    return dict(module["backward"](np.ones(shape), cache))


def torch_gradients(text: str) -> dict[str, Any]:
    """What autograd finds in the forward pass of an exported torch module."""
    module = module_of(text)
    inputs = module["inputs"]()
    leaves = {
        name: value.detach().requires_grad_() for name, value in inputs.items() if value.is_floating_point()
    }
    output, _ = module["forward"](**inputs | leaves)
    if output.requires_grad:
        output.sum().backward()
    return {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}


def of_forms(report: bpx.Report, rng: np.random.Generator) -> Iterator[Failure]:
    """JSON and text of a report say the same; looked at in every third."""
    if rng.random() > 1 / 3:
        return
    text = report.to_json()
    if problem := not_json(text):
        yield Failure("no JSON", problem)
        return
    data, last = json.loads(text), report.to_plain().rstrip().splitlines()[-1]
    if data["verdict"] != report.verdict or sum(data["counts"].values()) != data["total"]:
        yield Failure("JSON and report", text[:1000])
    if (data["verdict"] == "disagree") != ("disagree" in last):
        yield Failure("JSON and text", f"{data['verdict']}: {last}")


MISTAKES: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "sign": lambda g, rng: -g,
    "factor": lambda g, rng: g * rng.choice([0.5, 2, 1.01, 0.99, 1 / 3, 1.001 + VISIBLE]),
    "transposed": lambda g, rng: g.T if g.ndim > 1 and g.T.shape == g.shape else g,
    "shifted": lambda g, rng: np.roll(g, 1),
    "element": lambda g, rng: _with_one_off(g, rng),
}


def _with_one_off(gradient: Array, rng: np.random.Generator) -> Array:
    wrong = gradient.copy()
    wrong.flat[rng.integers(wrong.size)] *= 1 + 2 * VISIBLE
    return wrong


def of_claims(spec: bpx.Spec, gradients: dict[str, Array], rng: np.random.Generator) -> Iterator[Failure]:
    """A right claim never disagrees, a wrong one never agrees; one or the other."""
    name = str(rng.choice(list(gradients)))
    gradient = gradients[name]
    if not np.isfinite(gradient).all():
        return
    options: dict[str, Any] = {"points": int(rng.choice([1, 1, 2]))} if rng.random() < 0.3 else {}
    mistake = str(rng.choice(list(MISTAKES)))
    wrong = MISTAKES[mistake](gradient, rng)
    off = np.abs(wrong - gradient) > VISIBLE * np.abs(gradient)
    seen = np.any(off & (np.abs(gradient) > 1e-9 * np.max(np.abs(gradient), initial=0)))
    right = not seen or rng.random() < 0.5
    claim = gradient if right else wrong
    report = spec.gradcheck(claims={name: stated(claim, rng)}, **options)
    yield from of_forms(report, rng)
    if right and report.verdict == "disagree":
        yield Failure("right claim disagrees", f"{name} = {gradient.tolist()}\n{report.to_plain()}")
    if not right and (report.verdict == "agree" or report.claimed_counts["agree"] == gradient.size):
        yield Failure(f"wrong claim agrees ({mistake})", f"{name} = {wrong.tolist()}\n{report.to_plain()}")


def stated(gradient: Array, rng: np.random.Generator) -> Any:
    """A gradient as an array, or as text."""
    return gradient if rng.random() < 0.5 else json.dumps(gradient.tolist())


def of_truth(
    spec: bpx.Spec, gradients: dict[str, Array], grown: Program, rng: np.random.Generator
) -> Iterator[Failure]:
    """One entry beside the slopes that differences of 50 digits give."""
    names = [name for name in gradients if name not in grown.chosen]
    if not names:
        return
    name = str(rng.choice(names))
    flat = int(rng.integers(gradients[name].size))
    node = next(leaf.node for leaf in spec.inputs if leaf.name == name)
    left, right = map(float, true_slopes(spec, grown.asked, node, flat))
    found = float(gradients[name].flat[flat])
    room = 1e-8 * max(float(np.max(np.abs(gradients[name]))), abs(left), abs(right), 1.0)
    if not min(left, right) - room <= found <= max(left, right) + room:
        yield Failure(
            "gradient is not the slope", f"{name}, element {flat}: {found} beside {left} and {right}"
        )


def true_slopes(spec: bpx.Spec, asked: Mapping[int, dict[str, Any]], node: int, flat: int) -> list[Any]:
    """The slopes to the left and to the right of the sum of the output, at 50 digits, by the oracle's ops."""
    given = {leaf: lifted(value) for leaf, value in spec.input_values.items()}
    here, step = summed_output(spec, asked, given), oracle.mp.mpf(10) ** -24
    slopes = []
    for side in (-step, step):
        moved = given[node].copy()
        moved.flat[flat] += side
        slopes.append((summed_output(spec, asked, {**given, node: moved}) - here) / side)
    return slopes


def summed_output(spec: bpx.Spec, asked: Mapping[int, dict[str, Any]], values: dict[int, Any]) -> Any:
    graph, values = spec.graph, dict(values)
    for node in graph.needs(of=[spec.output]):
        op, args = graph.ops[node], [values[arg] for arg in graph.args[node]]
        if node in graph.constants:
            values[node] = lifted(graph.constants[node])
        elif node not in values and op.elementwise:
            function = np.frompyfunc(oracle.VALUES[op.name], len(args), 1)
            values[node] = np.asarray(function(*args), dtype=object)
        elif node not in values:
            settings = asked.get(node, graph.settings[node])
            values[node] = np.asarray(oracle.tensor(op.name, *args, **settings), dtype=object)
    return np.sum(values[spec.output])
