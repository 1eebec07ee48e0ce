"""What may be asked of the check of a backward function; what has no meaning there is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bpx.check.numeric.tolerances import DETECT, MOST_CALLS, MOST_EXACT_OPERATIONS
from bpx.check.report.options import bad_options, is_number, unknown_options, wrong_options
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.query import as_list, seed_of
from bpx.spec.code.leaves import Leaf
from bpx.spec.code.program import Program
from bpx.words.arguments import refuse_wrong_types
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from concurrent.futures import Executor

# What only a graph without a backward function can be asked: its value where it asks for nothing.
_OF_GRAPHS = {"claim": None, "claims": None, "of": None, "order": 1, "points": 1}
_OTHER_VALUES = "points"  # asks for values other than those that backward was called with


class ProgramOptions(NamedTuple):
    """The options of a check of code.

    `wrt` restricts what is checked to the arrays of these names, `upstream` is handed to backward in place of
    random numbers, `rtol` is the relative error that its gradients may have. For the others see
    `bpx.check.gradcheck.gradcheck`; `calls`, `seconds`, `exact`, `executor`, `progress` and `announce` are
    those of `bpx.check.function.black_box.FunctionOptions`, and hold where forward cannot be traced; where it
    can, `announce_graph` is given the graph and the names of the leaves before the check.
    """

    seed: int = 0
    detect: float = DETECT
    budget: int = MOST_EXACT_OPERATIONS
    all: bool = False
    wrt: Collection[str] | None = None
    upstream: Any = None
    rtol: float = 0.0
    calls: int = MOST_CALLS
    seconds: float | None = None
    exact: bool = True
    why: str | None = None
    executor: Executor | None = None
    progress: Callable[[int], None] | None = None
    announce: Callable[[float, int], None] | None = None
    announce_graph: Callable[[NamedGraph, list[str]], None] | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], program: Program, written: str = "{}") -> ProgramOptions:
        """The options of these names, as they are `written` where they are given.

        Raises `BpxError` for what does not apply to this program, is unknown or means nothing.
        """
        foreign = {name: default for name, default in _OF_GRAPHS.items() if name in options}
        rest = {name: value for name, value in options.items() if name not in foreign}
        problems = unknown_options(rest, cls._fields)
        problems += [
            _refused(written.format(name), name, program)
            for name, default in foreign.items()
            if options[name] not in (default, (), [], {})
        ]
        if problems:
            raise BpxError(problems)
        refuse_wrong_types(cls, rest)
        chosen = cls(**rest)
        problems = bad_options(1, chosen.seed, 1, chosen.detect, chosen.budget)
        problems += wrong_options(rtol=(chosen.rtol, is_number(chosen.rtol) and 0 <= chosen.rtol <= 1))
        if chosen.upstream is not None and len(program.upstream) != 1:
            facts = {"option": written.format("upstream"), "backward": program.backward.name}
            problems.append(Diagnostic("upstream-not-taken", None, facts))
        if problems:
            raise BpxError(problems)
        return chosen._replace(wrt=as_list(chosen.wrt))

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Of these names those that are checked. Raises `BpxError` where `wrt` has others."""
        known = list(names)
        if self.wrt is None:
            return known
        unknown = [name for name in self.wrt if name not in known]
        if unknown:
            raise BpxError([_without_gradient(name, known) for name in unknown])
        return [name for name in known if name in self.wrt]

    def among(self, leaves: Iterable[Leaf]) -> list[Leaf]:
        """Of these arrays those that are checked. Raises `BpxError` as `chosen` does."""
        known = {leaf.name: leaf for leaf in leaves}
        return [known[name] for name in self.chosen(known)]

    def upstream_of(self, output: Any) -> Any:
        """The upstream gradient that is given for an output; raises `BpxError` where it has another shape."""
        return seed_of(output.shape, self.upstream)[0].astype(output.dtype)

    def of_differences(self, reason: str, written: str) -> dict[str, Any]:
        """The options of a check by differences, which is made for a reason.

        Raises `BpxError` for what only a traced function can have.
        """
        only = {"upstream": self.upstream is not None, "rtol": self.rtol > 0}
        problems = [
            Diagnostic(
                "for-traced-only", None, {"option": written.format(name), "reason": reason}, "use-detect"
            )
            for name, used in only.items()
            if used
        ]
        if problems:
            raise BpxError(problems)
        return {
            "seed": self.seed,
            "detect": self.detect,
            "calls": self.calls,
            "seconds": self.seconds,
            "exact": self.exact and self.budget > 0,
            "why": self.why,
            "executor": self.executor,
            "progress": self.progress,
            "announce": self.announce,
        }


def _without_gradient(name: str, known: Iterable[str]) -> Diagnostic:
    facts = {"name": name, "known": ", ".join(known)}
    return Diagnostic("no-gradient-of", None, facts, "gradients-are").suggesting(name, known)


def _refused(option: str, name: str, program: Program) -> Diagnostic:
    facts = {"option": option, "forward": program.forward.name, "backward": program.backward.name}
    if name == _OTHER_VALUES:
        return Diagnostic("not-for-backward", None, facts, "draw-other-inputs")
    return Diagnostic(
        "not-for-backward", None, facts, "name-loss-alone" if program.both else "name-forward-alone"
    )
