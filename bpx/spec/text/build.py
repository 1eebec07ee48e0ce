"""Code → nodes: runs the code of a parsed expression against a graph, literally.

Every new node remembers the span of the text it came from. Also: the order in which named parts that
use one another are to be built.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.numbers import CONSTANTS, shape_text
from bpx.ops.tensors import SettingError
from bpx.spec.text.parser import OTHER_PART, Code, Item, call_meant, shortened
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.say import say


@dataclass(eq=False, repr=False)
class _Value:
    """What the machine's stack holds: a node, or a literal not yet made one; None where broken."""

    expr: Expr | None
    start: int
    end: int
    literal: Any = None


Reporter = Callable[[Diagnostic], None]

MOST_WITH_CARE = 50  # problems that get a guess, or a cycle written out; more would take for ever
_PART = "part"  # of what is split: given by the names in front, and missed where they are
_MOST_NAMED = 40  # names in a sentence


def in_order(
    names: Iterable[str],
    uses: Callable[[str], Iterable[str]],
    break_cycle: Callable[[str, Iterable[str], str], None],
) -> list[str]:
    """The names, each after those it uses, otherwise as they come.

    `break_cycle(name, way, used)` is told where `name`, the last on the way, uses one that stands on the
    way already; it must see to it that `name` is not built.
    """
    order: list[str] = []
    on_the_way: dict[str, Iterator[str]] = {}  # name → those it uses that are still to be looked at
    done: set[str] = set()
    for root in names:
        if root not in done:
            on_the_way[root] = iter(uses(root))
        while on_the_way:
            name, rest = next(reversed(on_the_way.items()))
            used = next(rest, None)
            if used is None:
                done.add(name)
                order.append(name)
                del on_the_way[name]
            elif used in on_the_way:
                break_cycle(name, on_the_way, used)
            elif used not in done:
                on_the_way[used] = iter(uses(used))
    return order


def cycle_of(way: Iterable[str], used: str) -> list[str]:
    """The circle that closes where the last uses an earlier one, `a, b, a`; of a long one the ends."""
    passed = list(way)
    cycle = [*passed[passed.index(used) :], used]
    return cycle if len(cycle) <= 8 else [*cycle[:4], "…", *cycle[-3:]]


def reporter(problems: list[Diagnostic], known: Sequence[str]) -> Reporter:
    """Collects in `problems`; where a name is not defined, the most alike of the known ones is proposed."""

    def report(problem: Diagnostic) -> None:
        if problem.code == "unknown-name" and len(problems) < MOST_WITH_CARE:
            facts = {**problem.facts, "known": ", ".join(known[:_MOST_NAMED])}
            problem = problem._replace(facts=facts, help="names-are").suggesting(facts["name"], known)
        problems.append(problem)

    return report


def build(
    code: Code,
    graph: Graph,
    names: Mapping[str, Expr | None],
    report: Reporter,
    origins: dict[int, Span] | None = None,
    *,
    ops: Mapping[str, Op | None] | None = None,
    elementwise: bool = False,
) -> Expr | None:
    """Append the nodes of `code` to `graph`, literally; None where something was reported.

    `names` gives the node behind each name, `ops` the ops there are beside those of the table; None in
    either means that it is broken and was reported already. `origins` collects the span each new node
    came from. With `elementwise` other ops, and lists, are refused.
    """
    origins = origins if origins is not None else {}
    return _Builder(code, graph, names, report, origins, ops or {}, elementwise).run()


class _Builder:
    def __init__(
        self,
        code: Code,
        graph: Graph,
        names: Mapping[str, Expr | None],
        report: Reporter,
        origins: dict[int, Span],
        ops: Mapping[str, Op | None],
        elementwise: bool,
    ) -> None:
        self.code, self.graph, self.names, self.ops = code, graph, names, ops
        self.report, self.origins, self.elementwise = report, origins, elementwise
        self.stack: list[_Value] = []

    def run(self) -> Expr | None:
        for item in self.code.items:
            if item.kind == "literal":
                self.stack.append(_Value(None, item.start, item.end, item.value))
            elif item.kind == "name":
                self.stack.append(_Value(self.named(item), item.start, item.end))
            elif not item.value:
                self.stack[-1].start, self.stack[-1].end = item.start, item.end
            else:
                self.apply(item)
        return self.expr(self.stack.pop())

    def span(self, start: int, end: int) -> Span:
        return self.code.text.span(start, end)

    def named(self, item: Item) -> Expr | None:
        name = item.value
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return self.graph.constant(CONSTANTS[name])
        span = self.span(item.start, item.end)
        if name in OPS:
            facts = {"name": name, "call": call_meant(self.code.text.content, item)}
            self.report(Diagnostic("op-without-brackets", span, facts, "op-without-brackets"))
        elif name in self.ops:
            op = self.ops[name]
            facts = {"name": name, "call": f"{name}({', '.join(op.args) if op else '…'})"}
            self.report(Diagnostic("op-without-brackets", span, facts, "op-without-brackets"))
        else:
            self.report(Diagnostic("unknown-name", span, {"name": name}))
        return None

    def expr(self, value: _Value) -> Expr | None:
        """The node of a value; a literal becomes a constant now that it is used as one."""
        if value.literal is None:
            return value.expr
        if isinstance(value.literal, str):
            span = self.span(value.start, value.end)
            self.report(Diagnostic("text-as-value", span, {"text": shortened(value.literal)}))
            return None
        if self.elementwise and isinstance(value.literal, list):
            self.report(Diagnostic("list-in-op", self.span(value.start, value.end)))
            return None
        try:
            return self.graph.constant(value.literal)
        except ValueError:
            self.report(
                Diagnostic(
                    "ragged",
                    self.span(value.start, value.end),
                    {"name": self.span(value.start, value.end).text},
                )
            )
            return None

    def apply(self, item: Item) -> None:
        values = self.stack[len(self.stack) - item.argc :] if item.argc else []
        del self.stack[len(self.stack) - item.argc :]
        start = min([item.start, *(value.start for value in values)])
        end = max([item.end, *(value.end for value in values)])
        self.stack.append(_Value(self.applied(item, values, self.span(start, end)), start, end))

    def applied(self, item: Item, values: Sequence[_Value], span: Span) -> Expr | None:
        if item.value == OTHER_PART:
            return self.other_part(item, values[0].expr, span)
        if item.value not in self.ops and item.value not in OPS:
            self.unknown_op(item, values)
            return None
        op = self.ops[item.value] if item.value in self.ops else OPS[item.value]
        if op and self.elementwise and not op.elementwise:
            self.report(Diagnostic("not-elementwise", span, {"op": op.name}))
            return None
        return self.node(op, item, values, span) if op else None

    def other_part(self, item: Item, first: Expr | None, span: Span) -> Expr | None:
        """The split that `first` is a part of, with another part taken."""
        if first is None:
            return None
        settings = {**self.graph.settings[first.id], "part": item.settings["part"][0]}
        expr = self.graph.add(first.op, *first.args, **settings)
        self.origins[expr.id] = span
        return expr

    def unknown_op(self, item: Item, values: Sequence[_Value]) -> None:
        span = self.span(item.start, item.start + len(item.value))
        facts = {"name": item.value}
        content = self.code.text.content
        called = content[item.start + len(item.value) :].lstrip().startswith("(")
        if called and (item.value in self.names or item.value in CONSTANTS):
            inner = shortened(content[item.start + len(item.value) : item.end])
            facts |= {"left": item.value, "right": inner}
            self.report(Diagnostic("implicit-product", span, facts, "implicit-product"))
        else:
            problem = Diagnostic("unknown-op", span, facts, "list-ops")
            self.report(problem.suggesting(item.value, [*self.ops, *OPS]))

    def node(self, op: Op, item: Item, values: Sequence[_Value], span: Span) -> Expr | None:
        settings = {name: value for name, (value, _, _) in item.settings.items()}
        values = self.positional_settings(op, values, settings)
        fits = self.settings_known(op, item) and self.arity_fits(op, item, values)
        if not fits or not self.named_args_fit(op, item, values):
            return None
        given, values = values, self.with_optional(op, item, values, settings)
        args = [self.expr(value) for value in values]
        if None in args:
            return None
        try:
            expr = self.graph.add(op, *args, **_whole(settings))  # type: ignore[arg-type]
        except ShapeError as error:
            texts = [shortened(self.span(value.start, value.end).text) for value in given]
            self.report(shape_problem(error, span, texts))
        except (TypeError, ValueError) as error:
            self.report(setting_problem(error, op, settings, span))
        else:
            self.origins[expr.id] = span
            return expr
        return None

    def positional_settings(
        self, op: Op, values: Sequence[_Value], settings: dict[str, Any]
    ) -> Sequence[_Value]:
        """Literals behind the args fill the op's settings in order, as in `reshape(x, [2, 3])`.

        A text is never an arg, and may stand before them too, as in `einsum('ij,jk->ik', a, b)`.
        """
        values = sorted(values, key=lambda value: isinstance(value.literal, str))
        if op.variadic:
            return values
        free = [name for name in op.settings if name not in settings]
        extra = values[len(op.args) :]
        if len(extra) > len(free) or any(value.literal is None for value in extra):
            return values
        settings.update(zip(free, (value.literal for value in extra), strict=False))
        return values[: len(op.args)]

    def with_optional(
        self, op: Op, item: Item, values: Sequence[_Value], settings: dict[str, Any]
    ) -> Sequence[_Value]:
        """The args with those behind them that are left out or, as in `leaky_relu(x, slope=0.1)`, named.

        Named ones stand among the settings, and are taken out of these.
        """
        more = []
        for name in op.args[len(values) :]:
            literal, start, end = item.settings.get(name, (op.optional[name], item.start, item.end))
            more.append(_Value(None, start, end, literal))
            settings.pop(name, None)
        return [*values, *more]

    def named_args_fit(self, op: Op, item: Item, values: Sequence[_Value]) -> bool:
        fit = True
        for name in op.optional.keys() & item.settings:
            literal, start, end = item.settings[name]
            span = self.span(start, end)
            if name in op.args[: len(values)]:
                self.report(Diagnostic("repeated-arg-of-op", span, {"op": op.name, "arg": name}))
                fit = False
            elif not _is_numeric(literal):
                found = shortened(span.text.rpartition("=")[2].strip())
                self.report(Diagnostic("bad-arg", span, {"found": found}))
                fit = False
        return fit

    def settings_known(self, op: Op, item: Item) -> bool:
        known = [*op.optional, *op.settings]
        unknown = {name: place for name, (_, *place) in item.settings.items() if name not in known}
        for name, place in unknown.items():
            facts = {"op": op.name, "setting": name, "known": ", ".join(known)}
            help = "settings-of" if known else None
            problem = Diagnostic("unknown-setting", self.span(*place), facts, help)
            self.report(problem.suggesting(name, known))
        return not unknown

    def arity_fits(self, op: Op, item: Item, values: Sequence[_Value]) -> bool:
        fewest, most = len(op.args) - len(op.defaults), len(op.args)
        if fewest <= len(values) and (op.variadic or len(values) <= most):
            return True
        wanted = most if fewest == most else say("word.from-to", low=fewest, high=most)
        wanted = say("word.or-more", low=fewest) if op.variadic else wanted
        facts = {"op": op.name, "wanted": wanted, "found": len(values), "call": _call_form(op)}
        self.report(Diagnostic("wrong-arity", self.span(item.start, item.end), facts, "call-form"))
        return False


def _call_form(op: Op) -> str:
    """How the op is called: `leaky_relu(x, slope=0.01)`, `sum(x, axis=…, keepdims=…)`."""
    more = ["…"] if op.variadic else []
    return f"{op.name}({', '.join((*op.arg_forms, *more, *(f'{name}=…' for name in op.settings)))})"


def _is_numeric(literal: Any) -> bool:
    """Is it a finite number, or a nest of lists of such?"""
    if isinstance(literal, list):
        return all(map(_is_numeric, literal))
    number = isinstance(literal, int | float) and not isinstance(literal, bool)
    return number and abs(literal) <= sys.float_info.max


def _whole(settings: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers, which the text has as floats, as ints."""

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(one) for one in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return {name: whole(value) for name, value in settings.items()}


def setting_problem(error: Exception, op: Op, settings: Mapping[str, Any], span: Span) -> Diagnostic:
    """The diagnostic for settings that do not fit, or one that is missing and without which nothing goes."""
    call = {"op": op.name, "call": _call_form(op)}
    for name in op.sample_settings:
        if op.settings[name] is None and settings.get(name) is None and name != _PART:
            return Diagnostic("missing-setting", span, {**call, "setting": name}, "call-form")
    if not isinstance(error, SettingError):
        return Diagnostic("bad-settings", span, call)
    facts = {key: shape_text(one) if isinstance(one, tuple) else one for key, one in error.facts.items()}
    return Diagnostic(error.code, span, {"op": op.name, **facts}, error.help)


def shape_problem(error: ShapeError, span: Span, texts: Sequence[str]) -> Diagnostic:
    """The diagnostic for args whose shapes do not fit; `texts` are the args as written."""
    shapes = list(map(shape_text, error.shapes))
    inmost = error
    while inmost.inside:
        inmost = inmost.inside
    if inmost.is_too_large:
        return Diagnostic("too-large", span, {"op": error.op, "reason": inmost.reason})
    args = [say("word.shape-of", arg=arg, shape=shape) for arg, shape in zip(texts, shapes, strict=False)]
    facts: dict[str, Any] = {"op": error.op, "args": say("word.and").join(args)}
    if error.reason.startswith("shape-"):
        return Diagnostic("shape-mismatch", span, facts, error.reason)
    if error.op != "matmul":
        return Diagnostic("shape-mismatch", span, facts, "shape-elementwise")
    if error.reason == "scalar":
        return Diagnostic("shape-mismatch", span, facts, "shape-scalar")
    (*_, columns), (*_, rows) = error.shapes[0], error.shapes[1][-2:-1] or error.shapes[1]
    facts |= {"left": texts[0], "right": texts[1], "columns": columns, "rows": rows}
    plain = all(len(shape) == 2 for shape in error.shapes)
    return Diagnostic("shape-mismatch", span, facts, "shape-matmul" if plain else "shape-vectors")
