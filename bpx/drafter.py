"""Document → draft: every part of a TOML or JSON spec checked.

The walk collects what is wrong and goes on, so that everything is reported at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bpx.claims import Claim, numbers_in
from bpx.diagnostic import Diagnostic, Span
from bpx.document import type_key
from bpx.draft import OWN_VALUE, Draft, DraftInput, DraftOp, Expect, name_problem
from bpx.graph import MOST_AXES, Array
from bpx.locate import Places, decoded, quote_width
from bpx.parser import Code, Item, Text, parse, shortened
from bpx.words import say

FORMAT_VERSION = 1
ROLES = ("data", "parameter", "target", "constant")
KEYS = {
    "top": ("bpx", "title", "output", "inputs", "graph", "expect", "claims", "ops"),
    "input": ("value", "role", "range"),
    "expect": ("value", "gradients"),
    "op": ("args", "value", "partials"),
}


def draft_of_document(document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> Draft:
    """The draft of a spec read from TOML or JSON; what is wrong with it goes to `problems`."""
    return _Drafter(document, places, problems).draft()


class _Drafter:
    """Walks over a document; what is wrong goes to `problems`, and the walk goes on."""

    def __init__(self, document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> None:
        self.document, self.places, self.problems = document, places, problems
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
        for name, value in (self.take("inputs", dict) or {}).items():
            self.check_name(name, "inputs")
            self.result.inputs[name] = self.input(name, value)
        for name, value in (self.take("graph", dict) or {}).items():
            self.check_name(name, "graph")
            self.result.steps[name] = self.step(name, value)
            self.result.step_spans[name] = self.places.key("graph", name)
        if not self.result.steps:
            self.problem(
                "no-steps", self.places.key("graph") or Span(self.places.source, 0, 0), "steps-in-graph"
            )
        self.expect()
        for name, value in (self.take("claims", dict) or {}).items():
            self.result.claims += self.claim(name, value)
        return self.result

    def problem(self, code: str, span: Span | None, help: str | None = None, **facts: Any) -> None:
        self.problems.append(Diagnostic(code, span, facts, help))

    def check_keys(self, table: Mapping[str, Any], where: str, path: tuple[str, ...]) -> None:
        known = KEYS[where]
        for key in table:
            if key not in known:
                facts = {"key": key, "where": say(f"where.{where}"), "known": ", ".join(known)}
                problem = Diagnostic("unknown-key", self.places.key(*path, key), facts, "known-keys")
                self.problems.append(problem.suggesting(key, known))

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

    def take(self, key: str, kind: type) -> Any:
        if key not in self.document:
            return None
        value = self.document[key]
        return value if self.is_a(kind, value, key) else None

    def is_a(self, kind: type, value: Any, *path: str) -> bool:
        if isinstance(value, kind):
            return True
        self.wrong_type(f"type.{kind.__name__}", value, *path)
        return False

    def wrong_type(self, wanted: str, value: Any, *path: str) -> None:
        facts = {"key": path[-1], "wanted": say(wanted), "found": say(type_key(value))}
        self.problem("wrong-type", self.places.value(*path), **facts)

    def check_name(self, name: str, table: str) -> None:
        span = self.places.key(table, name)
        code = name_problem(name)
        if code or name in self.result.ops:
            self.problem(code or "shadows-op", span, "rename", name=name)
        elif table == "graph" and name in self.result.inputs:
            self.problem("duplicate-name", span, "rename", name=name)

    def input(self, name: str, value: Any) -> DraftInput:
        made = DraftInput(None, span=self.places.key("inputs", name))
        if not isinstance(value, dict):
            made.value = self.numbers(name, value, "inputs", name)
            return made
        self.check_keys(value, "input", ("inputs", name))
        made.role = self.role(name, value.get("role", made.role))
        if "range" in value:
            made.range = self.range(name, value["range"])
            made.range_span = self.places.value("inputs", name, "range")
        if "value" in value:  # else it may be given from outside
            made.value = self.numbers(name, value["value"], "inputs", name, "value")
        return made

    def range(self, name: str, value: Any) -> tuple[float, float] | None:
        """Two finite numbers, the lower one first."""
        numbers = value if isinstance(value, list) else []
        if len(numbers) == 2 and all(map(_is_finite_number, numbers)) and numbers[0] < numbers[1]:
            return float(numbers[0]), float(numbers[1])
        self.problem("bad-range", self.places.value("inputs", name, "range"), "range", name=name)
        return None

    def role(self, name: str, role: Any) -> str:
        if isinstance(role, str) and role in ROLES:
            return role
        facts = {"role": self.written("inputs", name, "role"), "known": ", ".join(ROLES)}
        problem = Diagnostic("unknown-role", self.places.value("inputs", name, "role"), facts, "roles")
        self.problems.append(problem.suggesting(role if isinstance(role, str) else "", ROLES))
        return "data"

    def numbers(self, name: str, value: Any, *path: str) -> Array | None:
        """A number or a nest of lists of numbers as an array; None where it is not one."""
        fine = True
        for leaf, at in _leaves(value):
            if isinstance(leaf, bool) or not isinstance(leaf, int | float):
                found = self.written(*path, *at) if not isinstance(leaf, dict) else say("type.dict")
                unquote = isinstance(leaf, str) and leaf.strip().startswith((*"-+.[0123456789",))
                span = self.places.value(*path, *at)
                self.problem("not-a-number", span, "unquote" if unquote else None, name=name, found=found)
                fine = False
            elif not _finite(leaf):
                self.problem(
                    "not-finite-input",
                    self.places.value(*path, *at),
                    name=name,
                    found=self.written(*path, *at),
                )
                fine = False
        if not fine:
            return None
        try:
            array = np.array(value, dtype=np.float64)
        except ValueError:
            self.problem("ragged", self.places.value(*path), name=name)
            return None
        if array.ndim > MOST_AXES:
            self.problem("too-deep", self.places.value(*path), name=name)
            return None
        if not array.size:
            self.problem("empty-array", self.places.value(*path), name=name)
            return None
        array.setflags(write=False)
        return array

    def written(self, *path: str | int) -> str:
        """A value as it stands in the text, without quotes, cut short where it is long."""
        span = self.places.value(*path)
        return shortened(span.text.strip("\"'")) if span else ""

    def step(self, name: str, value: Any) -> Code | None:
        if isinstance(value, dict):
            return self.written_out(name, value)
        return self.expression(value, "graph", name)

    def expression(self, value: Any, *path: str) -> Code | None:
        if not isinstance(value, str):
            self.wrong_type("type.expression", value, *path)
            return None
        code, problems = parse(self.text(*path))
        self.problems += problems
        return code

    def text(self, *path: str) -> Text:
        """The expression at `path`, with the offset of each of its characters."""
        span = self.places.value(*path)
        assert span
        source = span.source.text
        characters = decoded(source, span.start, span.end)
        content = "".join(char for char, _ in characters)
        end = span.end - quote_width(source, span.start, span.end)
        return Text(span.source, content, [*(at for _, at in characters), end])

    def written_out(self, name: str, step: dict[str, Any]) -> Code | None:
        """`{ op = "sum", args = ["x"], axis = 0 }` as the code of a call."""
        op, args, path = step.get("op"), step.get("args", []), ("graph", name)
        if not isinstance(op, str) or not op:
            self.problem("step-without-op", self.places.key(*path), "step-written-out", name=name)
            return None
        if not self.is_a(list, args, *path, "args"):
            return None
        items = [self.arg(arg, *path, index) for index, arg in enumerate(args)]
        settings = {
            key: (value, *self.bounds(*path, key)) for key, value in step.items() if key not in ("op", "args")
        }
        if None in items:
            return None
        items.append(Item("apply", op, *self.bounds(*path, "op"), len(args), settings))
        whole = self.places.source
        return Code(Text(whole, whole.text), tuple(items))  # type: ignore[arg-type]

    def arg(self, arg: Any, table: str, name: str, index: int) -> Item | None:
        path = (table, name, "args", index)
        if isinstance(arg, str) and arg:
            return Item("name", arg, *self.bounds(*path))
        if _is_finite_number(arg):
            return Item("literal", float(arg), *self.bounds(*path))
        self.problem("bad-arg", self.places.value(*path), found=self.written(*path))
        return None

    def bounds(self, *path: str | int) -> tuple[int, int]:
        """Start and end of a value; of the inside of a quoted one."""
        span = self.places.value(*path)
        assert span
        quoted = span.text[:1] in ("'", '"')
        return span.start + quoted, span.end - quoted

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

    def claim(self, name: str, value: Any) -> Iterator[Claim]:
        """A formula in quotes, or numbers."""
        path = ("claims", name)
        key, place = self.places.key(*path), self.places.value(*path)
        span = Span(self.places.source, key.start, place.end) if key and place else None
        numbers = numbers_in(value) if isinstance(value, str) else value
        if numbers is None:
            code = self.expression(value, *path)
            if code:
                yield Claim(name, code, None, span)
        elif self.numbers(name, numbers, *path) is not None:
            yield Claim(name, None, numbers, span)

    def op(self, name: str, value: Any) -> DraftOp:
        path = ("ops", name)
        span = self.places.key(*path)
        if not self.is_a(dict, value, *path):
            return DraftOp(None, None, {}, span)
        self.check_keys(value, "op", path)
        for key in KEYS["op"]:
            if key not in value:
                self.problem("op-without", span, "op-form", name=name, key=key)
        args = self.op_args(name, value["args"]) if "args" in value else None
        code = self.expression(value["value"], *path, "value") if "value" in value else None
        partials = self.partials(name, value["partials"], args) if "partials" in value else {}
        return DraftOp(args, code, partials, span)

    def op_args(self, name: str, args: Any) -> tuple[str, ...] | None:
        """The names of an op's args; None where one of them cannot be."""
        path = ("ops", name, "args")
        if not self.is_a(list, args, *path):
            return None
        if not args:
            self.problem("no-args", self.places.value(*path), "op-form", name=name)
        fine = [self.op_arg(args, *path, index) for index in range(len(args))]
        return tuple(args) if fine and all(fine) else None

    def op_arg(self, args: list[Any], table: str, name: str, key: str, index: int) -> bool:
        path, arg = (table, name, key, index), args[index]
        facts = {"op": name, "name": arg if isinstance(arg, str) else self.written(*path)}
        code = name_problem(arg) if isinstance(arg, str) else "bad-name"
        if not code and arg in args[:index]:
            code = "repeated-arg"
        if not code and arg == OWN_VALUE:
            code = "arg-is-out"
        if code:
            self.problem(code, self.places.value(*path), "rename", **facts)
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


def _leaves(value: Any) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """The innermost values of a nest of lists, each with its indices."""
    waiting: list[tuple[Any, tuple[int, ...]]] = [(value, ())]
    while waiting:
        one, at = waiting.pop()
        if isinstance(one, list):
            waiting += [(inner, (*at, i)) for i, inner in reversed(list(enumerate(one)))]
        else:
            yield one, at


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond float64
        return False
