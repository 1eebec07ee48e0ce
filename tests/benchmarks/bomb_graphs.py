"""Hostile notes, and large graphs in every form."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

from collections.abc import Callable

from benchmarks.bomb_kinds import Made, file, of, toml


def chain(*args: str) -> Callable[[int], Made]:
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


def _notes(text: Callable[[int], str]) -> Callable[[int], Made]:
    return lambda size: (["check", file("a.md", text(size))], "")


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
    **{f"a chain of 20000 as {form}": (20_000, chain("explain", "-f", form, "-o", "out")) for form in _FORMS},
    **{f"a sum of 2000 as {form}": (2_000, _wide("explain", "-f", form, "-o", "out")) for form in _FORMS},
    **{
        f"a chain of 20000 with {option[0]}": (20_000, chain("explain", *option))
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
    "a chain of 2000, checked": (2_000, chain("gradcheck")),
    "a chain of 2000, checked at order 2": (2_000, chain("gradcheck", "--order", "2")),
    "a sum of 500, checked": (500, _wide("gradcheck")),
    "a chain of 5000, drawn": (5_000, chain("draw", "-o", "a.svg")),
    "a chain of 100000, drawn": (100_000, chain("draw", "-o", "a.dot")),
    "a sum of 2000, drawn": (2_000, _wide("draw", "-o", "a.svg")),
    "a chain of 20000, drawn as TikZ": (20_000, chain("draw", "-o", "a.tex")),
    "a chain of 20000, drawn as a circuit": (20_000, chain("draw", "--style", "circuit", "-o", "a.svg")),
    "a chain of 20000, as NumPy": (20_000, chain("convert", "--to", "numpy")),
    "a chain of 20000, as torch": (20_000, chain("convert", "--to", "torch")),
    "a chain of 20000, as JSON": (20_000, chain("convert", "--to", "json")),
    "a chain of 20000, trained": (20_000, chain("train", "--wrt", "w", "--steps", "10")),
    "a chain of 20000, swept": (20_000, chain("sweep", "--over", "x=0..1")),
    "a page of a sweep": (300, of("sweep", "x*y", "x=1", "y=2", "--over", "x=0..1:{n}", "--over", "y=0..1:{n}", "-f", "html")),
}  # fmt: skip
