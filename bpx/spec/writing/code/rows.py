"""How each op is written in Python: one row for each, in the words of NumPy.

An op without a row is a function of the module, made of what the op expands to.
`bpx.spec.writing.code.libraries` puts the words of other libraries in place of NumPy's.
"""

from __future__ import annotations

from bpx.spec.writing.code.array_rows import ARRAYS
from bpx.spec.writing.code.call import Row
from bpx.spec.writing.code.element_rows import ELEMENTWISE

ROWS: dict[str, Row] = {**ELEMENTWISE, **ARRAYS}
