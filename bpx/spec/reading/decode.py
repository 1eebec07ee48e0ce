"""Document → `SpecSyntax`: every part of a TOML or JSON spec checked.

What is wrong is collected, and decoding goes on, so that everything is reported at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from functools import cached_property
from typing import Any

from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import Expect
from bpx.spec.notations.read import read_formula as read_in_notation
from bpx.spec.notations.translation.known import Known
from bpx.spec.reading.claims import numbers_in, read_formula
from bpx.spec.reading.decode_inputs import InputDecoder
from bpx.spec.reading.decoder import FORMAT_VERSION, KEYS, Decoder, is_finite_number
from bpx.spec.reading.documents.locate import Places
from bpx.spec.reading.syntax import (
    OWN_VALUE,
    BlockSyntax,
    ClaimSyntax,
    OpSyntax,
    SpecSyntax,
    name_problem,
    rename_help,
    split_steps,
)
from bpx.spec.text.parser import parse
from bpx.spec.text.problems import MOST_READ, listed
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Call, Expression, Name, Node, Number, Setting
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.spelling import nearest


def decode(document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> SpecSyntax:
    """The syntax of a spec read from TOML or JSON; what is wrong with it goes to `problems`."""
    return _SpecDecoder(document, places, problems).decode()


class _SpecDecoder(Decoder):
    """Decodes a whole document, part by part."""

    def __init__(self, document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> None:
        super().__init__(document, places, problems)
        self.syntax = SpecSyntax(places.source)
        self.strange = 0  # steps that nothing is known to be written like

    def decode(self) -> SpecSyntax:
        if "graph" not in self.document and "kind" in self.document:
            span, kind = self.places.key("kind"), self.written("kind")
            self.problem("not-a-spec", span, "use-convert", kind=kind)
            return self.syntax
        self.check_keys(self.document, "top", ())
        self.take_misspelt_for_meant()
        self.check_version()
        self.syntax.title = self.take("title", str)
        self.syntax.output = self.take("output", str)
        self.syntax.output_span = self.places.value("output")
        for name, value in (self.take("ops", dict) or {}).items():
            self.check_name(name, "ops")
            self.syntax.ops[name] = self.op(name, value)
        for name, value in (self.take("blocks", dict) or {}).items():
            self.check_name(name, "blocks")
            self.syntax.blocks[name] = self.block(name, value)
        self.inputs()
        for key, value in (self.take("graph", dict) or {}).items():
            for name, step in self.named_steps(self.syntax.steps, value, "graph", key):
                self.check_name(name, "graph", key)
                self.syntax.steps[name] = step
                self.syntax.step_spans[name] = self.places.key("graph", key)
        if not self.syntax.steps:
            self.problem(
                "no-steps", self.places.key("graph") or Span(self.places.source, 0, 0), "steps-in-graph"
            )
        self.expect()
        for name, value in (self.take("claims", dict) or {}).items():
            self.syntax.claims += self.claim(name, value)
        return self.syntax

    def take_misspelt_for_meant(self) -> None:
        """Read a section such as `[input]` as the missing one that it is like: what it has is no mistake."""
        for key in [key for key in self.document if key not in KEYS["top"]]:
            meant = nearest(key, KEYS["top"]) if isinstance(self.document[key], dict) else None
            if meant and meant not in self.document:
                self.document = {**self.document, meant: self.document[key]}
                self.places = self.places.renamed(key, meant)

    def check_version(self) -> None:
        version = self.document.get("bpx")
        if "bpx" not in self.document:
            self.problem("missing-version", Span(self.places.source, 0, 0), "version")
        elif not isinstance(version, int | float):
            self.wrong_type("type.int", version, "bpx")
        elif version != FORMAT_VERSION or isinstance(version, bool):
            self.problem(
                "unsupported-version", self.places.value("bpx"), "version", found=self.written("bpx")
            )

    def check_name(self, name: str, table: str, key: str | None = None) -> None:
        span = self.places.key(table, name if key is None else key)
        code = name_problem(name)
        if not code and self.shadows_op(name, table):
            code = "shadows-op"
        if not code and table == "blocks" and _cannot_follow_a_dot(name):
            code = "bad-inner-name"
        if code or name in self.syntax.blocks:
            help, facts = rename_help(code or "shadows-block", name)
            self.problem(code or "shadows-block", span, help, **facts)
        elif table == "graph" and name in self.syntax.inputs:
            self.problem("duplicate-name", span, "rename", name=name)

    def shadows_op(self, name: str, table: str) -> bool:
        """Can `name` only mean an op? What is called must have a name of its own."""
        if table in ("ops", "blocks"):
            return name in OPS or (table == "blocks" and name in self.syntax.ops)
        return False

    def inputs(self) -> None:
        decoder = InputDecoder(self.document, self.places, self.problems)
        for name, value in (self.take("tables", dict) or {}).items():
            decoder.table(name, value)
        for name, value in (self.take("inputs", dict) or {}).items():
            self.check_name(name, "inputs")
            self.syntax.inputs[name] = decoder.input(name, value)
        self.syntax.tables = {name: table for name, table in decoder.tables.items() if table}
        self.syntax.warnings += decoder.unused_tables()

    def named_steps(
        self, known: Container[str], value: Any, *path: str
    ) -> Iterator[tuple[str, Expression | None]]:
        """The steps of one line, each with its name: `"a, b" = "split(x, 2)"` has two."""
        key = path[-1]
        names = [name.strip() for name in key.split(",")]
        step = self.step(key, value, *path)
        counts = Counter(names) if len(names) > 1 else {names[0]: 1}
        for name, times in counts.items():
            if times > 1 or name in known:
                self.problem("duplicate-key", self.places.key(*path), "rename", key=name)
                step = None
        if step is None:
            yield from ((name, None) for name in names)
        elif len(names) == 1:
            yield names[0], step
        elif (steps := split_steps(step, names)) is not None:
            yield from zip(names, steps, strict=True)
        else:
            self.problem("several-names", self.places.key(*path), "split", names=key)
            yield from ((name, None) for name in names)

    def step(self, name: str, value: Any, *path: str) -> Expression | None:
        if isinstance(value, dict):
            return self.written_out(name, value, *path)
        if not isinstance(value, str) or path[0] != "graph":
            return self.expression(value, *path)
        if len(self.problems) > MOST_READ:
            return None  # what was found is more than is shown
        if self.strange > MOST_READ:  # every one of them is a problem, of which so many are not shown
            expression, problems = parse(self.text(*path))
            self.problems += problems
            return expression
        reading = read_in_notation(self.text(*path), self.known)
        self.strange += reading.is_strange
        self.problems += reading.problems
        self.syntax.warnings += reading.notes
        return reading.expression

    @cached_property
    def known(self) -> Known:
        """The names that the formulas of steps may use, whatever may be wrong with what they name."""
        tables = [self.document.get(key) for key in ("inputs", "graph", "ops", "blocks")]
        inputs, steps, ops, blocks = (table if isinstance(table, dict) else {} for table in tables)
        names = (name.strip() for key in (*inputs, *steps) for name in key.split(","))
        shapes = {
            name: input.value.shape for name, input in self.syntax.inputs.items() if input.value is not None
        }
        return Known({**dict.fromkeys(names), **shapes}, (*ops, *blocks))

    def written_out(self, name: str, step: dict[str, Any], *path: str) -> Expression | None:
        """`{ op = "sum", args = ["x"], axis = 0 }` as a call."""
        op, args = step.get("op"), step.get("args", [])
        if not isinstance(op, str) or not op:
            dotted = bool(step) and all(isinstance(value, str) for value in step.values())
            key = next(iter(step), "")
            help = "quote-dotted" if dotted else "step-written-out"
            self.problem("step-without-op", self.places.key(*path), help, name=name, key=key)
            return None
        if not self.has_type(list, args, *path, "args"):
            return None
        operands = [self.operand(arg, *path, "args", index) for index, arg in enumerate(args)]
        settings = tuple(
            Setting(key, value, *self.bounds(*path, key))
            for key, value in step.items()
            if key not in ("op", "args")
        )
        known = tuple(operand for operand in operands if operand)
        if len(known) < len(operands):
            return None
        whole = self.places.source
        call = Call(op, known, settings, *self.bounds(*path, "op"))
        return Expression(SourceText(whole, whole.text), call)

    def operand(self, arg: Any, *path: str | int) -> Node | None:
        if isinstance(arg, str) and arg:
            return Name(arg, *self.bounds(*path))
        if is_finite_number(arg):
            return Number(float(arg), *self.bounds(*path))
        self.problem("bad-arg", self.places.value(*path), found=self.written(*path))
        return None

    def expect(self) -> None:
        table = self.take("expect", dict)
        if table is None:
            return
        self.check_keys(table, "expect", ("expect",))
        gradients = table.get("gradients", {})
        if not self.has_type(dict, gradients, "expect", "gradients"):
            gradients = {}
        for name, value in gradients.items():
            self.numbers(name, value, "expect", "gradients", name)
        if "value" in table:
            self.numbers("value", table["value"], "expect", "value")
        spans = {name: self.places.key("expect", "gradients", name) for name in gradients}
        spans["value"] = self.places.key("expect", "value")
        self.syntax.expect = Expect(table.get("value"), gradients, spans)

    def claim(self, name: str, value: Any) -> Iterator[ClaimSyntax]:
        """A formula in quotes, or numbers."""
        path = ("claims", name)
        key, place = self.places.key(*path), self.places.value(*path)
        span = Span(self.places.source, key.start, place.end) if key and place else None
        numbers = numbers_in(value) if isinstance(value, str) else value
        if numbers is None:
            expression = self.formula(value, *path)
            if expression:
                yield ClaimSyntax(name, expression, None, span)
        elif self.numbers(name, numbers, *path) is not None:
            yield ClaimSyntax(name, None, numbers, span)

    def formula(self, value: Any, *path: str) -> Expression | None:
        if not isinstance(value, str):
            return self.expression(value, *path)  # which reports it
        expression, problems = read_formula(self.text(*path))
        self.problems += problems
        return expression

    def op(self, name: str, value: Any) -> OpSyntax:
        path = ("ops", name)
        span = self.places.key(*path)
        if not self.has_type(dict, value, *path):
            return OpSyntax(None, None, {}, span)
        self.check_keys(value, "op", path)
        for key in KEYS["op"]:
            if key not in value:
                self.problem("op-without", span, "op-form", name=name, key=key)
        args = self.args("op", name, value["args"], *path, "args") if "args" in value else None
        expression = self.expression(value["value"], *path, "value") if "value" in value else None
        partials = self.partials(name, value["partials"], args) if "partials" in value else {}
        return OpSyntax(args, expression, partials, span)

    def args(self, kind: str, name: str, args: Any, *path: str) -> tuple[str, ...] | None:
        """The names of the args of an op or a block; None where one of them cannot be."""
        if not self.has_type(list, args, *path):
            return None
        if not args:
            self.problem("no-args", self.places.value(*path), f"{kind}-form", name=name)
        known: set[str] = set()
        fine = [self.is_arg(kind, name, arg, known, *path, index) for index, arg in enumerate(args)]
        return tuple(args) if fine and all(fine) else None

    def is_arg(self, kind: str, owner: str, arg: Any, known: set[str], *path: str | int) -> bool:
        """Can an op or a block have this arg beside the `known` ones, to which it is added?"""
        name = arg if isinstance(arg, str) else self.written(*path)
        code = name_problem(arg) if isinstance(arg, str) else "bad-name"
        if not code and name in known:
            code = "repeated-arg"
        if not code and kind == "op" and name == OWN_VALUE:
            code = "arg-is-out"
        if not code and kind == "block":
            code = self.inner_name_problem(name)
        if code:
            help, facts = rename_help(code, name)
            self.problem(code, self.places.value(*path), help, op=owner, **facts)
        known.add(name)
        return code is None

    def partials(self, name: str, table: Any, args: tuple[str, ...] | None) -> dict[str, Expression | None]:
        """The rule of an op, by arg; where the args are broken, what is there is only read."""
        path = ("ops", name, "partials")
        if not self.has_type(dict, table, *path):
            return {}
        for arg in args or ():
            if arg not in table:
                self.problem("missing-partial", self.places.key(*path), None, op=name, arg=arg)
        for arg in table:
            if args and arg not in args:
                problem = Diagnostic("unknown-partial", self.places.key(*path, arg), {"op": name, "arg": arg})
                self.problems.append(problem.suggesting(arg, args))
        return {arg: self.expression(value, *path, arg) for arg, value in table.items()}

    # --- blocks ---

    def block(self, name: str, value: Any) -> BlockSyntax:
        path = ("blocks", name)
        block = BlockSyntax(None, span=self.places.key(*path))
        if not self.has_type(dict, value, *path):
            return block
        self.check_keys(value, "block", path)
        if "args" not in value or ("value" in value) == ("graph" in value):
            self.problem("bad-block", block.span, "block-form", name=name)
        if "args" in value:
            block.args = self.args("block", name, value["args"], *path, "args")
        if "value" in value:
            block.steps[""] = self.expression(value["value"], *path, "value")
        elif "graph" in value and self.has_type(dict, value["graph"], *path, "graph"):
            self.block_steps(block, name, value["graph"])
            block.output = next(reversed(block.steps), "")
            if "output" in value:
                self.block_output(block, value["output"], *path)
        return block

    def block_steps(self, block: BlockSyntax, name: str, graph: dict[str, Any]) -> None:
        path = ("blocks", name, "graph")
        if not graph:
            self.problem("no-steps-in-block", self.places.key(*path), "block-form", name=name)
        for key, value in graph.items():
            for step, expression in self.named_steps(block.steps, value, *path, key):
                block.step_spans[step] = self.places.key(*path, key)
                code = name_problem(step) or self.inner_name_problem(step)
                if not code and block.args and step in block.args:
                    code = "step-and-arg"
                if code:
                    help, facts = rename_help(code, step)
                    self.problem(code, block.step_spans[step], help, **facts)
                block.steps[step] = None if code else expression

    def inner_name_problem(self, name: str) -> str | None:
        """What keeps a name that is one in itself from being used inside a block."""
        if _cannot_follow_a_dot(name):
            return "bad-inner-name"
        return "shadows-block" if name in self.document["blocks"] else None

    def block_output(self, block: BlockSyntax, output: Any, *path: str) -> None:
        """The step that a block says it gives back, in place of the last one."""
        if not self.has_type(str, output, *path, "output"):
            return
        if output in block.steps:
            block.output = output
            return
        facts = {"name": output, "block": path[-1], "known": listed(block.steps)}
        problem = Diagnostic("missing-block-output", self.places.value(*path, "output"), facts, "nodes-are")
        self.problem_with_guess(problem, output, block.steps)


def _cannot_follow_a_dot(name: str) -> bool:
    """Inside a block `h` the name becomes `h.name`; `h.T` would be a transpose."""
    return "." in name or name_problem(f"h.{name}") == "bad-name"
