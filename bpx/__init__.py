"""bpx: a backprop explainer and gradient checker.

The public names are loaded when first used, so that importing bpx costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # that of `typing` would be half of the time that this import takes
if TYPE_CHECKING:
    from typing import Any

    from bpx import ops
    from bpx.check.report.report import Report
    from bpx.explain.explanation import Explanation
    from bpx.ops import Expr, Graph
    from bpx.spec.derivations.check import check_notes
    from bpx.spec.derivations.report import DerivationReport
    from bpx.spec.spec import Spec, assert_gradients, from_graph, gradcheck, grade, load, parse, trace
    from bpx.train.sweep.result import Sweep
    from bpx.train.training import Training
    from bpx.words.diagnostic import BpxError, Diagnostic
    from bpx.words.languages import speaking

_HOMES = {
    "DerivationReport": "bpx.spec.derivations.report",
    "check_notes": "bpx.spec.derivations.check",
    "Explanation": "bpx.explain.explanation",
    "load_ipython_extension": "bpx.cli.notebook.magic",  # which `%load_ext bpx` calls
    "Report": "bpx.check.report.report",
    "Sweep": "bpx.train.sweep.result",
    "Training": "bpx.train.training",
    "speaking": "bpx.words.languages",
    **dict.fromkeys(
        ("Spec", "assert_gradients", "from_graph", "gradcheck", "grade", "load", "parse", "trace"),
        "bpx.spec.spec",
    ),
    **dict.fromkeys(("Expr", "Graph"), "bpx.ops"),  # which fills the op table that handles look into
    **dict.fromkeys(("BpxError", "Diagnostic"), "bpx.words.diagnostic"),
}

__all__ = [
    "BpxError",
    "DerivationReport",
    "Diagnostic",
    "Explanation",
    "Expr",
    "Graph",
    "Report",
    "Spec",
    "Sweep",
    "Training",
    "assert_gradients",
    "check_notes",
    "from_graph",
    "gradcheck",
    "grade",
    "load",
    "ops",
    "parse",
    "speaking",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "ops":
        return import_module("bpx.ops")
    if name not in _HOMES:
        from bpx.words.say import say

        raise AttributeError(say("python.no-attribute", name=name))
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
