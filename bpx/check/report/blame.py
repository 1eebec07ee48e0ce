"""Who is to blame for a wrong gradient, by which mistake, and the proof."""

from __future__ import annotations

from typing import Any, NamedTuple

from bpx.check.report.options import HintLevel
from bpx.graph.formula import Formula
from bpx.words.diagnostic import Span
from bpx.words.say import say

WITHHELD = "…"  # stands for what would give the answer away
# What may be said of a mistake without giving the answer away: places and names, and what was done.
_SAYABLE = {
    *("op", "node", "name", "arg", "inner", "layer", "through", "path", "other", "function", "target"),
    *("wrong", "found", "wanted", "shape", "axis", "axes", "index", "entries", "outputs", "row", "step"),
    *("angle", "count", "decimals", "base", "rate", "stride", "value"),
}
# Each kind of slip, and the codes of the mistakes that are of this kind.
_SLIPS = {
    "sign": "sign,term-sign,name-sign,inner-sign,some-sign",
    "constant": "double,half,factor,factor-below-one,constant-missing,other-constant,some-half,"
    "some-double,some-factor,root-missing,root-doubled",
    "mean": "mean-lost,mean-doubled,mean-missing,averaged,averaged-not-summed,"
    "summed-not-averaged,not-divided,divided-too-often,other-length",
    "local": "own-value,value-at-output,at-input,at-output,other-op,other-function,"
    "hidden-slope-wrong,value-for-slope,reciprocal,times-value,value-of,diagonal-only,"
    "log-derivative,at-inner-derivative,taken-apart,product-for-chain,derivative-at",
    "local-missing": "unchanged,inner-forgotten,slope-missing,hidden-slope-missing",
    "local-twice": "local-twice,slope-twice,hidden-slope-twice",
    "upstream": "added-not-multiplied,upstream-forgotten,upstream-squared,upstream-absolute,gradient-above",
    "path": "dropped,path-dropped,path-doubled,overwritten,added-up,some-zero,some-outputs,"
    "one-element,one-row,mean-term,variance-term,length-term,norm-terms,counted-once,"
    "repeated-index,paths-multiplied,paths-averaged,one-path",
    "operands": "swapped,exchanged,order-of-items,operands-exchanged",
    "matrices": "not-transposed,result-transposed,order-swapped,order-swapped-not-transposed,"
    "transpose-missing,transpose-extra,jacobian-transposed,transposed-shape,"
    "kernel-transposed,symmetric-part,symmetric-sum",
    "axis": "not-summed,unsummed-shape,wrong-axis,other-axis,axis-summed,axis-averaged,"
    "all-summed,all-averaged",
    "mask": "mask-flipped,mask-of-upstream,mask-missing,mask-other,unmasked",
    "power": "exponent-kept,exponent-lost,other-exponent",
    "quotient": "numerator-lost,not-squared,divided-not-multiplied,multiplied-not-divided",
    "value": "only-here,name-for-name,slip,updated,other-part,other-gradient,formula,numbers-of,name-one",
    "term": "term-missing,term-extra,part-lost,target-forgotten,name-lost,name-doubled,"
    "penalty-term,other-term,constant-off,plus-formula",
    "factor": "times-formula,factor-missing,factor-doubled,other-factors,times-value-of,"
    "over-value-of,call-missing,call-extra",
    "places": "permuted,misrouted,reversed,shifted,turned,axes-exchanged,order-of-elements,"
    "raveled-shape,kernel-turned,kernel-channels,name-reversed,other-index,"
    "stride-forgotten",
    "rounding": "rounded,rounded-array,cut-off,single-precision",
    "state": "accumulates,kept-from-before,drawn-again,loop-order",
    "shape": "wrong-shape",
    "step": "update-plus,rate-missing,gradient-missing,step-alone,rate-divides,update-scaled,not-updated",
    "unknown": "unknown,no-mixture",
}
SLIP_OF = {code: slip for slip, codes in _SLIPS.items() for code in codes.split(",")}


class Correction(NamedTuple):
    """A formula, as an equation where it says what of; `where` are equations for names that bpx gave."""

    formula: Formula
    where: tuple[Formula, ...] = ()

    def __str__(self) -> str:
        if not self.where:
            return str(self.formula)
        return say("check.where", formula=str(self.formula), where=", ".join(map(str, self.where)))


class Proof(NamedTuple):
    """What becomes of the whole gradient when the blamed rules are swapped for trusted ones."""

    agree: int
    of: int

    @property
    def holds(self) -> bool:
        """Do all entries that disagreed agree then?"""
        return self.agree == self.of


class Mistake(NamedTuple):
    """A kind of mistake: a code of the catalogue and the facts of its sentence, `say("mistake.CODE")`."""

    code: str
    facts: tuple[tuple[str, Any], ...] = ()
    path: str | None = None  # where it was made, in words

    def on(self, path: str) -> Mistake:
        """The same, made on one path of several; `path` says which."""
        return self._replace(path=path)

    def everywhere(self, count: int) -> Mistake:
        """The same, made wherever a part occurs; `count` is how often it does."""
        return Mistake.of("at-each", mistake=self, count=count) if count > 1 else self

    @classmethod
    def of(cls, code: str, **facts: Any) -> Mistake:
        """A kind of mistake and its facts."""
        return cls(code, tuple(facts.items()))

    def hint(self, level: HintLevel) -> Mistake:
        """What may be said of it below `HintLevel.FORMULA`: its kind, or it without what gives it away."""
        if self.code == "at-each" and level < HintLevel.PATTERN:
            return dict(self.facts)["mistake"].hint(level)  # type: ignore[no-any-return]
        if level < HintLevel.PATTERN and self.code != "both":
            return Mistake(f"kind-{SLIP_OF[self.code]}", path=self.path)
        return self._replace(facts=tuple((name, _said(name, fact, level)) for name, fact in self.facts))

    @property
    def is_empty(self) -> bool:
        """Does it say that something is used in place of itself? Two nodes may be written alike."""
        facts = {key: str(fact) for key, fact in self.facts if key in ("wrong", "right")}
        return len(facts) == 2 and facts["wrong"] == facts["right"]

    @property
    def text(self) -> str:
        """The sentence."""
        facts = {key: _words(fact) for key, fact in self.facts}
        sentence = say(f"mistake.{self.code}", **facts)
        return say("mistake.on-path", path=self.path, mistake=sentence) if self.path else sentence


def _said(name: str, fact: Any, level: HintLevel) -> Any:
    """A fact, or what stands for it where it may not be said."""
    if isinstance(fact, Mistake):
        return fact.hint(level)
    return fact if name in _SAYABLE else WITHHELD


def _words(fact: Any) -> Any:
    if isinstance(fact, Mistake):
        return fact.text
    return str(fact) if isinstance(fact, Formula) else fact


class CodeLine(NamedTuple):
    """A statement of somebody's backward function that sets something wrong.

    `sets` is what it sets; `right` the statement that it should be, where that is known. `wrong` are
    the gradients that are wrong because of it; `time` counts from 1 in a loop, None outside of one.
    `only` says that nothing else makes them wrong.
    `gradient_of` is the node whose gradient it should set; None where that is a part or a factor of one.
    """

    span: Span
    text: str
    sets: str
    right: str | None = None
    wrong: tuple[str, ...] = ()
    time: int | None = None
    gradient_of: str | None = None
    only: bool = True
    shown: tuple[str, int | None] | None = None  # that node where its name is bpx's: its text, its line

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "text": self.text,
            "sets": self.sets,
            "right": self.right,
            "wrong": list(self.wrong),
            "time": self.time,
            "gradient_of": self.gradient_of,
            "only": self.only,
        }


class Twin(NamedTuple):
    """The same slip in other numbers: what is computed, with which `values`, and both derivatives.

    `upstream` is the gradient that arrives at `setting`, an equation; `derivative` names what is asked for.
    """

    setting: Formula
    values: tuple[Formula, ...]
    upstream: Formula
    derivative: Formula
    right: Formula
    wrong: Formula

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "setting": str(self.setting),
            "values": [str(value) for value in self.values],
            "upstream": str(self.upstream),
            "derivative": str(self.derivative),
            "right": str(self.right),
            "wrong": str(self.wrong),
        }


class Blame(NamedTuple):
    """A node whose rule, or whose claimed gradient, is wrong by itself.

    `arg` is the arg the wrong derivative is by. `mistakes` are all the patterns of the catalogue that
    reproduce the numbers, the most likely first; none means that no known pattern does. `correction`
    is the formula that would be right. `claim` says that it is a claimed gradient, not a rule.
    `also` names nodes whose claims the same mistake explains, `cancelled` nodes
    whose claims are right, though they do not follow from this one, `heirs` those that are wrong because of
    this one alone. `given` are wrong claims that this one is computed from, with a mistake of its own on top.
    `cause` is a node without a claim whose gradient this claim and `also` take for another; the correction
    is that of its gradient. `entries` are the claims on single entries, as `w[0]`, that are wrong; it is
    empty where the claim is on all of the node. `segment` are the nodes through which the gradient passed
    since the nearest claims above, its consumers first: the mistake is at one of them. `segment_written` are
    these as people know them, and `segment_lines` their files and lines, where they are of somebody's code.
    `level` is how much of it is said; `twin` shows the slip in other numbers.
    """

    node: str
    op: str
    arg: str | None
    span: Span | None
    mistakes: tuple[Mistake, ...] = ()
    correction: Correction | None = None
    proof: Proof | None = None
    claim: bool = False
    also: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    code: CodeLine | None = None
    heirs: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    cause: str | None = None
    segment: tuple[str, ...] = ()
    segment_written: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    segment_lines: tuple[tuple[str, int], ...] = ()
    level: HintLevel = HintLevel.NUMBERS
    twin: Twin | None = None

    def hint(self, level: HintLevel, twin: Twin | None = None) -> Blame:
        """As much of it as a hint of this level says; `twin` shows the slip in other numbers."""
        if level >= min(self.level, HintLevel.NUMBERS):
            return self
        blame = self._replace(level=level, twin=twin if level >= HintLevel.PATTERN else None)
        if level >= HintLevel.FORMULA:
            return blame
        blame = blame._replace(
            correction=None,
            code=self.code and self.code._replace(right=None),
            mistakes=tuple(dict.fromkeys(mistake.hint(level) for mistake in self.mistakes)),
        )
        if level >= HintLevel.KIND:
            return blame
        return blame._replace(
            op="" if self.claim else self.op,
            arg=None,
            mistakes=(),
            segment=() if self.arg else self.segment,
        )

    @property
    def subject(self) -> str:
        """What the wrong claim is on: the node, or the entries of it."""
        return ", ".join(self.entries) or self.node

    @property
    def line(self) -> int | None:
        """The line of the spec it stands in."""
        return self.span.source.position(self.span.start)[0] if self.span else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "node": self.node,
            "entries": list(self.entries),
            "op": self.op,
            "arg": self.arg,
            "claim": self.claim,
            "file": self.span.source.name if self.span else None,
            "line": self.line,
            "mistake": self._mistake,
            "code": self.mistakes[0].code if self.mistakes else None,
            "alternatives": [
                {"code": mistake.code, "mistake": mistake.text} for mistake in self.mistakes[1:]
            ],
            "also": list(self.also),
            "cancelled": list(self.cancelled),
            "heirs": list(self.heirs),
            "given": list(self.given),
            "cause": self.cause,
            "segment": list(self.segment),
            "correction": None if self.correction is None else str(self.correction),
            "code_line": self.code.to_dict() if self.code else None,
            "proof": {"agree": self.proof.agree, "of": self.proof.of} if self.proof else None,
            **({"twin": self.twin.to_dict()} if self.twin else {}),
        }

    @property
    def _mistake(self) -> str | None:
        """The likeliest mistake in words; None where the hint does not say it."""
        if self.level < HintLevel.KIND:
            return None
        return self.mistakes[0].text if self.mistakes else say("mistake.unknown")
