"""`bpx help ops` lists every op, and nothing that is none."""

from __future__ import annotations

import re

from pages import DOCS, section

from bpx.graph.graph import OPS
from bpx.ops import rows

LISTED = set(re.findall(r"`(\w+)`", section(DOCS / "ops.md", "All ops")))


def test_every_op_is_listed() -> None:
    assert {op.name for op in rows()} - LISTED == set()


def test_only_ops_are_listed() -> None:
    assert LISTED - set(OPS) == set()
