"""Hostile numbers and lists in options, shapes in formulas, notes, and large graphs in every form."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

from collections.abc import Callable

from benchmarks.bomb_kinds import Bomb, Made, file, toml


def _of(*args: str) -> Callable[[int], Made]:
    """A command line with the size put in for `{n}`."""
    return lambda size: ([arg.replace("{n}", str(size)) for arg in args], "")


def _chain(*args: str) -> Callable[[int], Made]:
    """A command on a chain of so many steps."""

    def made(size: int) -> Made:
        steps = "s0 = 'x*w'\n" + "\n".join(f's{i} = "s{i - 1}*1.0001 + x"' for i in range(1, size))
        name = file("a.toml", toml(steps, "x = 1\nw = 2"))
        return [args[0], name, *args[1:]], ""

    return made


def _wide(*args: str) -> Callable[[int], Made]:
    """A command on a sum of products, one of each of so many inputs."""

    def made(size: int) -> Made:
        terms = " + ".join(f"x{i}*w" for i in range(size))
        name = file(
            "a.toml",
            toml(f"y = '({terms})^2'", "w = 2\n" + "\n".join(f"x{i} = {i + 1}e-3" for i in range(size))),
        )
        return [args[0], name, *args[1:]], ""

    return made


def _sets(count: int, *more: str) -> Made:
    return ["explain", "x^2", "x=1", *more, *(f"--set=k{i}=1" for i in range(count))], ""


def _array(formula: str, *args: str) -> Callable[[int], Made]:
    return _of(args[0] if args else "explain", formula, "x=[1, 2, 3]", *args[1:])


def _notes(text: Callable[[int], str]) -> Callable[[int], Made]:
    return lambda size: (["check", file("a.md", text(size))], "")


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
    "--points": (10**9, _of("gradcheck", *_SQUARE, "--points", "{n}")),
    "--points of an array": (10**9, _of("gradcheck", "sum(x^2)", "x=[1, 2, 3]", "--points", "{n}")),
    "--points, with jobs": (10**9, _of("gradcheck", *_SQUARE, "--points", "{n}", "-j", "2")),
    "--points 1000": (1_000, _of("gradcheck", *_SQUARE, "--points", "{n}")),
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
    "--order": (10**9, _of("explain", *_SQUARE, "--order", "{n}")),
    "--order 30": (30, _of("explain", "sin(x*y)*exp(x)", "x=1", "y=2", "--order", "{n}")),
    "--order 170": (170, _of("explain", "exp(sin(x))", "x=1", "--order", "{n}")),
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
    "--order of a check": (10**9, _of("gradcheck", *_SQUARE, "--order", "{n}")),
    "--order 2 with --detect": (
        2,
        _of("gradcheck", "sin(x)*exp(y)", "x=1", "y=2", "--order", "2", "--detect", "1e-15"),
    ),
    "--order 2 with --detect, arrays": (
        2,
        _of("gradcheck", "sum(sin(x)*exp(x))", "x=[1,2,3,4,5,6,7,8]", "--order", "2", "--detect", "1e-15"),
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
    "--detect 1e-300": (2, _of("gradcheck", "sin(x)*exp(y)", "x=1", "y=2", "--detect", "1e-300")),
    "--detect of digits": (400, lambda n: (["gradcheck", *_SQUARE, "--detect", "1e-" + "9" * n], "")),
    "--budget": (
        10**15,
        _of(
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
    "--digits": (10**9, _of("explain", *_SQUARE, "--digits", "{n}")),
    "--seed": (400, lambda n: (["gradcheck", *_SQUARE, "--points", "2", "--seed", "9" * n], "")),
    "--jobs": (10**9, _of("gradcheck", *_SQUARE, "--points", "3", "--jobs", "{n}")),
    "--steps": (10**12, _of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}")),
    "--steps 100000": (100_000, _of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}")),
    "--steps, all shown": (
        2_000,
        _of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}", "--show-steps", "{n}"),
    ),
    "--steps, all checked": (300, _of("train", *_SQUARE, "--wrt", "x", "--steps", "{n}", "--check", "1")),
    "--show-steps": (10**12, _of("train", *_SQUARE, "--wrt", "x", "--show-steps", "{n}")),
    "--batch": (10**12, _of("train", "logistic_regression", "--batch", "{n}")),
    "--rate": (300, lambda n: (["train", *_SQUARE, "--wrt", "x", "--rate", "9" * n], "")),
    "--descend": (10**12, _of("sweep", *_SQUARE, "--over", "x=0..1", "--descend", "{n}")),
    "--over": (10**12, _of("sweep", *_SQUARE, "--over", "x=0..1:{n}")),
    "--over 1e6": (10**6, _of("sweep", *_SQUARE, "--over", "x=0..1:{n}", "-o", "a.csv")),
    "--over two": (10**5, _of("sweep", "x*y", "x=1", "y=2", "--over", "x=0..1:{n}", "--over", "y=0..1:{n}")),
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
    "--random": (10**12, _of("explain", "sum(x)", "--random", "x:({n},)")),
    "--random 2^26": (2**26, _of("explain", "sum(x)", "--random", "x:({n},)")),
    "--random of many axes": (
        30_000,
        lambda n: (["explain", "sum(x)", "--random", "x:(" + "1," * n + ")"], ""),
    ),
    "--random of many names": (
        5_000,
        lambda n: (["explain", "sum(x)", "--random", " ".join(f"k{i}:(1,)" for i in range(n))], ""),
    ),
    "practice --blanks": (10**12, _of("practice", "chain-rule", "--blanks", "{n}", "-o", "a.toml")),
    "practice --plant": (10**12, _of("practice", "chain-rule", "--plant", "{n}", "-o", "a.toml")),
    "practice --seed": (400, lambda n: (["practice", "chain-rule", "--seed", "9" * n, "-o", "a.toml"], "")),
    "practice of a chain": (3_000, _chain("practice", "--blanks", "all", "-o", "a.toml")),
    "practice, mistakes in a chain": (1_000, _chain("practice", "--plant", "3", "-o", "a.toml")),
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
NOTES: dict[str, tuple[int, Callable[[int], Made]]] = {
    "formulas": (2_000, _notes(lambda n: "Let $x = 3$.\n\n" + "$$L = x^2$$\n\n" * n)),
    "a chain of equalities": (2_000, _notes(lambda n: "Let $x = 3$. $$x^2 " + "= x*x " * n + "$$")),
    "steps": (
        300,
        _notes(
            lambda n: (
                "Let $x = 3$.\n\n"
                + "".join(
                    f"$$a_{{{i}}} = {'x' if not i else f'a_{{{i - 1}}}'} * 1.01$$\n\n" for i in range(n)
                )
            )
        ),
    ),
    "wrong steps": (100, _notes(lambda n: "Let $L = x^2$, $x = 3$.\n\n" + "$$\\frac{dL}{dx} = 3x$$\n\n" * n)),
    "steps nobody can read": (
        3_000,
        _notes(lambda n: "Let $L = x^2$, $x = 3$.\n\n" + "$$\\frac{dL}{dx} = (((x$$\n\n" * n),
    ),
    "dollars": (1_000_000, _notes(lambda n: "$" * n)),
    "dollars apart": (1_000_000, _notes(lambda n: "$ x " * (n // 4))),
    "backticks": (1_000_000, _notes(lambda n: "`" * n)),
    "backticks apart": (1_000_000, _notes(lambda n: "` x `` " * (n // 7))),
    "fences": (1_000_000, _notes(lambda n: "```\n" * (n // 4))),
    "environments": (1_000_000, _notes(lambda n: "\\begin{align}" * (n // 13))),
    "environments in environments": (
        100_000,
        _notes(lambda n: "\\begin{align}" * (n // 24) + "\\end{align}" * (n // 24)),
    ),
    "brackets of formulas": (1_000_000, _notes(lambda n: "\\(" * (n // 2))),
    "brackets of display": (1_000_000, _notes(lambda n: "\\[" * (n // 2))),
    "prose": (10_000_000, _notes(lambda n: "word " * (n // 5))),
    "a line of prose with equations": (300_000, _notes(lambda n: "so x = 3 and " * (n // 13))),
    "rows of a table": (300_000, _notes(lambda n: "| a | b |\n" * (n // 10))),
    "rows of an alignment": (
        50_000,
        _notes(
            lambda n: "$$\\begin{aligned} L &= x^2 \\\\ " + "&= x^2 \\\\ " * (n // 10) + "\\end{aligned}$$"
        ),
    ),
    "macros": (
        100_000,
        _notes(lambda n: "\\newcommand{\\a}{\\b\\b}\\newcommand{\\b}{\\a\\a}" + "$$\\a$$" * (n // 6)),
    ),
    "doubling macros": (
        60,
        _notes(
            lambda n: (
                "".join(
                    f"\\newcommand{{\\m{chr(97 + i % 26)}{'x' * (i // 26)}}}{{\\m{chr(97 + (i + 1) % 26)}{'x' * ((i + 1) // 26)} \\m{chr(97 + (i + 1) % 26)}{'x' * ((i + 1) // 26)}}}\n"
                    for i in range(n)
                )
                + "$$\\ma$$"
            )
        ),
    ),
}
_FORMS = ("plain", "markdown", "latex", "json", "dot", "mermaid", "html", "svg")
GRAPHS: dict[str, tuple[int, Callable[[int], Made]]] = {
    **{f"a chain of 20000 as {form}": (20_000, _chain("explain", "-f", form, "-o", "out")) for form in _FORMS},
    **{f"a sum of 2000 as {form}": (2_000, _wide("explain", "-f", form, "-o", "out")) for form in _FORMS},
    **{
        f"a chain of 20000 with {option[0]}": (20_000, _chain("explain", *option))
        for option in (
            ("--paths=*",), ("--paths=x",), ("--expand", "all"), ("--short",), ("--tree",), ("--rail",), ("--cost",),
            ("--sensitivity",), ("--forward",), ("--named",), ("--sources",), ("--step", "0.1"), ("--second",),
            ("--order", "3"), ("--node", "s7"), ("--no-check",),
        )
    },
    **{
        f"a sum of 500 with {option[0]}": (500, _wide("explain", *option))
        for option in (("--paths=*",), ("--short",), ("--tree",), ("--rail",), ("--second",), ("--cost",), ("--sensitivity",))
    },
    "a chain of 2000, checked": (2_000, _chain("gradcheck")),
    "a chain of 2000, checked at order 2": (2_000, _chain("gradcheck", "--order", "2")),
    "a sum of 500, checked": (500, _wide("gradcheck")),
    "a chain of 5000, drawn": (5_000, _chain("draw", "-o", "a.svg")),
    "a chain of 100000, drawn": (100_000, _chain("draw", "-o", "a.dot")),
    "a sum of 2000, drawn": (2_000, _wide("draw", "-o", "a.svg")),
    "a chain of 20000, drawn as TikZ": (20_000, _chain("draw", "-o", "a.tex")),
    "a chain of 20000, drawn as a circuit": (20_000, _chain("draw", "--style", "circuit", "-o", "a.svg")),
    "a chain of 20000, as NumPy": (20_000, _chain("convert", "--to", "numpy")),
    "a chain of 20000, as torch": (20_000, _chain("convert", "--to", "torch")),
    "a chain of 20000, as JSON": (20_000, _chain("convert", "--to", "json")),
    "a chain of 20000, trained": (20_000, _chain("train", "--wrt", "w", "--steps", "10")),
    "a chain of 20000, swept": (20_000, _chain("sweep", "--over", "x=0..1")),
    "a page of a sweep": (300, _of("sweep", "x*y", "x=1", "y=2", "--over", "x=0..1:{n}", "--over", "y=0..1:{n}", "-f", "html")),
}  # fmt: skip

OPTIONS = [
    Bomb(f"{group}: {name}", size, made)
    for group, bombs in (("option", OPTIONS_OF), ("shape", SHAPES), ("notes", NOTES), ("graph", GRAPHS))
    for name, (size, made) in bombs.items()
]
