"""Texts mutated byte by byte and token by token: specs, expressions, claims, notes, tables, code.

The seeds are all that is bundled and quoted: examples, the command lines and blocks of the documentation,
typed formulas, files of other programs and NumPy code.
"""

from __future__ import annotations

import random
import re
import shlex
from functools import cache
from pathlib import Path

import typed_inputs
from derivation_sheets import SHEETS
from fuzz.calling import Case, values_for
from fuzz.minimising import TOKENS

from bpx.cli.command import command_named
from bpx.ops import rows

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Words that would write elsewhere, wait for somebody, start processes, or change the machine.
UNWANTED = re.compile(r"^(--(output|report|progress|watch|jobs|install|show-c|draw|yes|ask)|-o)|/|~|^\.\.")

FRAGMENTS = [
    *b"0 -0.0 1e308 -1e-320 5e-324 1e999 nan inf 9007199254740993 0x10 1_0 .5 1. 1e 00 2**63".split(),
    b"1" + b"0" * 400, b"0e-" + b"9" * 400, b"0." + b"1" * 300, b"-" * 50, b"(" * 60, b"[" * 60, b"9" * 4301,
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\x1b[31m", b"\t", b" " * 200, b"\\", b'"', b"'''", b'"""', b"`",
    *(sign.encode() for sign in ["\u202e", "−", "σ", "∂", "é", "ﬀ", "٣", "🙂", "²", "½", "⁻", "√", "∑", "π", "ᵀ", "×", "·", "→", "∞"]),
    b"[red]", b"{0}", b"%s", b"$x$", b"#", b"=", b"==", b"@", b".T", b"^", b"**", b"|", b",", b";", b":", b"\n",
    *b"inputs graph claims expect ops output bpx value role constant target normal uniform seed wrt of".split(),
    *b"x y z w W b a L out e pi true false null none axis=0 axis=-1 keepdims=True shape=[2,3] [1,2] [[1],[2]]".split(),
    *b"[] {} () [0] sum( mean( softmax( where( log( sqrt( max( reshape( einsum( conv1d( norm( index(".split(),
]  # fmt: skip
OPTIONS = [
    "--json", "--format=markdown", "--format=latex", "--format=html", "--format=plain", "--format=table",
    "--second", "--paths=*", "--expand=all", "--step=0.1", "--order=2", "--order=3", "--short", "--tree", "--rail",
    "--named", "--cost", "--sensitivity=0.1", "--sensitivity=1e300", "--forward", "--sources", "--no-check", "--digits=3", "--node=out",
    "--of=z", "--wrt=x", "--wrt=x,w", "--upstream=2", "--claim=x = 1", "--claim=w = [1, 2]", "--claim=x = 2*x*y",
    "--points=2", "--seed=1", "--detect=1e-3", "--rtol=1e-3", "--why=x", "--why=w[0]", "--hint=1", "--hint=4",
    "--strict", "--all", "--sort=input", "--random=normal", "--set=x=0", "--set=x=[1,2]", "--set=w=1e300",
    "--notation=latex", "--notation=python", "--to=json", "--to=numpy", "--to=torch", "--format=junit",
    "--format=svg", "--format=dot", "--steps=3", "--rate=0.1", "--optimizer=adam", "--batch=2",
    "--gradient", "--descend=3", "--random", "--random=x:(3,)",
    "--blanks=2", "--plant=1", "--key", "--budget=10",
]  # fmt: skip
NOTE_LINES = [1, 2, 2, 3, 3, 5]  # of a derivation
CLAIMS = [  # on w, and on x beside it, of what `@claim` differentiates
    *(b"2*w*x^2*y", b"2*x*y*(w*x)", b"2*(w*x)*x*y", b"w*x^2*y*2", b"[-1.911, -0.637]", b"upstream*2*w*x^2*y"),
    *(b"2*sum(w)*x", b"-2*w*x^2*y", b"2*w*x^2", b"w*x*(w*x)", b"where(w > 1, 2*w*x^2*y, 0)", b"exp(w)*x/y"),
]
SWEPT = ["--over=b=-2..2:5", "--over=w[0]=0,1", "--over=x=-1..1:3", "--over=w=0,1"]
FUNCTIONS = {op.name.encode() for op in rows() if len(op.args) == 1}
KINDS = {
    "number": b"0 1 2 3 -1 0.5 1.5 10 1e-3 1e8 1e-8 0.1 7 1e300 1e-300 4".split(),
    "function": sorted(FUNCTIONS),
    "name": [],
    "operator": b"+ - * / ^ @ .*".split(),
}
TARGETED = ["explain", "gradcheck", "convert", "draw", "train", "sweep", "practice"]


def case(seed: str) -> Case:
    """The mutated input of a seed."""
    rng = random.Random(seed)
    return rng.choices([_file, _command_line, _call, _formula], [4, 3, 4, 2])[0](rng)


# --- seeds --------------------------------------------------------------------------------------


@cache
def blocks() -> list[tuple[str, str]]:
    """The blocks of code in the documentation: language, text."""
    pages = [ROOT / "README.md", *sorted((ROOT / "bpx" / "docs").glob("*.md"))]
    return [block for page in pages for block in BLOCK.findall(page.read_text(encoding="utf-8"))]


@cache
def specs() -> list[bytes]:
    """Specs in TOML and JSON."""
    examples = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.toml"))]
    quoted = [text.encode() for language, text in blocks() if language in ("toml", "json") and "[" in text]
    return [text for text in examples if len(text) < 4000] + quoted


@cache
def command_lines() -> list[list[str]]:
    """The command lines of the documentation, without `bpx`."""
    lines = []
    for language, text in blocks():
        for line in (
            text.replace("\\\n", " ").splitlines() if language in ("sh", "bash", "console", "") else []
        ):
            command = line.removeprefix("$ ").partition("  #")[0]
            if command.startswith("bpx ") and not re.search(r"[|<>&]|\$\(", command):
                lines.append(shlex.split(command)[1:])
    return [line for line in lines if line and not any(UNWANTED.search(word) for word in line[:1])]


@cache
def formulas() -> list[str]:
    """Expressions as people type them."""
    tables = [
        table for name, table in vars(typed_inputs).items() if name.isupper() and isinstance(table, dict)
    ]
    typed = [text for table in tables for text in table]
    targets = [line[1] for line in command_lines() if line[0] in ("explain", "gradcheck") and len(line) > 1]
    return [text for text in typed if isinstance(text, str)] + [text for text in targets if " " in text]


@cache
def files() -> dict[str, list[bytes]]:
    """Other files by ending: tables, code."""
    return {
        "json": [
            (ROOT / "examples" / "models" / "gradients.json").read_bytes(),
            b'{"dw": [1.0, 2], "db": 0.5}',
        ],
        "csv": [b"name,gradient\nw,0.5\nb,-0.25\n", b"w[0],w[1],b\n0.1,0.2,0.3\n"],
        "py": [path.read_bytes() for path in sorted((ROOT / "tests" / "trace" / "textbook").glob("*.py"))],
    }


@cache
def notes() -> list[bytes]:
    """Derivations: the first lines of each, since a step takes as long to judge as a hundred other inputs."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples" / "notes").glob("*.md"))]
    texts += [sheet.text for sheet in SHEETS]
    return ["".join(text.splitlines(True)[:lines]).encode() for text in texts for lines in NOTE_LINES]


# --- inputs -------------------------------------------------------------------------------------


def _file(rng: random.Random) -> Case:
    """A command on a mutated file."""
    kind = rng.choices(["spec", "md", "table", "py"], [30, 3, 8, 4])[0]
    if kind == "spec":
        data = mutated(rng, rng.choice(specs()), specs())
        name = "me.json" if data.lstrip().startswith(b"{") else "me.toml"
        command = rng.choice(TARGETED)
        over = [rng.choice(SWEPT)] if command == "sweep" else []
        return Case((command, name, *over, *options(rng, command)), ((name, data),))
    if kind == "md":
        return Case(
            ("check", "me.md", *options(rng, "check")), (("me.md", mutated(rng, rng.choice(notes()))),)
        )
    if kind == "py":
        data, command = mutated(rng, rng.choice(files()["py"])), rng.choice(["explain", "gradcheck"])
        return Case((command, "me.py", *options(rng, command)), (("me.py", data),))
    ending = rng.choice(["json", "csv"])
    table = mutated(rng, rng.choice(files()[ending]))
    graph = rng.choice([["logistic_regression"], ["sum(w^2)*b", "--set=w=[0.5, -0.25]", "--set=b=2"]])
    return Case(("audit", *graph, f"me.{ending}", *options(rng, "audit")), ((f"me.{ending}", table),))


def options(rng: random.Random, command: str) -> list[str]:
    """Some options, most of them of this command: the others end before a file is read."""
    known = [option for option in OPTIONS if option.partition("=")[0] in names_of_options(command)]
    pool = known if known and rng.random() < 0.9 else OPTIONS
    return rng.sample(pool, min(len(pool), rng.choice([0, 0, 1, 1, 2, 3])))


@cache
def names_of_options(command: str) -> set[str]:
    """The options that a command has."""
    return {name for param in command_named(command).params for name in param.opts}


def _command_line(rng: random.Random) -> Case:
    """A command line of the documentation with other words, and mutated ones."""
    words = [*rng.choice(command_lines()), *rng.sample(OPTIONS, rng.choice([0, 0, 1, 2]))]
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(1, len(words) + 1)
        action = rng.randrange(5)
        if action == 0:
            words.insert(at, rng.choice(OPTIONS))
        elif action == 1:
            words[at:] = words[at + 1 :]
        elif action == 2:
            words[at:at] = words[at - 1 : at]
        elif at < len(words):
            words[at] = mutated(rng, words[at].encode("utf-8", "surrogatepass")).decode(
                "utf-8", "surrogateescape"
            )
    return Case(tuple(_safe(words)) or ("help",))


def _safe(words: list[str]) -> list[str]:
    """Without what would reach out of the folder, and without the values of such options."""
    kept: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        if not UNWANTED.search(word) and not UNWANTED.search(before):
            kept.append(word.replace("\0", ""))
    return kept if kept and kept[0] in {line[0] for line in command_lines()} else ["explain", *kept]


def _formula(rng: random.Random) -> Case:
    """A typed formula, mutated."""
    text = mutated(rng, rng.choice(formulas()).encode()).decode("utf-8", "replace").replace("\0", "")
    command = rng.choice(["explain", "gradcheck", "convert"])
    values = [f"--set={name}={value}" for name, value in values_for(text).items() if rng.random() < 0.98]
    return Case((command, *options(rng, command), *values, "--", text))


def _call(rng: random.Random) -> Case:
    """A call from Python with a mutated text."""
    door = rng.choices(["@load", "@parse", "@claim", "@check_notes"], [20, 12, 4, 1])[0]
    pools = {"@load": specs(), "@check_notes": notes(), "@claim": CLAIMS}
    pool = pools.get(door) or [text.encode() for text in formulas()]
    return Case((door,), (("text", mutated(rng, rng.choice(pool), pool)),))


# --- mutations ----------------------------------------------------------------------------------


def mutated(rng: random.Random, data: bytes, pool: list[bytes] | None = None) -> bytes:
    """The text after up to four mutations: half of the texts still have their form, the others rarely."""
    if rng.random() < 0.5:
        ways, weights, times = [_alike], [1], [1, 1, 2, 3]
    else:
        ways, weights, times = [_bytes, _tokens, _lines, _alike], [2, 5, 2, 2], [1, 1, 1, 2, 2, 3, 4]
    for _ in range(rng.choice(times)):
        data = rng.choices(ways, weights)[0](rng, data, pool or [data])
    return data


def _alike(rng: random.Random, data: bytes, pool: list[bytes]) -> bytes:
    """Another token of the same kind in the place of one: a number, a function, a name of the text, an operator."""
    tokens = TOKENS.findall(data)
    places = [at for at, token in enumerate(tokens) if _kind(token)]
    if not places:
        return data
    at = rng.choice(places)
    kind = _kind(tokens[at])
    known = [token for token in tokens if _kind(token) == kind]
    tokens[at] = rng.choice([*KINDS[kind], *known])
    return b"".join(tokens)


def _kind(token: bytes) -> str:
    """What a token is; empty where another would rarely do in its place."""
    if token in FUNCTIONS:
        return "function"
    if token[:1].isdigit():
        return "number"
    if token.isalpha() and len(token) < 4:
        return "name"
    return "operator" if token in KINDS["operator"] else ""


def _bytes(rng: random.Random, data: bytes, pool: list[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice([1, 1, 2, 5, 20, 100]))
    new = rng.choice([b"", bytes([rng.randrange(256)]), data[at:end] * 2, rng.choice(FRAGMENTS)])
    return data[:at] + new + data[end:]


def _tokens(rng: random.Random, data: bytes, pool: list[bytes]) -> bytes:
    return b"".join(_rearranged(rng, TOKENS.findall(data), TOKENS.findall(rng.choice(pool))))


def _lines(rng: random.Random, data: bytes, pool: list[bytes]) -> bytes:
    return b"".join(_rearranged(rng, data.splitlines(True), rng.choice(pool).splitlines(True)))


def _rearranged(rng: random.Random, parts: list[bytes], others: list[bytes]) -> list[bytes]:
    """One part left out, doubled, moved, or another in its place."""
    if not parts:
        return [rng.choice(FRAGMENTS)]
    at, to = rng.randrange(len(parts)), rng.randrange(len(parts))
    other = rng.choice([rng.choice(FRAGMENTS), rng.choice(others or parts), parts[to]])
    kept = [*parts]
    action = rng.randrange(5)
    if action == 0:
        del kept[at]
    elif action == 1:
        kept.insert(to, kept[at])
    elif action == 2:
        kept[at], kept[to] = kept[to], kept[at]
    else:
        kept[at : at + (action == 3)] = [other]
    return kept
