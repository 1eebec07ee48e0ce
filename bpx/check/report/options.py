"""What may be asked of a check."""

from __future__ import annotations

from bpx.check.numeric.tolerances import MOST_EXACT_OPERATIONS
from bpx.words.diagnostic import Diagnostic


def bad_options(
    points: int, seed: int, order: int, detect: float, budget: int = MOST_EXACT_OPERATIONS
) -> list[Diagnostic]:
    """A diagnostic for each option whose value means nothing."""
    facts = {"points": points, "seed": seed, "order": order, "detect": detect, "budget": budget}
    fine = {
        "points": points >= 1,
        "seed": seed >= 0,
        "order": order in (1, 2),
        "detect": 0 < detect < 1,
        "budget": budget >= 0,
    }
    return [Diagnostic(f"bad-{name}", None, {"found": facts[name]}) for name in facts if not fine[name]]
