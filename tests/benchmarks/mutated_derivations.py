"""Written derivations cut, doubled and mixed up at random: does the check end without a traceback?

Run: python tests/benchmarks/mutated_derivations.py [SECONDS OF CPU] [SEED]
"""

from __future__ import annotations

import random
import sys
import time
import traceback

from written_derivations import sheets

from bpx.spec.derivations.check import check_derivation

_PIECES = [
    "{",
    "}",
    "\\frac",
    "$",
    "$$",
    "=",
    "&",
    "\\\\",
    "_",
    "^",
    "(",
    ")",
    "|",
    "∑_i",
    "∂",
    "'",
    "/",
    "d",
    "\\sum_{j}",
]
_PIECES += [
    "_{ij}",
    "x_1",
    "\\newcommand{\\x}{\\x\\x}",
    "\n",
    "`",
    "```",
    "0",
    "1e999",
    "NaN",
    "[1, [2]]",
    "\\nabla_",
    "δ_{ij}",
]


def mutated(text: str, rng: random.Random, other: str) -> str:
    """The text after one to six changes."""
    for _ in range(rng.randint(1, 6)):
        at, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        end = min(end, at + rng.choice((1, 3, 20)))
        match rng.randrange(5):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + text[at:end] * 2 + text[end:]
            case 2:
                text = text[:at] + rng.choice(_PIECES) + text[at:]
            case 3:
                text = text[:at] + text[at:end][::-1] + text[end:]
            case _:
                start = rng.randint(0, len(other))
                text = text[:at] + other[start : start + 40] + text[at:]
    return text


def main() -> None:
    """Change sheets until the time is over; a traceback is printed with the text that gave it."""
    seconds, seed = (float(sys.argv[1]) if sys.argv[1:] else 60.0), int((sys.argv[2:] or ["0"])[0])
    rng = random.Random(seed)
    every = [*sheets(), *sheets("written_derivations_fresh.txt")]
    count = failures = 0
    slowest, start = 0.0, time.process_time()
    while time.process_time() - start < seconds:
        sheet, other = rng.choice(every), rng.choice(every)
        text = mutated(sheet.text, rng, other.text)
        began = time.process_time()
        try:
            report = check_derivation(sheet.name, text, hint=rng.randint(1, 5), all=True)
            for form in ("plain", "json", "html"):
                report.to(form)
        except Exception:
            failures += 1
            print(f"--- {sheet.name}\n{text}\n{traceback.format_exc()}")
        count += 1
        slowest = max(slowest, time.process_time() - began)
    print(f"{count} sheets, {failures} tracebacks, the slowest {slowest:.1f} s of CPU")


if __name__ == "__main__":
    main()
