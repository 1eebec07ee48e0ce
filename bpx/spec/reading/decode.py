"""Document → draft: every part of a TOML or JSON spec checked.

The walk collects what is wrong and goes on, so that everything is reported at once.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from bpx.graph.named.named_graph import Expect
from bpx.spec.reading.claims import numbers_in
from bpx.spec.reading.decode_inputs import InputReader
from bpx.spec.reading.decoder import FORMAT_VERSION, KEYS, Walker, is_finite_number
from bpx.spec.reading.locate import Places
from bpx.spec.reading.syntax import (
    OWN_VALUE,
    SPLIT,
    ClaimSyntax,
    Draft,
    DraftBlock,
    DraftOp,
    name_problem,
    parts_of,
)
from bpx.spec.text.parser import Code, Item, Text
from bpx.words.diagnostic import Diagnostic, Span


def draft_of_document(document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> Draft:
    """The draft of a spec read from TOML or JSON; what is wrong with it goes to `problems`."""
    return _Drafter(document, places, problems).draft()


class _Drafter(Walker):
    """Walks over a document; what is wrong goes to `problems`, and the walk goes on."""

    def __init__(self, document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> None:
        super().__init__(document, places, problems)
        self.result = Draft(places.source)

    def draft(self) -> Draft:
        if "graph" not in self.document and "kind" in self.document:
            span, kind = self.places.key("kind"), self.written("kind")
            self.problem("not-a-spec", span, "use-convert", kind=kind)
            return self.result
        self.check_keys(self.document, "top", ())
        self.check_version()
        self.result.title = self.take("title", str)
        self.result.output = self.take("output", str)
        self.result.output_span = self.places.value("output")
        for name, value in (self.take("ops", dict) or {}).items():
            self.check_name(name, "ops")
            self.result.ops[name] = self.op(name, value)
        for name, value in (self.take("blocks", dict) or {}).items():
            self.check_name(name, "blocks")
            self.result.blocks[name] = self.block(name, value)
        self.inputs()
        for key, value in (self.take("graph", dict) or {}).items():
            for name, code in self.named_steps(self.result.steps, value, "graph", key):
                self.check_name(name, "graph", key)
                self.result.steps[name] = code
                self.result.step_spans[name] = self.places.key("graph", key)
        if not self.result.steps:
            self.problem(
                "no-steps", self.places.key("graph") or Span(self.places.source, 0, 0), "steps-in-graph"
            )
        self.expect()
        for name, value in (self.take("claims", dict) or {}).items():
            self.result.claims += self.claim(name, value)
        return self.result

    def check_version(self) -> None:
        found = self.document.get("bpx")
        if "bpx" not in self.document:
            self.problem("missing-version", Span(self.places.source, 0, 0), "version")
        elif not isinstance(found, int | float):
            self.wrong_type("type.int", found, "bpx")
        elif found != FORMAT_VERSION or isinstance(found, bool):
            self.problem(
                "unsupported-version", self.places.value("bpx"), "version", found=self.written("bpx")
            )

    def check_name(self, name: str, table: str, key: str | None = None) -> None:
        span = self.places.key(table, name if key is None else key)
        code = name_problem(name) or ("shadows-op" if name in self.result.ops else None)
        if not code and table == "blocks" and _cannot_follow_a_dot(name):
            code = "bad-inner-name"
        if code or name in self.result.blocks:
            self.problem(code or "shadows-block", span, "rename", name=name)
        elif table == "graph" and name in self.result.inputs:
            self.problem("duplicate-name", span, "rename", name=name)

    def inputs(self) -> None:
        reader = InputReader(self.document, self.places, self.problems)
        for name, value in (self.take("tables", dict) or {}).items():
            reader.table(name, value)
        for name, value in (self.take("inputs", dict) or {}).items():
            self.check_name(name, "inputs")
            self.result.inputs[name] = reader.input(name, value)
        self.result.tables = {name: table for name, table in reader.tables.items() if table}
        self.result.warnings += reader.unused_tables()

    def named_steps(self, known: Container[str], value: Any, *path: str) -> Iterator[tuple[str, Code | None]]:
        """The steps of one line, each with its name: `"a, b" = "split(x, 2)"` has two."""
        key = path[-1]
        names = [name.strip() for name in key.split(",")]
        code = self.step(key, value, *path)
        for name in dict.fromkeys(names):
            if names.count(name) > 1 or name in known:
                self.problem("duplicate-key", self.places.key(*path), "rename", key=name)
                code = None
        if len(names) > 1 and code and code.items[-1].value != SPLIT:
            self.problem("several-names", self.places.key(*path), "split", names=key)
            code = None
        yield from zip(names, parts_of(code, names) if code else [None] * len(names), strict=True)

    def step(self, name: str, value: Any, *path: str) -> Code | None:
        if isinstance(value, dict):
            return self.written_out(name, value, *path)
        return self.expression(value, *path)

    def written_out(self, name: str, step: dict[str, Any], *path: str) -> Code | None:
        """`{ op = "sum", args = ["x"], axis = 0 }` as the code of a call."""
        op, args = step.get("op"), step.get("args", [])
        if not isinstance(op, str) or not op:
            dotted = bool(step) and all(isinstance(value, str) for value in step.values())
            key = next(iter(step), "")
            help = "quote-dotted" if dotted else "step-written-out"
            self.problem("step-without-op", self.places.key(*path), help, name=name, key=key)
            return None
        if not self.is_a(list, args, *path, "args"):
            return None
        items = [self.arg(arg, *path, "args", index) for index, arg in enumerate(args)]
        settings = {
            key: (value, *self.bounds(*path, key)) for key, value in step.items() if key not in ("op", "args")
        }
        if None in items:
            return None
        items.append(Item("apply", op, *self.bounds(*path, "op"), len(args), settings))
        whole = self.places.source
        return Code(Text(whole, whole.text), tuple(items))  # type: ignore[arg-type]

    def arg(self, arg: Any, *path: str | int) -> Item | None:
        if isinstance(arg, str) and arg:
            return Item("name", arg, *self.bounds(*path))
        if is_finite_number(arg):
            return Item("literal", float(arg), *self.bounds(*path))
        self.problem("bad-arg", self.places.value(*path), found=self.written(*path))
        return None

    def expect(self) -> None:
        table = self.take("expect", dict)
        if table is None:
            return
        self.check_keys(table, "expect", ("expect",))
        gradients = table.get("gradients", {})
        if not self.is_a(dict, gradients, "expect", "gradients"):
            gradients = {}
        for name, value in gradients.items():
            self.numbers(name, value, "expect", "gradients", name)
        if "value" in table:
            self.numbers("value", table["value"], "expect", "value")
        spans = {name: self.places.key("expect", "gradients", name) for name in gradients}
        spans["value"] = self.places.key("expect", "value")
        self.result.expect = Expect(table.get("value"), gradients, spans)

    def claim(self, name: str, value: Any) -> Iterator[ClaimSyntax]:
        """A formula in quotes, or numbers."""
        path = ("claims", name)
        key, place = self.places.key(*path), self.places.value(*path)
        span = Span(self.places.source, key.start, place.end) if key and place else None
        numbers = numbers_in(value) if isinstance(value, str) else value
        if numbers is None:
            code = self.expression(value, *path)
            if code:
                yield ClaimSyntax(name, code, None, span)
        elif self.numbers(name, numbers, *path) is not None:
            yield ClaimSyntax(name, None, numbers, span)

    def op(self, name: str, value: Any) -> DraftOp:
        path = ("ops", name)
        span = self.places.key(*path)
        if not self.is_a(dict, value, *path):
            return DraftOp(None, None, {}, span)
        self.check_keys(value, "op", path)
        for key in KEYS["op"]:
            if key not in value:
                self.problem("op-without", span, "op-form", name=name, key=key)
        args = self.args("op", name, value["args"], *path, "args") if "args" in value else None
        code = self.expression(value["value"], *path, "value") if "value" in value else None
        partials = self.partials(name, value["partials"], args) if "partials" in value else {}
        return DraftOp(args, code, partials, span)

    def args(self, kind: str, name: str, args: Any, *path: str) -> tuple[str, ...] | None:
        """The names of the args of an op or a block; None where one of them cannot be."""
        if not self.is_a(list, args, *path):
            return None
        if not args:
            self.problem("no-args", self.places.value(*path), f"{kind}-form", name=name)
        known: set[str] = set()
        fine = [self.one_arg(kind, name, arg, known, *path, index) for index, arg in enumerate(args)]
        return tuple(args) if fine and all(fine) else None

    def one_arg(self, kind: str, owner: str, arg: Any, known: set[str], *path: str | int) -> bool:
        name = arg if isinstance(arg, str) else self.written(*path)
        code = name_problem(arg) if isinstance(arg, str) else "bad-name"
        if not code and name in known:
            code = "repeated-arg"
        if not code and kind == "op" and name == OWN_VALUE:
            code = "arg-is-out"
        if not code and kind == "block":
            code = self.inner_name_problem(name)
        if code:
            self.problem(code, self.places.value(*path), "rename", op=owner, name=name)
        known.add(name)
        return code is None

    def partials(self, name: str, table: Any, args: tuple[str, ...] | None) -> dict[str, Code | None]:
        """The rule of an op, by arg; where the args are broken, what is there is only read."""
        path = ("ops", name, "partials")
        if not self.is_a(dict, table, *path):
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

    def block(self, name: str, value: Any) -> DraftBlock:
        path = ("blocks", name)
        made = DraftBlock(None, span=self.places.key(*path))
        if not self.is_a(dict, value, *path):
            return made
        self.check_keys(value, "block", path)
        if "args" not in value or ("value" in value) == ("graph" in value):
            self.problem("bad-block", made.span, "block-form", name=name)
        if "args" in value:
            made.args = self.args("block", name, value["args"], *path, "args")
        if "value" in value:
            made.steps[""] = self.expression(value["value"], *path, "value")
        elif "graph" in value and self.is_a(dict, value["graph"], *path, "graph"):
            self.block_steps(made, name, value["graph"])
            made.output = next(reversed(made.steps), "")
            if "output" in value:
                self.block_output(made, value["output"], *path)
        return made

    def block_steps(self, made: DraftBlock, block: str, graph: dict[str, Any]) -> None:
        path = ("blocks", block, "graph")
        if not graph:
            self.problem("no-steps-in-block", self.places.key(*path), "block-form", name=block)
        for key, value in graph.items():
            for name, step in self.named_steps(made.steps, value, *path, key):
                made.step_spans[name] = self.places.key(*path, key)
                code = name_problem(name) or self.inner_name_problem(name)
                if not code and made.args and name in made.args:
                    code = "step-and-arg"
                if code:
                    self.problem(code, made.step_spans[name], "rename", name=name)
                made.steps[name] = None if code else step

    def inner_name_problem(self, name: str) -> str | None:
        """What keeps a name that is one in itself from being used inside a block."""
        if _cannot_follow_a_dot(name):
            return "bad-inner-name"
        if name in self.result.ops:
            return "shadows-op"
        return "shadows-block" if name in self.document["blocks"] else None

    def block_output(self, made: DraftBlock, output: Any, *path: str) -> None:
        """The step that a block says it gives back, in place of the last one."""
        if not self.is_a(str, output, *path, "output"):
            return
        if output in made.steps:
            made.output = output
            return
        facts = {"name": output, "block": path[-1], "known": ", ".join(list(made.steps)[:40])}
        problem = Diagnostic("missing-block-output", self.places.value(*path, "output"), facts, "nodes-are")
        self.guessed(problem, output, made.steps)


def _cannot_follow_a_dot(name: str) -> bool:
    """Inside a block `h` the name becomes `h.name`; `h.T` would be a transpose."""
    return "." in name or name_problem(f"h.{name}") == "bad-name"
