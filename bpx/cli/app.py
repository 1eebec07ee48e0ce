"""The command line: read the arguments, call, print, exit. No other file prints.

Exit codes: 0 fine · 1 something stated or claimed is wrong · 2 the input cannot be used · 3 a bug in bpx.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from bpx import __version__

if TYPE_CHECKING:
    from bpx.check.report.report import Report
    from bpx.render.blocks import Block
    from bpx.spec.reading.document import Format
    from bpx.words.diagnostic import Diagnostic

UNMET = DISAGREES = 1
UNUSABLE, BUG = 2, 3
_NARROWEST = 40  # columns; in fewer a table shows nothing
_MOST_ROWS = 2000  # of a table with rules and colour: Rich takes a second for so many
EVERY_INPUT = "*"

app = typer.Typer(
    name="bpx",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="See how a gradient is made, step by step, and find out whether one is right.",
)


class Form(StrEnum):
    """The forms an account can take."""

    TABLE = "table"
    PLAIN = "plain"
    MARKDOWN = "markdown"
    JSON = "json"


class CheckForm(StrEnum):
    """The forms a report can take."""

    TABLE = Form.TABLE
    PLAIN = Form.PLAIN
    MARKDOWN = Form.MARKDOWN
    JSON = Form.JSON
    JUNIT = "junit"


class Sort(StrEnum):
    """The order of the entries of a report."""

    WORST = "worst"
    INPUT = "input"


class _WithBarePaths(TyperCommand):
    """`--paths` alone means every input; the parser knows only options that take a value or none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        after = [*args[1:], "-"]
        bare = [arg == "--paths" and next.startswith("-") for arg, next in zip(args, after, strict=False)]
        completed = [
            f"--paths={EVERY_INPUT}" if alone else arg for arg, alone in zip(args, bare, strict=True)
        ]
        return super().parse_args(ctx, completed)


Target = Annotated[
    str,
    typer.Argument(help="An expression, a .toml or .json spec, - for standard input, or an example's name."),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Give an input a value: x=3, w='[1, 2]', t=pi/2."),
]
OfOption = Annotated[
    str | None, typer.Option("--of", metavar="NODE", help="Derive this node instead of the output.")
]
WrtOption = Annotated[
    str | None,
    typer.Option(
        "--wrt", metavar="NAME,...", help="With respect to these, inputs or inner nodes (default: inputs)."
    ),
]
UpstreamOption = Annotated[
    str | None,
    typer.Option("--upstream", metavar="VALUE", help="The gradient arriving at the output (default: ones)."),
]
FormOption = Annotated[Form | None, typer.Option("--format", "-f", help="The form of the output.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file; .md and .json set the form."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bpx {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(
    cls=_WithBarePaths,
    epilog='Example: bpx explain "(x+y)^2" --set x=3 --set y=-1 --paths',
)
def explain(
    target: Target,
    set_: Values = None,
    of: OfOption = None,
    wrt: WrtOption = None,
    upstream: UpstreamOption = None,
    expand: Annotated[
        list[str] | None, typer.Option(metavar="NODE|all", help="Rewrite composite ops in simpler ones.")
    ] = None,
    paths: Annotated[
        str | None,
        typer.Option(
            metavar="[INPUT]", help="List every path to an input, or to each; stands behind the target."
        ),
    ] = None,
    second: Annotated[bool, typer.Option("--second", help="Add second derivatives.")] = False,
    step: Annotated[
        float | None, typer.Option(metavar="RATE", help="Show one step of gradient descent at this rate.")
    ] = None,
    node: Annotated[
        str | None, typer.Option(metavar="NAME", help="Show this node, or this layer, alone.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Leave out the comparison with differences at the end.")
    ] = False,
    form: FormOption = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Show how a gradient is made, step by step."""
    with _Session(form, json, output) as session:
        from bpx.explain.explain import explain as explained
        from bpx.explain.sections.account import explanation_blocks

        spec = _spec(target, set_)
        account = explained(
            spec,
            of=of,
            wrt=_names(wrt),
            upstream=_upstream(upstream),
            expand=expand or (),
            paths=_chosen_paths(paths),
            second=second,
            step=step,
            node=node,
            check=not no_check,
        )
        if session.form == Form.JSON:
            session.write_json(account.to_dict())
        else:
            session.show(explanation_blocks(account))
        if account.unmet:
            if session.form != Form.JSON:
                session.report(account.unmet)
            raise typer.Exit(UNMET)


@app.command(epilog='Example: bpx gradcheck "(x+y)^2" --set x=3 --set y=-1 --claim "x = 2*(x+y)"')
def gradcheck(
    target: Target,
    set_: Values = None,
    of: OfOption = None,
    wrt: WrtOption = None,
    upstream: UpstreamOption = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A gradient to check: numbers, or a formula of the nodes."),
    ] = None,
    points: Annotated[int, typer.Option(metavar="N", help="Check at so many points.")] = 1,
    seed: Annotated[int, typer.Option(metavar="S", help="What the points are drawn from.")] = 0,
    order: Annotated[int, typer.Option(metavar="1|2", help="The highest order of derivatives to check.")] = 1,
    detect: Annotated[
        float, typer.Option(metavar="R", help="The smallest relative error that must be seen.")
    ] = 1e-5,
    sort: Annotated[Sort, typer.Option(help="The order of the entries.")] = Sort.WORST,
    all_: Annotated[bool, typer.Option("--all", help="Show every entry and every rule.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 unless everything agrees.")] = False,
    form: Annotated[CheckForm | None, typer.Option("--format", "-f", help="The form of the output.")] = None,
    json: JsonFlag = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to a file; .md, .json, .xml set the form."
        ),
    ] = None,
) -> None:
    """Find out whether a gradient is right, and if not, what is to blame."""
    with _Session(form, json, output) as session:
        from bpx.check.gradcheck import gradcheck as checked
        from bpx.check.report.options import bad_options
        from bpx.cli.progress import ProgressBar
        from bpx.spec.reading.claims import with_claims

        claims, problems = _claims(claim or ())
        spec = _spec(target, set_, [*problems, *bad_options(points, seed, order, detect)])
        with ProgressBar() as progress:
            report = checked(
                with_claims(spec, claims),
                of=of,
                wrt=_names(wrt),
                upstream=_upstream(upstream),
                points=points,
                seed=seed,
                order=order,
                detect=detect,
                all=all_,
                progress=progress,
            )
        session.show_report(report, sort, strict)
        if report.verdict == "disagree" or (strict and report.verdict != "agree"):
            raise typer.Exit(DISAGREES)


@app.command(epilog="Example: bpx train logistic_regression --steps 50 -o trained.toml")
def train(
    target: Target,
    set_: Values = None,
    wrt: Annotated[
        str | None,
        typer.Option("--wrt", metavar="NAME,...", help="Train these inputs (default: parameters)."),
    ] = None,
    optimizer: Annotated[
        str, typer.Option(metavar="sgd|momentum|adam", help="How the gradient becomes a step.")
    ] = "sgd",
    rate: Annotated[
        float | None,
        typer.Option(metavar="R", help="The learning rate (default: sgd 0.1, momentum and adam 0.01)."),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(metavar="M", help="What is kept of the last step (default: 0.9).")
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", help="How many steps to take.")] = 100,
    stop: Annotated[
        float | None,
        typer.Option(
            "--target", metavar="LOSS", help="Stop at this loss; with --batch looked at each epoch."
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="B", help="Draw batches of B examples; what remains of an epoch sits out."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="What the batches are drawn from.")] = 0,
    show_steps: Annotated[int, typer.Option(metavar="K", help="Show the first K steps in full.")] = 0,
    check: Annotated[
        int | None, typer.Option(metavar="K", help="Check the gradient at every K-th step, first and last.")
    ] = None,
    form: FormOption = None,
    json: JsonFlag = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the trained spec, in .toml or .json."),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the report to a file; .md and .json set the form."),
    ] = None,
) -> None:
    """Train the parameters of a graph, step by step."""
    with _Session(form, json, report) as session:
        from dataclasses import replace

        from bpx.cli.progress import ProgressBar
        from bpx.spec.writing.write import write_spec
        from bpx.train.blocks import training_blocks
        from bpx.train.train import Options
        from bpx.train.train import train as trained
        from bpx.words.diagnostic import Diagnostic

        options = Options(optimizer, rate, momentum, steps, batch, seed, stop, show_steps, check)
        format, problems = _format_of(output)
        spec = _spec(target, set_, [*problems, *options.problems()])
        for file in filter(None, (output, report)):
            _need_folder(file)
        with ProgressBar() as progress:
            training = trained(spec, options, wrt=_names(wrt), progress=progress)
        if training.problems and output:
            note = Diagnostic("not-written", None, {"name": output}, severity="note")
            training = replace(training, notes=(*training.notes, note))
        if session.form == Form.JSON:
            session.write_json(training.to_dict())
        else:
            session.show(training_blocks(training))
        if training.problems:
            raise typer.Exit(UNMET)
        if output:
            _write(output, write_spec(training.spec, format))


@app.command(epilog="Example: bpx convert logistic_regression -o graph.json")
def convert(
    target: Target,
    set_: Values = None,
    to: Annotated[
        str | None, typer.Option(metavar="toml|json", help="The format; by default from FILE.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write.")
    ] = None,
) -> None:
    """Write a graph as a spec, in TOML or JSON."""
    with _Session(Form.PLAIN, False, output) as session:
        from bpx.spec.reading.target import FORMATS
        from bpx.spec.writing.write import write_spec

        format = to or FORMATS.get(Path(output or "").suffix.lower(), "toml").removeprefix(".")
        if format not in FORMATS.values():
            _fail("unknown-choice", found=format, known=", ".join(FORMATS.values()))
        session.write(write_spec(_spec(target, set_), "json" if format == "json" else "toml"))


@app.command()
def ops(
    name: Annotated[str | None, typer.Argument(help="One op, to see all there is to say of it.")] = None,
    form: FormOption = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """List the ops with their rules and domains."""
    with _Session(form, json, output) as session:
        from bpx.explain.op_blocks import op_blocks, op_list_blocks
        from bpx.explain.op_reference import op_entries, op_entry

        entries = [op_entry(name)] if name else op_entries()
        if session.form == Form.JSON:
            rows = [entry.to_dict() for entry in entries]
            session.write_json({"bpx": 1, "kind": "ops", "ops": rows})
        else:
            session.show(op_blocks(entries[0]) if name else op_list_blocks(entries))


@app.command()
def examples(form: FormOption = None, json: JsonFlag = False, output: OutputFile = None) -> None:
    """List the bundled examples."""
    with _Session(form, json, output) as session:
        from bpx.explain.op_blocks import example_blocks

        titles = _example_titles()
        if session.form == Form.JSON:
            listed = [{"name": name, "title": title} for name, title in titles]
            session.write_json({"bpx": 1, "kind": "examples", "examples": listed})
        else:
            session.show(example_blocks(titles))


@app.command()
def schema(output: OutputFile = None) -> None:
    """Print the JSON Schema of the spec format."""
    with _Session(Form.PLAIN, False, output) as session:
        import json

        from bpx.spec.writing.schema import schema as computed

        session.write(json.dumps(computed(), indent=2) + "\n")


# --- reading arguments --------------------------------------------------------------------------


def _spec(target: str, assignments: Sequence[str] | None, found: Sequence[Diagnostic] = ()) -> Any:
    """The spec of a target; its problems, those of `--set` and those `found` before are reported together."""
    from bpx.spec.reading.target import read_target
    from bpx.words.diagnostic import BpxError, Diagnostic

    problems = list(found)
    values = {}
    for assignment in assignments or ():
        name, equals, text = assignment.partition("=")
        if not (name.strip() and equals):
            problems.append(Diagnostic("bad-assignment", None, {"text": assignment}))
            continue
        try:
            values[name.strip()] = _value(name.strip(), text, f"--set {name.strip()}")
        except BpxError as error:
            problems += error.diagnostics
            values[name.strip()] = None  # there is one, only not to be read
    try:
        spec = read_target(target, values)
    except BpxError as error:
        problems += error.diagnostics
    if problems:
        raise BpxError(problems)
    return spec


def _value(name: str, text: str, place: str) -> Any:
    from bpx.spec.reading.read import read_value
    from bpx.words.diagnostic import Source

    return read_value(name, Source(place, text))


def _format_of(file: str | None) -> tuple[Format, list[Diagnostic]]:
    """The format of a spec to be written, and a problem where the file's name has none."""
    from bpx.spec.reading.target import FORMATS
    from bpx.words.diagnostic import Diagnostic

    format = FORMATS.get(Path(file).suffix.lower()) if file else "toml"
    return format or "toml", [] if format else [Diagnostic("unknown-format", None, {"name": file})]


def _upstream(text: str | None) -> Any:
    return None if text is None else _value("upstream", text, "--upstream")


def _claims(texts: Sequence[str]) -> tuple[list[Any], list[Diagnostic]]:
    """The claims, and what is wrong with those that cannot be read."""
    from bpx.spec.reading.claims import read_claim
    from bpx.words.diagnostic import BpxError

    claims: list[Any] = []
    problems: list[Diagnostic] = []
    for text in texts:
        try:
            claims.append(read_claim(text))
        except BpxError as error:
            problems += error.diagnostics
    return claims, problems


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _chosen_paths(text: str | None) -> list[str] | None:
    return [] if text == EVERY_INPUT else _names(text)


def _example_titles() -> list[tuple[str, str]]:
    from bpx.spec.reading.document import read_document
    from bpx.spec.reading.examples import example_names, example_path
    from bpx.spec.reading.target import read_file

    def title(name: str) -> str:
        return str(read_document(read_file(example_path(name)), "toml")[0].get("title", ""))

    return [(name, title(name)) for name in example_names()]


# --- writing ------------------------------------------------------------------------------------


class _Session:
    """One command's output: its form, where it goes, and what becomes of bad input."""

    def __init__(self, form: Form | CheckForm | None, json: bool, file: str | None) -> None:
        suffixes = {
            ".json": Form.JSON,
            ".md": Form.MARKDOWN,
            ".txt": Form.PLAIN,
            ".xml": CheckForm.JUNIT,
        }
        by_file = suffixes.get(Path(file).suffix.lower()) if file else None
        self.form: str = Form.JSON if json else form or by_file or Form.TABLE
        self.file = file

    def __enter__(self) -> _Session:
        return self

    def refuse_spec(self) -> None:
        """A report must not take the place of a spec."""
        if self.file and Path(self.file).suffix.lower() == ".toml":
            _fail("report-as-spec", name=self.file)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, typer.Exit):
            return
        from bpx.graph.arrays import ShapeError
        from bpx.words.diagnostic import BpxError, Diagnostic

        if isinstance(error, ShapeError) and error.is_too_large:  # the graph fits, the reverse pass does not
            facts = {"op": error.op, "reason": error.reason}
            error = BpxError([Diagnostic("too-large", None, facts)])
        if isinstance(error, BpxError):
            self.report(error.diagnostics)
            raise typer.Exit(UNUSABLE) from None

    def report(self, diagnostics: Sequence[Diagnostic]) -> None:
        if self.form == Form.JSON:
            from bpx.render.json import json_text

            plain = [diagnostic.to_dict() for diagnostic in diagnostics]
            error = {"bpx": 1, "kind": "error", "diagnostics": plain}
            _print(json_text(error, escaped=not _is_unicode(sys.stdout)), sys.stdout)
        else:
            _print("\n\n".join(diagnostic.to_text() for diagnostic in diagnostics) + "\n", sys.stderr)

    def write_json(self, plain: dict[str, Any]) -> None:
        self.refuse_spec()
        from bpx.render.json import json_text

        self.write(json_text(plain, escaped=self.file is None and not _is_unicode(sys.stdout)))

    def write(self, text: str) -> None:
        if self.file is None:
            _print(text, sys.stdout)
        else:
            _write(self.file, text)

    def show_report(self, report: Report, sort: str, strict: bool) -> None:
        if self.form == Form.JSON:
            self.write_json(report.to_dict(sort))
        elif self.form == CheckForm.JUNIT:
            from bpx.check.report.junit import junit

            self.write(junit(report, strict, escaped=self.file is None and not _is_unicode(sys.stdout)))
        else:
            from bpx.check.report.blocks import report_blocks

            self.show(report_blocks(report, sort))

    def show(self, blocks: Sequence[Block]) -> None:
        self.refuse_spec()
        if self.form == Form.MARKDOWN:
            from bpx.render.markdown import markdown

            self.write(markdown(blocks))
        elif self.form == Form.PLAIN or _is_long(blocks):
            from bpx.render.plain import plain

            self.write(plain(blocks))
        else:
            self.write(_table_text(blocks, self.file))


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        _fail("unwritable", name=file, reason=(error.strerror or str(error)).lower())


def _is_long(blocks: Sequence[Block]) -> bool:
    from bpx.render.blocks import Table

    return any(isinstance(block, Table) and len(block.rows) > _MOST_ROWS for block in blocks)


def _table_text(blocks: Sequence[Block], file: str | None) -> str:
    """The table form, as wide and as colourful as standard output allows."""
    from rich.console import Console

    from bpx.render.table import renderables

    if os.environ.get("FORCE_COLOR") == "0":  # Rich takes any text for a yes
        del os.environ["FORCE_COLOR"]
    console = Console(no_color=True, force_terminal=False, width=80) if file else Console()
    console.width = max(console.width, _NARROWEST)
    with console.capture() as capture:
        for renderable in renderables(blocks):
            console.print(renderable)
    lines = (line.rstrip() for line in capture.get().split("\n"))
    return "\n".join(lines)


def _is_unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def _print(text: str, stream: Any) -> None:
    """Print; signs that the stream's encoding lacks are spelled in ASCII."""
    from bpx.words.say import in_encoding

    stream.write(in_encoding(text, getattr(stream, "encoding", None) or "utf-8"))
    stream.flush()


def _need_folder(file: str) -> None:
    """Fail before the work, not behind it, where a file could not be written for want of its folder."""
    if not Path(file).parent.is_dir():
        _fail("unwritable", name=file, reason=os.strerror(errno.ENOENT).lower())


def _fail(code: str, **facts: Any) -> NoReturn:
    from bpx.words.diagnostic import BpxError, Diagnostic

    raise BpxError([Diagnostic(code, None, facts)])


def _open_missing_streams() -> None:
    """A stream that was closed before the start is None to Python."""
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 — open to the end
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def main() -> None:
    """Run the command line; an uncaught exception is a bug of bpx's and must not look like a verdict."""
    gc.disable()  # a graph has no cycles to collect, and looking for them costs a fifth of a large run
    _open_missing_streams()
    try:
        app()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (OSError, MemoryError) as error:  # a full disk; a graph too large for this machine
        from bpx.words.say import say

        sys.stderr.write(say("out-of-room", reason=str(error) or type(error).__name__) + "\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNUSABLE)
    except Exception as error:
        if os.environ.get("BPX_TRACEBACK"):
            raise
        from bpx.words.say import say

        sys.stderr.write(say("bug", kind=type(error).__name__, reason=error) + "\n")
        sys.exit(BUG)
