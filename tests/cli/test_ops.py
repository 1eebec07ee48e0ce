"""`bpx ops`."""

from __future__ import annotations

from invoking import error_codes, invoke, plain_json

from bpx.ops import rows


def test_ops() -> None:
    assert [one["name"] for one in plain_json("ops")["ops"]] == [op.name for op in rows()]
    assert [one["name"] for one in plain_json("ops", "ln")["ops"]] == ["log"]
    assert invoke("ops", "relu").stdout.startswith("relu: relu(x)\n")


def test_an_unknown_op() -> None:
    assert error_codes("ops", "sigmod") == ["unknown-op"]
    assert "did you mean `sigmoid`?" in invoke("ops", "sigmod", exit=2).stderr
