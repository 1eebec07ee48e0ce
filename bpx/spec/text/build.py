"""Tree → nodes of a graph, literally as written; every node remembers the span of the text it came from."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.numbers import CONSTANTS, shape_text
from bpx.ops.elementwise.arithmetic import GRADIENT
from bpx.spec.text.problems import Reporter, call_form, call_meant, setting_problem, shape_problem
from bpx.spec.text.source_text import shortened
from bpx.spec.text.syntax_tree import Call, Expression, Literal, Name, Node, Setting, SplitPart, fold
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.say import say


@dataclass(eq=False, repr=False)
class _Operand:
    """A node of the graph, or a literal that none was made of yet; both None where broken.

    `start … end` are the characters it stands for, with the brackets around it.
    """

    expr: Expr | None
    start: int
    end: int
    literal: Any = None


def build(
    expression: Expression,
    graph: Graph,
    names: Mapping[str, Expr | None],
    report: Reporter,
    origins: dict[int, Span] | None = None,
    *,
    ops: Mapping[str, Op | None] | None = None,
    elementwise: bool = False,
) -> Expr | None:
    """Append the nodes of `expression` to `graph`, literally; None where something was reported.

    `names` gives the node behind each name, `ops` the ops there are beside those of the table; None in
    either means that it is broken and was reported already. `origins` collects the span each new node
    came from. With `elementwise` other ops, and lists, are refused.
    """
    origins = origins if origins is not None else {}
    builder = _Builder(expression, graph, names, report, origins, ops or {}, elementwise)
    return builder.expr(fold(expression.root, builder.operand))


_OPENS = re.compile(r"\s*+\(")
_MOST_BLANKS = 80  # before a call that are passed over to see what it is an operand of
MOST_GRADIENTS = 1_000  # in a spec: for each the whole graph is walked


class _Builder:
    def __init__(
        self,
        expression: Expression,
        graph: Graph,
        names: Mapping[str, Expr | None],
        report: Reporter,
        origins: dict[int, Span],
        ops: Mapping[str, Op | None],
        elementwise: bool,
    ) -> None:
        self.text, self.graph, self.names, self.ops = expression.text, graph, names, ops
        self.report, self.origins, self.elementwise = report, origins, elementwise

    @cached_property
    def known_ops(self) -> list[str]:
        """The names of ops, for those who look for one that is meant."""
        return [*self.ops, *OPS]

    def operand(self, node: Node, args: list[_Operand]) -> _Operand:
        """What a node of the tree becomes, of what its args have become."""
        if isinstance(node, Name):
            return _Operand(self.named(node), node.start, node.end)
        if isinstance(node, Literal):
            return _Operand(None, node.start, node.end, node.value)
        if isinstance(node, Call):
            start, end = node.start, node.end
            for arg in args:  # of a step that is written out as a table the args stand outside
                start, end = min(start, arg.start), max(end, arg.end)
            return _Operand(self.called(node, args, self.text.span(start, end)), start, end)
        if isinstance(node, SplitPart):
            expr = self.split_part(node, args[0].expr)
            return _Operand(expr, node.start, node.end)
        return _Operand(args[0].expr, node.start, node.end, args[0].literal)

    def named(self, node: Name) -> Expr | None:
        name = node.name
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return self.graph.constant(CONSTANTS[name])
        span = self.text.span(node.start, node.end)
        if name in OPS:
            facts = {"name": name, "call": call_meant(self.text, node.start, node.end)}
            self.report(Diagnostic("op-without-brackets", span, facts, "op-without-brackets"))
        elif name in self.ops:
            op = self.ops[name]
            facts = {"name": name, "call": f"{name}({', '.join(op.args) if op else '…'})"}
            self.report(Diagnostic("op-without-brackets", span, facts, "op-without-brackets"))
        else:
            self.report(Diagnostic("unknown-name", span, {"name": name}))
        return None

    def expr(self, operand: _Operand) -> Expr | None:
        """The node of an operand; a literal becomes a constant now that it is used as one."""
        literal = operand.literal
        if literal is None:
            return operand.expr
        span = self.text.span(operand.start, operand.end)
        if isinstance(literal, str):
            self.report(Diagnostic("text-as-value", span, {"text": shortened(literal)}, "unquote"))
        elif self.elementwise and isinstance(literal, list):
            self.report(Diagnostic("list-in-op", span))
        else:
            try:
                return self.graph.constant(literal)
            except TypeError:
                self.report(Diagnostic("ragged", span, {"name": span.text}))
            except ValueError:
                self.report(Diagnostic("empty-array", span, {"name": span.text}))
        return None

    # --- calls ---

    def called(self, call: Call, args: Sequence[_Operand], span: Span) -> Expr | None:
        if call.op == GRADIENT.name and call.op not in self.ops:
            return self.gradient(call, args, span)
        if call.op not in self.ops and call.op not in OPS:
            self.unknown_op(call)
            return None
        op = self.ops[call.op] if call.op in self.ops else OPS[call.op]
        if op and self.elementwise and not op.elementwise:
            self.report(Diagnostic("not-elementwise", span, {"op": op.name}))
            return None
        return self.node(op, call, args, span) if op else None

    def gradient(self, call: Call, operands: Sequence[_Operand], span: Span) -> Expr | None:
        """`grad(L, w)`: the reverse pass of L, appended to the graph, and the node of it that is meant."""
        from bpx.passes.reverse import grad  # needed by few specs

        if self.elementwise:
            self.report(Diagnostic("not-elementwise", span, {"op": call.op}))
            return None
        if len(operands) != GRADIENT.quoted or call.settings:
            facts = {"op": call.op, "wanted": say("word.args", count=GRADIENT.quoted), "found": len(operands)}
            self.report(Diagnostic("wrong-arity", span, {**facts, "call": "grad(L, w)"}, "call-form"))
            return None
        of, by = (self.expr(operand) for operand in operands)
        if of is None or by is None:
            return None
        if of.shape:
            place = self.text.span(operands[0].start, operands[0].end)
            facts = {"name": shortened(place.text), "shape": shape_text(of.shape)}
            by_name = shortened(self.text.span(operands[1].start, operands[1].end).text)
            self.report(Diagnostic("grad-of-array", place, {**facts, "by": by_name}, "grad-of-sum"))
            return None
        if self.graph.ops.count(GRADIENT) >= MOST_GRADIENTS:
            self.report(Diagnostic("too-many-gradients", span, {"most": MOST_GRADIENTS}))
            return None
        before = len(self.graph)
        (gradient,) = grad(of, [by])
        expr = self.graph.add(GRADIENT, of, by, gradient)
        self.origins.update(dict.fromkeys(range(before, len(self.graph)), span))
        return expr

    def split_part(self, node: SplitPart, first: Expr | None) -> Expr | None:
        """The split that `first` is a part of, with another part taken."""
        if first is None:
            return None
        settings = {**self.graph.settings[first.id], "part": node.part}
        expr = self.graph.add(first.op, *first.args, **settings)
        self.origins[expr.id] = self.text.span(node.start, node.end)
        return expr

    def unknown_op(self, call: Call) -> None:
        name, end_of_name = call.op, call.start + len(call.op)
        span, facts = self.text.span(call.start, end_of_name), {"name": name}
        has_brackets = _OPENS.match(self.text.content, end_of_name) is not None
        if has_brackets and (name in self.names or name in CONSTANTS):
            right = shortened(self.text.content[end_of_name : call.end])
            facts |= {"left": name, "right": right}
            division = OPS["div"].notation
            assert division
            before = self.text.content[max(call.start - _MOST_BLANKS, 0) : call.start].rstrip()
            divided = before.endswith((division.symbol, *division.also))
            help = "implicit-denominator" if divided else "implicit-product"
            self.report(Diagnostic("implicit-product", span, facts, help))
        else:
            problem = Diagnostic("unknown-op", span, facts, "list-ops")
            self.report(problem.suggesting(name, self.known_ops))

    def node(self, op: Op, call: Call, operands: Sequence[_Operand], span: Span) -> Expr | None:
        settings = {setting.name: setting.value for setting in call.settings}
        operands = self.positional_settings(op, operands, settings)
        fits = self.settings_known(op, call) and self.arity_fits(op, call, operands)
        if not fits or not self.named_args_fit(op, call, operands):
            return None
        every = [*operands, *self.optional_args(op, call, len(operands), settings)]
        args = [self.expr(operand) for operand in every]
        if None in args:
            return None
        try:
            expr = self.graph.add(op, *args, **_with_ints(settings))  # type: ignore[arg-type]
        except ShapeError as error:
            texts = [shortened(self.text.span(arg.start, arg.end).text) for arg in operands]
            self.report(shape_problem(error, span, texts))
        except (TypeError, ValueError) as error:
            self.report(setting_problem(error, op, settings, span))
        else:
            self.origins[expr.id] = span
            return expr
        return None

    def positional_settings(
        self, op: Op, operands: Sequence[_Operand], settings: dict[str, Any]
    ) -> Sequence[_Operand]:
        """Literals behind the args fill the op's settings in order, as in `reshape(x, [2, 3])`.

        A text is never an arg, and may stand before them too, as in `einsum('ij,jk->ik', a, b)`.
        """
        if not op.settings:
            return operands
        operands = sorted(operands, key=lambda operand: isinstance(operand.literal, str))
        if op.variadic:
            return operands
        free = [name for name in op.settings if name not in settings]
        args = sum(not isinstance(operand.literal, str) for operand in operands)
        extra = operands[min(args, len(op.args)) :]
        if len(extra) > len(free) or any(operand.literal is None for operand in extra):
            return operands
        settings.update(zip(free, (operand.literal for operand in extra), strict=False))
        return operands[: len(operands) - len(extra)]

    def optional_args(self, op: Op, call: Call, positional: int, settings: dict[str, Any]) -> list[_Operand]:
        """Args behind the `positional` ones that are left out or named, as in `leaky_relu(x, slope=0.1)`.

        Named ones are among the settings, and are moved out of these.
        """
        named = {setting.name: setting for setting in call.settings}
        optional = []
        for name in op.args[positional:]:
            literal = settings.pop(name, op.optional[name])
            place = named.get(name, call)
            optional.append(_Operand(None, place.start, place.end, literal))
        return optional

    # --- what does not fit an op ---

    def named_args_fit(self, op: Op, call: Call, operands: Sequence[_Operand]) -> bool:
        fit = True
        for setting in call.settings:
            span = self.text.span(setting.start, setting.end)
            if setting.name not in op.optional:
                continue
            if setting.name in op.args[: len(operands)]:
                self.report(
                    Diagnostic(
                        "repeated-arg-of-op", span, {"op": op.name, "arg": setting.name}, "leave-one-out"
                    )
                )
                fit = False
            elif not _is_numeric(setting.value):
                text = shortened(span.text.rpartition("=")[2].strip())
                self.report(Diagnostic("bad-arg", span, {"found": text}))
                fit = False
        return fit

    def settings_known(self, op: Op, call: Call) -> bool:
        known = [*op.optional, *op.settings]
        unknown: list[Setting] = [setting for setting in call.settings if setting.name not in known]
        for setting in unknown:
            span, name = self.text.span(setting.start, setting.end), setting.name
            facts = {"op": op.name, "setting": name, "known": ", ".join(known)}
            problem = Diagnostic("unknown-setting", span, facts, "settings-of" if known else "op-page")
            self.report(problem.suggesting(name, known))
        return not unknown

    def arity_fits(self, op: Op, call: Call, operands: Sequence[_Operand]) -> bool:
        fewest, most = len(op.args) - len(op.defaults), len(op.args)
        if fewest <= len(operands) and (op.variadic or len(operands) <= most):
            return True
        if op.variadic:
            wanted = say("word.args-or-more", low=fewest)
        elif fewest < most:
            wanted = say("word.args-from-to", low=fewest, high=most)
        else:
            wanted = say("word.args", count=most)
        facts = {"op": op.name, "wanted": wanted, "found": len(operands), "call": call_form(op)}
        span = self.text.span(call.start, call.end)
        self.report(Diagnostic("wrong-arity", span, facts, "call-form"))
        return False


def _is_numeric(literal: Any) -> bool:
    """Is it a finite number, or a nest of lists of such?"""
    if isinstance(literal, list):
        return all(map(_is_numeric, literal))
    number = isinstance(literal, int | float) and not isinstance(literal, bool)
    return number and abs(literal) <= sys.float_info.max


def _with_ints(settings: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers, which the text has as floats, as ints."""
    return {name: _with_int(value) for name, value in settings.items()}


def _with_int(value: Any) -> Any:
    if isinstance(value, list):
        return [*map(_with_int, value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
