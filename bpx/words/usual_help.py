"""The help of a diagnostic where who makes it knows no better one: every error has a next step to propose.

A code's own sentence is `usual.CODE`; others share one. These sentences use only
facts that the sentence of the diagnostic itself has, so that they can always be said.
"""

from __future__ import annotations

from bpx.words.say import has_sentence

_SHARED = {
    "help.see-spec": ("toml-syntax", "wrong-type", "step-without-op", "bad-arg"),
    "help.add-operand": ("expected-operand", "ends-too-early"),
    "help.rename": (
        *("shadows-op", "shadows-block", "bad-name", "bad-inner-name", "step-and-arg"),
        *("repeated-arg", "repeated-column", "arg-is-out"),
    ),
    "help.leave-one-out": (
        "duplicate-key",
        "two-forms",
        "claimed-twice",
        "table-repeated",
        "repeated-setting",
        "swept-twice",
    ),
    "help.op-form": ("no-args", "missing-partial"),
    "help.table-form": ("no-columns", "not-a-column", "not-a-row"),
    "help.finite-number": ("not-finite-input", "no-finite-number"),
    "help.break-cycle": ("cycle", "op-cycle"),
    "help.fewer-blocks": ("blocks-too-large", "blocks-too-deep"),
    "usual.not-elementwise": ("list-in-op",),
    "usual.claim-jacobian": ("claim-shape", "table-shape"),
    "help.save-arrays": ("table-ending", "table-empty"),
    "help.write-again": ("table-broken", "table-array-broken", "table-length"),
    "usual.too-big": ("table-unpacks", "table-too-many", "model-unpacks"),
    "usual.picture-too-many": ("picture-long-lines",),
    "usual.model-too-long": ("model-fields", "model-values"),
    "help.save-export": ("model-lacks", "model-no-program"),
    "help.name-of-node": ("claim-unknown", "unknown-node"),
    "usual.model-op": ("model-setting", "model-use"),
    "help.group-by-parentheses": ("bad-list",),
    "help.unmatched-bracket": ("unmatched-bracket",),
    "help.settings-last": ("setting-not-last",),
    "help.see-expressions": ("unexpected-character", "bad-setting-value"),
    "help.index-by-value": ("not-an-index",),
    "help.value-by-name": ("bad-assignment",),
    "help.stable-op": ("not-finite",),
    "usual.no-derivative": ("infinite-gradient",),
    "help.use-convert": ("report-as-spec",),
    "usual.replaces-input": ("replaces-spec",),
}
_SHARED_BY_CODE = {code: key for key, codes in _SHARED.items() for code in codes}


def usual_help(code: str) -> str | None:
    """The key of the sentence that always fits a diagnostic of this code; None where nothing helps."""
    own = f"usual.{code}"
    return own if has_sentence(own) else _SHARED_BY_CODE.get(code)
