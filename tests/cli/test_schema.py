"""`bpx schema`."""

from __future__ import annotations

import json
from pathlib import Path

from invoking import invoke

from bpx.spec.writing.schema import schema


def test_schema(tmp_path: Path) -> None:
    assert json.loads(invoke("schema").stdout) == schema()
    path = tmp_path / "schema.json"
    invoke("schema", "-o", str(path))
    assert json.loads(path.read_text(encoding="utf-8")) == schema()
