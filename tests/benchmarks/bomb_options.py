"""Hostile numbers and lists in options, and shapes in formulas."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bomb_graphs import GRAPHS, NOTES, chain
from benchmarks.bomb_kinds import Bomb, Made, file, of, toml


def _sets(count: int, *more: str) -> Made:
    return ["explain", "x^2", "x=1", *more, *(f"--set=k{i}=1" for i in range(count))], ""


def _array(formula: str, *args: str) -> Callable[[int], Made]:
    return of(args[0] if args else "explain", formula, "x=[1, 2, 3]", *args[1:])


_SQUARE = ("x^2", "x=3")
OPTIONS_OF: dict[str, tuple[int, Callable[[int], Made]]] = {
    "unknown --set": (3_000, lambda n: _sets(n)),
    "unknown --set like x": (
        3_000,
        lambda n: (["explain", "xx*xy", "xx=1", *(f"xy{i}=1" for i in range(n))], ""),
    ),
    "--set again and again": (3_000, lambda n: (["explain", "x^2", *["x=1"] * n], "")),
    "unknown --wrt": (
        10_000,
        lambda n: (["explain", *_SQUARE, "--wrt", ",".join(f"k{i}" for i in range(n))], ""),
    ),
    "--wrt x again and again": (10_000, lambda n: (["explain", *_SQUARE, "--wrt", ",".join(["x"] * n)], "")),
    "--wrt entries": (
        10_000,
        lambda n: (["explain", "sum(x)", "x=[1, 2]", "--wrt", ",".join(f"x[{i}]" for i in range(n))], ""),
    ),
    "unknown options": (3_000, lambda n: (["explain", *_SQUARE, *(f"--k{i}" for i in range(n))], "")),
    "options again and again": (3_000, lambda n: (["explain", *_SQUARE, *["--digits", "3"] * n], "")),
    "arguments": (3_000, lambda n: (["explain", *_SQUARE, *["y"] * n], "")),
    "claims": (2_000, lambda n: (["gradcheck", *_SQUARE, *["--claim", "x = 6"] * n], "")),
    "unknown claims": (
        2_000,
        lambda n: (["gradcheck", *_SQUARE, *(f"--claim=k{i} = 6" for i in range(n))], ""),
    ),
    "wrong claims": (500, lambda n: (["gradcheck", *_SQUARE, *(f"--claim=x = {i}" for i in range(n))], "")),
    "--points": (10**9, of("gradcheck", *_SQUARE, "--points", "{n}")),
    "--points of an array": (10**9, of("gradcheck", "sum(x^2)", "x=[1, 2, 3]", "--points", "{n}")),
    "--points, with jobs": (10**9, of("gradcheck", *_SQUARE, "--points", "{n}", "-j", "2")),
    "--points 1000": (1_000, of("gradcheck", *_SQUARE, "--points", "{n}")),
    "--points beyond integers": (400, lambda n: (["gradcheck", *_SQUARE, "--points", "9" * n], "")),
    "--points of code": (
        10**9,
        lambda n: (
            [
                "gradcheck",
                file("a.py", "def f(x):\n    return x*x\ndef g(x, up):\n    return 2*x*up\n") + ":f,g",
                "x=1",
                "--points",
                str(n),
            ],
            "",
        ),
    ),
    "--order": (10**9, of("explain", *_SQUARE, "--order", "{n}")),
    "--order 30": (30, of("explain", "sin(x*y)*exp(x)", "x=1", "y=2", "--order", "{n}")),
    "--order 170": (170, of("explain", "exp(sin(x))", "x=1", "--order", "{n}")),
    "--order of many inputs": (
        8,
        lambda n: (
            [
                "explain",
                "*".join(f"sin(x{i})" for i in range(n)),
                *(f"x{i}=1" for i in range(n)),
                "--order",
                str(n),
            ],
            "",
        ),
    ),
    "--order of a check": (10**9, of("gradcheck", *_SQUARE, "--order", "{n}")),
    "--order 2 with --detect": (
        2,
        of("gradcheck", "sin(x)*exp(y)", "x=1", "y=2", "--order", "2", "--detect", "1e-15"),
    ),
    "--order 2 with --detect, arrays": (
        2,
        of("gradcheck", "sum(sin(x)*exp(x))", "x=[1,2,3,4,5,6,7,8]", "--order", "2", "--detect", "1e-15"),
    ),
    "--order 2 of 64 entries": (
        64,
        lambda n: (
            [
                "gradcheck",
                "sum(sin(x)*sum(exp(x)))",
                "--set",
                f"x=[{', '.join(['0.5'] * n)}]",
                "--order",
                "2",
            ],
            "",
        ),
    ),
    "--detect 1e-300": (2, of("gradcheck", "sin(x)*exp(y)", "x=1", "y=2", "--detect", "1e-300")),
    "--detect of digits": (400, lambda n: (["gradcheck", *_SQUARE, "--detect", "1e-" + "9" * n], "")),
    "--budget": (
        10**15,
        of(
            "gradcheck",
            "sin(x)*exp(y)-sin(x)*exp(y)*(1+1e-12)",
            "x=1",
            "y=2",
            "--budget",
            "{n}",
            "--detect",
            "1e-15",
        ),
    ),
    "--digits": (10**9, of("explain", *_SQUARE, "--digits", "{n}")),
    "--seed": (400, lambda n: (["gradcheck", *_SQUARE, "--points", "2", "--seed", "9" * n], "")),
    "--jobs": (10**9, of("gradcheck", *_SQUARE, "--points", "3", "--jobs", "{n}")),
    "--steps": (10**12, of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}")),
    "--steps 100000": (100_000, of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}")),
    "--steps, all shown": (
        2_000,
        of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}", "--show-steps", "{n}"),
    ),
    "--steps, all checked": (300, of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}", "--check", "1")),
    "--show-steps": (10**12, of("train", *_SQUARE, "--wrt", "x", "--show-steps", "{n}")),
    "--batch": (10**12, of("train", "logistic_regression", "--batch", "{n}")),
    "--rate": (300, lambda n: (["train", *_SQUARE, "--wrt", "x", "--rate", "9" * n], "")),
    "--descend": (10**12, of("sweep", *_SQUARE, "--over", "x=0..1", "--descend", "{n}")),
    "--over": (10**12, of("sweep", *_SQUARE, "--over", "x=0..1:{n}")),
    "--over 1e6": (10**6, of("sweep", *_SQUARE, "--over", "x=0..1:{n}", "-o", "a.csv")),
    "--over two": (10**5, of("sweep", "x*y", "x=1", "y=2", "--over", "x=0..1:{n}", "--over", "y=0..1:{n}")),
    "--over, many": (
        50,
        lambda n: (
            [
                "sweep",
                "+".join(f"x{i}" for i in range(n)),
                *(f"x{i}=1" for i in range(n)),
                *(f"--over=x{i}=0..1" for i in range(n)),
            ],
            "",
        ),
    ),
    "--over values": (20_000, lambda n: (["sweep", *_SQUARE, "--over", "x=" + ",".join(["1"] * n)], "")),
    "--sensitivity": (
        20_000,
        lambda n: (
            [
                "explain",
                file("a.toml", toml('y = "sum(x)^2"', f"x = {{normal = [{n}], seed = 1}}")),
                "--sensitivity",
            ],
            "",
        ),
    ),
    "--random": (10**12, of("explain", "sum(x)", "--random", "x:({n},)")),
    "--random 2^26": (2**26, of("explain", "sum(x)", "--random", "x:({n},)")),
    "--random of many axes": (
        30_000,
        lambda n: (["explain", "sum(x)", "--random", "x:(" + "1," * n + ")"], ""),
    ),
    "--random of many names": (
        5_000,
        lambda n: (["explain", "sum(x)", "--random", " ".join(f"k{i}:(1,)" for i in range(n))], ""),
    ),
    "practice --blanks": (10**12, of("practice", "chain-rule", "--blanks", "{n}", "-o", "a.toml")),
    "practice --plant": (10**12, of("practice", "chain-rule", "--plant", "{n}", "-o", "a.toml")),
    "practice --seed": (400, lambda n: (["practice", "chain-rule", "--seed", "9" * n, "-o", "a.toml"], "")),
    "practice of a chain": (3_000, chain("practice", "--blanks", "all", "-o", "a.toml")),
    "practice, mistakes in a chain": (1_000, chain("practice", "--plant", "3", "-o", "a.toml")),
    "learn": (100_000, lambda n: (["learn", "9" * n], "")),
    "ops": (100_000, lambda n: (["ops", "s" * n], "")),
    "help": (100_000, lambda n: (["help", "s" * n], "")),
    "a command": (100_000, lambda n: (["s" * n], "")),
    "upstream": (100_000, lambda n: (["explain", *_SQUARE, "--upstream", "[" + "1, " * (n // 3) + "1]"], "")),
}
SHAPES: dict[str, tuple[int, Callable[[int], Made]]] = {
    "spread": (10**9, _array("sum(spread(1, shape=[{n}]))")),
    "spread, at the limit": (2**26, _array("sum(spread(x[0], shape=[{n}]))")),
    "reshape": (10**18, _array("reshape(x, [{n}, {n}])")),
    "outer": (
        40_000,
        lambda n: (
            ["explain", file("a.toml", toml('y = "sum(outer(x, x))"', f"x = {{normal = [{n}], seed = 1}}"))],
            "",
        ),
    ),
    "broadcast": (
        40_000,
        lambda n: (
            [
                "explain",
                file(
                    "a.toml", toml('y = "sum(reshape(x, [-1, 1]) * x)"', f"x = {{normal = [{n}], seed = 1}}")
                ),
            ],
            "",
        ),
    ),
    "matmul": (
        8_000,
        lambda n: (
            [
                "explain",
                file(
                    "a.toml",
                    toml(
                        'y = "sum(reshape(x, [-1, 1]) @ reshape(x, [1, -1]))"',
                        f"x = {{normal = [{n}], seed = 1}}",
                    ),
                ),
            ],
            "",
        ),
    ),
    "pad": (10**12, _array("sum(pad(x, {n}))")),
    "tile": (10**12, _array("sum(tile(x, {n}))")),
    "eye": (10**6, _array("sum(eye({n}))")),
    "one_hot": (10**12, _array("sum(one_hot(x, {n}))")),
    "arange": (10**12, _array("sum(arange({n}))")),
    "cumsum": (
        2**20,
        lambda n: (
            ["explain", file("a.toml", toml('y = "sum(cumsum(x))"', f"x = {{normal = [{n}], seed = 1}}"))],
            "",
        ),
    ),
    "index far out": (10**18, _array("x[{n}]")),
    "index beyond integers": (4_000, lambda n: (["explain", "x[" + "9" * n + "]", "x=[1, 2]"], "")),
    "axis beyond integers": (4_000, lambda n: (["explain", "sum(x, axis=" + "9" * n + ")", "x=[1, 2]"], "")),
    "dilation": (10**12, _array("sum(conv1d(x, x, dilation={n}))")),
    "padding": (10**12, _array("sum(conv1d(x, x, padding={n}))")),
    "upsample": (10**12, _array("sum(upsample(x, {n}))")),
    "resize": (10**12, _array("sum(resize(x, [{n}]))")),
    "einsum": (50_000, lambda n: (["explain", "einsum('" + "i," * (n // 2) + "i', x)", "x=[1, 2]"], "")),
    "einsum of many letters": (
        26,
        lambda n: (
            [
                "explain",
                "einsum('" + ",".join("abcdefghijklmnopqrstuvwxyz"[:n]) + "', " + ", ".join(["x"] * n) + ")",
                "x=[1, 2, 3]",
            ],
            "",
        ),
    ),
    "matrix power": (10**12, _array("sum(matrix_power(reshape(x[0:1], [1, 1]), {n}))")),
    "a power": (10**9, _array("sum(x^{n})")),
    "factorials": (10**9, _array("sum(gamma(x*{n}))")),
    "polygamma": (10**9, _array("sum(polygamma({n}, x))")),
    "norm of an order": (10**9, _array("norm(x, ord={n})")),
    "hessian": (10**9, _array("sum(x^3)", "explain", "--second")),
    "a hessian of 64": (
        64,
        lambda n: (
            [
                "explain",
                file("a.toml", toml('y = "sum(sin(x))^2"', f"x = {{normal = [{n}], seed = 1}}")),
                "--second",
            ],
            "",
        ),
    ),
    "a hessian of 10000": (
        10_000,
        lambda n: (
            [
                "explain",
                file("a.toml", toml('y = "sum(sin(x))^2"', f"x = {{normal = [{n}], seed = 1}}")),
                "--second",
            ],
            "",
        ),
    ),
    "grad of grad": (12, lambda n: (["explain", "grad(" * n + "exp(sin(x))" + ", x)" * n, "x=1"], "")),
}
OPTIONS = [
    Bomb(f"{group}: {name}", size, made)
    for group, bombs in (("option", OPTIONS_OF), ("shape", SHAPES), ("notes", NOTES), ("graph", GRAPHS))
    for name, (size, made) in bombs.items()
]
