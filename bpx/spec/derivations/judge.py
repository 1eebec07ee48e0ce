"""Each step judged: as a formula at many points, and against what the lines above claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpx.graph.graph import Expr
from bpx.render.blocks import text_of
from bpx.spec.derivations.comparisons import Before, Comparisons
from bpx.spec.derivations.graph.model import Built
from bpx.spec.derivations.graph.points import Point
from bpx.spec.derivations.graph.sheet import Chain, Kind
from bpx.spec.derivations.numbers import number_link
from bpx.spec.derivations.slips import slip_in
from bpx.spec.derivations.text.statements import Link
from bpx.spec.derivations.verdicts import Step, Verdict, not_read, unreadable
from bpx.words.say import say


class Judge(Comparisons):
    """Judges the chains of a sheet, in order."""

    def steps(self) -> Iterator[Step]:
        """All steps; an equation that only defines its name is none."""
        for chain in self.reader.chains:
            match chain.kind:
                case Kind.DERIVATIVE:
                    yield from self.derivative(chain)
                case Kind.EQUATION:
                    yield from self.equation(chain)
                case Kind.VALUE:
                    self.take(chain)
                    yield from self.chained(chain, chain.statement.links[1:], None)
                case Kind.RESULT:
                    yield from self.result(chain)
                case Kind.FORMULA:
                    yield from self.formula(chain)
                case Kind.UNREAD:
                    yield not_read(chain, chain.statement.left.span, chain.reason, name=chain.name)

    def take(self, chain: Chain) -> None:
        """Go on with the value that an input has from here on."""
        name, value = chain.name, chain.value
        values = self.reader.sheet.values
        if value is None or name not in values or np.array_equal(value, values[name]):
            return
        if value.shape == values[name].shape:
            values[name] = value
            self.model.set_values()
            self.printed.clear()
            self.slipped.clear()
            self.rounded.clear()

    def equation(self, chain: Chain) -> Iterator[Step]:
        """The links behind the one that defines a name."""
        problems = self.model.problems.get(chain.name)
        links = chain.statement.links
        if problems is not None:
            yield unreadable(chain, links[0].text, problems)
            return
        target = self.model.spread(self.model.exprs[chain.name], self.reader.below(chain.statement))
        yield from self.chained(chain, links[1:], target)

    def result(self, chain: Chain) -> Iterator[Step]:
        """A chain about a name that has an equation, or a value, already."""
        expr = self.model.exprs.get(chain.name)
        if expr is None and chain.name not in self.reader.sheet.values:
            yield not_read(chain, chain.statement.left.span, "unknown-result", name=chain.name)
            return
        target = self.model.spread(expr, self.reader.below(chain.statement))
        yield from self.chained(chain, chain.statement.links, target)

    def formula(self, chain: Chain) -> Iterator[Step]:
        """A chain about a formula: its left side is what the others must equal."""
        left = self.model.built(chain.statement.left)
        if left.expr is None:
            yield unreadable(chain, chain.statement.left, left.problems)
            return
        yield from self.chained(chain, chain.statement.links, left.expr)

    def derivative(self, chain: Chain) -> Iterator[Step]:
        """A chain about a derivative."""
        assert chain.atom
        target = self.model.by_index(chain.atom)
        if target is None:
            reason = "array-derivative"
            if self.model.ends(chain.atom) is None:
                reason = "rests-on-unread" if self.model.problems else "unknown-derivative"
            for link in chain.statement.links:
                yield not_read(chain, link.text.span, reason, name=chain.statement.left.content)
            return
        yield from self.chained(chain, chain.statement.links, target)
        self.derivatives[chain.atom.text] = target

    def chained(self, chain: Chain, links: Sequence[Link], target: Expr | None) -> Iterator[Step]:
        """The steps of a chain that must all equal the target."""
        before: Before | None = None
        for link in links:
            if self.is_alias(chain, link):
                continue
            step, before = self.judged(chain, link, target, before)
            yield step
        if before is not None and before.wrong_line and chain.atom and before.expr is not None:
            self.claimed[chain.atom] = before.expr, before.wrong_line
        elif before is not None and chain.atom:
            corrected = [atom for atom in self.claimed if self.alike(atom, chain.atom)]
            for atom in corrected:  # a later line has it right
                del self.claimed[atom]

    def is_alias(self, chain: Chain, link: Link) -> bool:
        """Is it the derivative itself, as in `δ = ∂L/∂z`?"""
        return chain.atom is not None and self.reader.atoms.read(link.text.content) == chain.atom

    def judged(
        self, chain: Chain, link: Link, target: Expr | None, before: Before | None
    ) -> tuple[Step, Before | None]:
        """The step of a link, and what the next one is compared with."""
        span = link.text.span
        every = self.readings(link.text)
        if not every:
            plain = self.model.every_reading(link.text)[0]
            wrong_shape = plain.problems and plain.problems[0].code == "shape-mismatch"
            if wrong_shape and target is not None and self.is_one_slip_away(plain, target):
                step = Step(chain, span, Verdict.WRONG)
                self.note(step, target, before)
                return step, before
            if not wrong_shape:
                return unreadable(chain, link.text, plain.problems), before
            return not_read(chain, span, "shapes", reason=plain.problems[0].message), before
        if target is None:
            return self.without_target(chain, every[0], span)
        if self.is_apart(chain) and self.right(every, target) is None:
            reason = say("written-step.no-path", name=chain.statement.left.content)
            return Step(chain, span, Verdict.CANNOT_TELL, reason=reason), before
        by_number = number_link(self, chain, link, every[0], target, before)
        if by_number is not None:
            return by_number
        expr = self.right(every, target)
        if expr is None and self.is_direct(chain, link.text, every, target):
            expr = target
        if expr is not None:
            claimed = self.readings(link.text, self.as_claimed) if self.claimed else []
            before = Before(expr, 0, claimed[0].expr if claimed else None, text=link.text)
            return Step(chain, span, Verdict.RIGHT), before
        if self.is_with_values(every, target):
            return Step(chain, span, Verdict.RIGHT), Before(target, 0, text=link.text)
        line = self.follows_from(chain, link.text, target, before)
        exact = every[0].expr
        assert exact is not None
        if line:
            claimed = self.readings(link.text, self.as_claimed)
            carried = claimed[0].expr if claimed else exact
            return Step(chain, span, Verdict.FOLLOWS, follows=line), Before(carried, line)
        assumption = self.assumption(every, target)
        if assumption:
            return Step(chain, span, Verdict.RIGHT, reason=assumption), Before(exact, 0)
        if not self.model.points:
            return Step(chain, span, Verdict.CANNOT_TELL, reason=say("written-step.no-points")), before
        step = Step(chain, span, Verdict.WRONG)
        self.note(step, target, before)
        return step, Before(exact, step.line)

    def is_apart(self, chain: Chain) -> bool:
        """Does no equation lead to what is derived? The one that does may not have been found."""
        ends = self.model.ends(chain.atom) if chain.atom and not chain.atom.formula else None
        if ends is None:
            return False
        needed = self.model.graph.needs(of=[ends[0].id])
        return any(node.id not in needed for node in ends[1])

    def is_one_slip_away(self, built: Built, target: Expr) -> bool:
        """Would a formula whose shapes do not fit be right without one slip, as a transpose forgotten?"""
        return slip_in(self.model, built, target, self.model.points) is not None

    def without_target(self, chain: Chain, built: Built, span: object) -> tuple[Step, Before | None]:
        """Of a value: what it was worked out from, against what stands before."""
        value = self.reader.sheet.values[chain.name] if chain.value is None else chain.value
        target = self.model.graph.constant(value)
        link = next(link for link in chain.statement.links if link.text.span == span)
        return self.judged(chain, link, target, None)

    def assumption(self, every: Sequence[Built], target: Expr) -> str:
        """The assumption under which a formula is right, if one of the usual ones will do."""
        for name, sentence, points in self.special_points():
            if any(self.same(built.expr, target, points) for built in every):
                return say(f"written-step.{sentence}", name=name)
        for fixed, points in self.assumed():
            if any(self.same(built.expr, target, points) for built in every):
                names = [name for name, expr in self.model.exprs.items() if expr.id in fixed]
                return say("written-step.if-given", values=self.values_of(names))
        return ""

    def values_of(self, names: Sequence[str]) -> str:
        """The values given of some names, as they are written."""
        values = self.reader.sheet.values
        return say("word.comma").join(f"`{name} = {text_of(values[name])}`" for name in names)

    def assumed(self) -> Iterator[tuple[Point, list[Point]]]:
        """Inputs by which nothing is derived, with the 0 or 1 given: each, and all; and points with them."""
        values = self.reader.sheet.values
        fixed = {
            self.model.exprs[name].id: values[name]
            for name in self.model.sheet.inputs
            if name in values and name not in self.reader.derived_by and np.isin(values[name], (0, 1)).all()
        }
        alone: list[Point] = [{at: value} for at, value in fixed.items()]
        for chosen in [*alone, fixed] if len(fixed) > 1 else alone:
            yield chosen, [{**point, **chosen} for point in self.model.points]
