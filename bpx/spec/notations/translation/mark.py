"""The tokens of textbooks and of LaTeX, by what they mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False, repr=False, slots=True)
class Mark:
    """A token of a notation, by what it means.

    - `number`, `name`: `text` is what bpx writes
    - `function`: the op `text`, whose brackets may be left out
    - `open`, `close`: brackets; `text` says which: `(`, and the ops of others, `abs`, `norm`, `floor`; soft
      ones are `{`, and only group
    - `infix`; `comma`; `prime`; `transpose`
    - `index`, `literal`, `setting`: `text` is taken as it is
    - `root`: of the order `text`
    - `sum`: a sum over the index `text`, `mean`, `prod`, …
    """

    kind: str
    text: str
    start: int
    end: int
    touches: bool = False  # nothing stands between it and the mark before it
    index: str = ""  # the letters below a name, `i` of `x_i`, where they may be indices
    base: str = ""  # the name without them
    limit: str = ""  # above a sum; of a norm, its order
    apart: bool = False  # behind a thin space
    elementwise: bool = False  # a power with a circle
