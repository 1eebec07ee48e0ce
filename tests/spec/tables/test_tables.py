"""Tables of gradients from other programs: what is read, what is refused, and how it is judged."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invoking import check_calm, error_codes, invoke, plain_json
from tables import STYLES, safetensors, to_csv, to_json, to_long_csv, to_npz, to_safetensors

import bpx
from bpx.check.tables.short_floats import rounding_rooms
from bpx.spec.tables.read_table import read_table
from bpx.words.diagnostic import BpxError

X, W, B = np.array([0.3, -0.7]), np.array([[1.0, 2.0], [0.5, -1.0], [0.1, 0.2]]), np.array([0.1, 0.2, 0.3])
NET = {"x": X, "w": W, "b": B}
TEXT = """bpx = 1
[inputs]
x = [0.3, -0.7]
w = {value = [[1.0, 2.0], [0.5, -1.0], [0.1, 0.2]], role = "parameter"}
b = {value = [0.1, 0.2, 0.3], role = "parameter"}
[graph]
z = "w @ x + b"
h = "tanh(z)"
L = "sum(h^2)"
"""


def gradients(floats: Any = np.float64, slip: bool = False) -> dict[str, Any]:
    """What a program by hand writes; with the `slip` dz is wrong, and all below it."""
    x, w, b = (array.astype(floats) for array in NET.values())
    h = np.tanh(w @ x + b)
    dh = 2 * h
    dz = dh * (1 - (h if slip else h**2))
    return {"h": dh, "z": dz, "b": dz, "w": np.outer(dz, x), "x": w.T @ dz}


@pytest.fixture
def net() -> bpx.Spec:
    return bpx.load(TEXT)


@pytest.fixture
def target(tmp_path: Path) -> str:
    path = tmp_path / "net.toml"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def codes(spec: bpx.Spec, table: Any, **options: Any) -> list[str]:
    with pytest.raises(BpxError) as error:
        spec.audit(table, **options)
    return [problem.code for problem in error.value.diagnostics]


# --- formats ------------------------------------------------------------------------------------

WRITERS = {
    "npz": to_npz,
    "json": to_json,
    "csv": to_csv,
    "safetensors": to_safetensors,
    "tsv": lambda path, arrays: to_long_csv(path, arrays),
}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("style", range(len(STYLES)))
def test_every_format_in_every_style_of_names(net: bpx.Spec, ending: str, style: int, tmp_path: Path) -> None:
    path = tmp_path / f"g.{ending}"
    WRITERS[ending](path, {STYLES[style](name): one for name, one in gradients().items()})
    report = net.audit(path)
    assert report and report.total == 17
    WRITERS[ending](path, {STYLES[style](name): one for name, one in gradients(slip=True).items()})
    report = net.audit(path)
    assert [(one.node, one.arg) for one in report.blame] == [("z", "h")]
    assert set(report.innocent) == {"b", "w", "x"}


@pytest.mark.parametrize("floats", [np.float32, np.float16])
@pytest.mark.parametrize("ending", ["npz", "safetensors", "csv", "json"])
def test_short_floats_are_judged_as_such(net: bpx.Spec, floats: Any, ending: str, tmp_path: Path) -> None:
    if floats is np.float16 and ending in ("csv", "json"):
        pytest.skip("a float16 in a text has few digits, and is judged to these")
    WRITERS[ending](tmp_path / f"g.{ending}", gradients(floats))
    report = net.audit(tmp_path / f"g.{ending}")
    assert report.verdict in ("agree", "cannot tell")
    assert not report.blame
    assert "table-floats" in [note.code for note in report.notes]


@pytest.mark.parametrize("form", ["%.3g", "%.2e", "%.3f"])
def test_few_printed_digits_are_judged_to_these(net: bpx.Spec, form: str, tmp_path: Path) -> None:
    for write, ending in ((to_json, "json"), (to_csv, "csv")):
        write(tmp_path / f"g.{ending}", gradients(), form)
        assert net.audit(tmp_path / f"g.{ending}").verdict != "disagree"


def test_a_whole_number_among_rounded_ones_is_rounded_too(tmp_path: Path) -> None:
    spec = bpx.parse("x*y", x=1.0004, y=0.123456)
    (tmp_path / "g.json").write_text('{"dx": 0.123, "dy": 1}')
    assert spec.audit(tmp_path / "g.json")
    (tmp_path / "g.json").write_text('{"dx": 0.123456, "dy": 1}')
    assert spec.audit(tmp_path / "g.json").verdict == "disagree"


def test_what_cancels_in_float32_is_not_blamed() -> None:
    """1 − 1 in float32 is all rounding: its size says nothing of how far off it may be."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    spec = bpx.parse("sum((x - mean(x))^2)*k", x=x, k=1.0)
    short = x.astype(np.float32)
    db = np.float32(0)
    for one in 2 * (short - short.mean()):
        db += one
    shifted = bpx.parse("sum((x + c - mean(x))^2)", x=x, c=0.0)
    assert shifted.audit({"dc": np.float32(db)}).verdict != "disagree"
    assert shifted.gradcheck(claims={"dc": np.float32(db)}, wrt="c").verdict != "disagree"
    assert spec.audit({"dx": 2 * (short - short.mean())}).verdict != "disagree"


def test_floats_can_be_named(net: bpx.Spec) -> None:
    stored = {name: one.astype(np.float64) for name, one in gradients(np.float32).items()}
    assert net.audit(stored).verdict == "disagree"
    assert net.audit(stored, floats="float32")
    assert codes(net, stored, floats="float20") == ["unknown-choice"]


def test_rooms_grow_with_the_unit_of_the_floats(net: bpx.Spec) -> None:
    node = net.nodes["w"]
    rooms = [
        rounding_rooms(net, net.output, np.ones(()), [node], floats)[node].max()
        for floats in ("float64", "float32", "float16", "bfloat16")
    ]
    assert rooms == sorted(rooms)
    assert 0 < rooms[0] < 1e-13 and 1e-8 < rooms[1] < 1e-4


def test_bfloat16(net: bpx.Spec, tmp_path: Path) -> None:
    upper = [(one.astype(np.float32).view(np.uint32) >> 16).astype("<u2") for one in gradients().values()]
    header: dict[str, Any] = {}
    data = b""
    for (name, one), raw in zip(gradients().items(), upper, strict=True):
        offsets = [len(data), len(data) + raw.nbytes]
        header[name] = {"dtype": "BF16", "shape": [*one.shape], "data_offsets": offsets}
        data += raw.tobytes()
    text = json.dumps(header).encode()
    (tmp_path / "g.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    report = net.audit(tmp_path / "g.safetensors")
    assert report.verdict != "disagree" and not report.blame


def test_names_may_stand_inside_of_names(net: bpx.Spec, tmp_path: Path) -> None:
    plain = {"grads": {"w": gradients()["w"].tolist()}, "b": {"grad": gradients()["b"].tolist()}}
    (tmp_path / "g.json").write_text(json.dumps(plain))
    assert net.audit(tmp_path / "g.json").total == 9


def test_one_array_goes_by_the_name_of_its_file(net: bpx.Spec, tmp_path: Path) -> None:
    np.save(tmp_path / "dw.npy", gradients()["w"])
    np.savetxt(tmp_path / "dw.csv", gradients()["w"], delimiter=",")
    np.savetxt(tmp_path / "dw.txt", gradients()["w"])
    np.savetxt(tmp_path / "db.csv", gradients()["b"])
    for name, total in (("dw.npy", 6), ("dw.csv", 6), ("dw.txt", 6), ("db.csv", 3)):
        report = net.audit(tmp_path / name)
        assert report and report.total == total


def test_some_entries_are_enough(net: bpx.Spec, tmp_path: Path) -> None:
    w = gradients()["w"]
    rows = [f"dw,{i},{j},{w[i, j]}" for i, j in ((0, 1), (2, 0), (2, 1))]
    (tmp_path / "g.csv").write_text("\n".join(["name,i,j,value", *rows]))
    report = net.audit(tmp_path / "g.csv")
    assert report
    assert sum(report.claimed_counts.values()) == 3


def test_indices_may_count_from_the_end() -> None:
    spec = bpx.parse("sum(w^2)", w=[0.5, 2.0])
    right = {0: 1.0, 1: 4.0, -2: 1.0, -1: 4.0}
    for places in ((0, -1), (-2, -1), (-1, 0), (-1,), (-2,)):
        assert spec.audit({f"w[{at}]": right[at] for at in places}).verdict == "agree", places
        assert spec.audit({f"w[{at}]": 2.5 for at in places}).verdict == "disagree", places
    assert codes(spec, {"w[-1]": 4.0, "w[1]": 4.0}) == ["table-repeated"]


def test_the_segment_holds_what_nobody_stated(net: bpx.Spec) -> None:
    slipped = gradients(slip=True)
    (blame,) = net.audit({"dh": slipped["h"], "dx": slipped["x"]}).blame
    assert blame.node == "x"
    assert {"h", "z"} <= set(blame.segment)
    assert "L" not in blame.segment
    made_up = {name for name in net.nodes if name not in net.listed_names}
    assert made_up and not made_up.intersection(blame.segment_written)
    assert len(blame.segment_written) == len(blame.segment)


# --- names and shapes ---------------------------------------------------------------------------


def test_values_beside_gradients_are_left_out(net: bpx.Spec) -> None:
    report = net.audit({"w": W, "dw": gradients()["w"]})
    assert report and report.total == 6
    assert "table-value" in [note.code for note in report.notes]


def test_all_that_does_not_fit_is_said_at_once(net: bpx.Spec) -> None:
    table: Mapping[str, Any] = {
        "dW": gradients()["w"],
        "db": np.zeros((4,)),
        "dw": gradients()["w"].T,
        "x.grad": gradients()["x"],
        "dx": gradients()["x"],
        "lr": 0.1,
    }
    with pytest.raises(BpxError) as error:
        net.audit(table)
    problems = {problem.code: problem for problem in error.value.diagnostics}
    assert [*problems] == ["table-unknown", "table-shape", "table-two-names"]
    assert len(error.value.diagnostics) == 5
    assert "`db` has shape 4, but `b` has shape 3" in str(error.value)
    assert "did you mean `dw`?" in str(error.value)


def test_axes_of_length_one_do_not_matter(net: bpx.Spec) -> None:
    report = net.audit({"db": gradients()["b"][None, :]})
    assert report and "table-axes" in [note.code for note in report.notes]


def test_a_name_may_be_skipped(net: bpx.Spec) -> None:
    assert net.audit({"dw": gradients()["w"], "lr": 0.1}, skip=["lr"])
    assert codes(net, {"dw": gradients()["w"]}, skip=["lr"]) == ["table-skip"]


def test_parameters_that_are_missing_are_named(net: bpx.Spec) -> None:
    (note,) = net.audit({"dw": gradients()["w"]}).notes
    assert note.code == "table-missing" and "`b`" in note.message


# --- hostile files ------------------------------------------------------------------------------


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def pickled() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array({"dw": 1}), allow_pickle=True)
    return stream.getvalue()


def header_of(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }"
ONE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
TENSOR = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
HOSTILE: dict[str, tuple[str, bytes, list[str]]] = {
    "pickle": ("g.npz", npz(dw=pickled()), ["table-pickle"]),
    "pickle alone": ("g.npy", pickled(), ["table-pickle"]),
    "huge shape": ("g.npz", npz(dw=npy(HUGE)), ["table-length"]),
    "negative shape": ("g.npz", npz(dw=npy(HUGE.replace("1000000000", "-1"))), ["table-array-broken"]),
    "no header": ("g.npz", npz(dw=npy("[" * 90)), ["table-array-broken"]),
    "no array": ("g.npz", npz(dw=b"hello"), ["table-array-broken"]),
    "no zip": ("g.npz", b"PK\x03\x04 and no more", ["table-broken"]),
    "text": (
        "dw.npy",
        npy(ONE.replace("f8", "U2"), bytes(8)),
        ["not-a-number"],
    ),
    "both": ("g.npz", npz(dw=pickled(), dx=b""), ["table-pickle", "table-array-broken"]),
    "short": ("g.safetensors", b"\x01\x02", ["table-broken"]),
    "long header": ("g.safetensors", header_of(b"{}", 2**63), ["table-broken"]),
    "no json": ("g.safetensors", header_of(b"{" * 3000), ["table-broken"]),
    "deep json": ("g.safetensors", header_of(b"[" * 100_000), ["table-broken"]),
    "no object": ("g.safetensors", header_of(b"[1]"), ["table-broken"]),
    "past the end": ("g.safetensors", header_of(json.dumps({"dx": TENSOR}).encode()), ["table-array-broken"]),
    "huge tensor": (
        "g.safetensors",
        header_of(json.dumps({"dx": {**TENSOR, "shape": [2**40, 2**40]}}).encode()) + bytes(16),
        ["table-array-broken"],
    ),
    "unknown type": (
        "g.safetensors",
        header_of(json.dumps({"dx": {**TENSOR, "dtype": "F8_E4M3"}}).encode()) + bytes(16),
        ["table-array-broken"],
    ),
    "malformed entry": (
        "g.safetensors",
        header_of(b'{"dx": 3, "dw": {"dtype": 1}}'),
        ["table-array-broken"] * 2,
    ),
    "nan": (
        "g.json",
        b'{"dx": [NaN, 1.0], "dq": [Infinity]}',
        [*["table-not-finite"] * 2, "table-unknown"],
    ),
    "huge number": ("g.json", b'{"dx": [1e999, 1.0]}', ["table-not-finite"]),
    "huge whole number": ("g.json", b'{"dx": 1' + b"0" * 400 + b"}", ["table-not-finite"]),
    "twice": ("g.json", b'{"dx": 1, "dx": 2}', ["duplicate-key"]),
    "ragged": ("g.json", b'{"dx": [[1, 2], [3]]}', ["ragged"]),
    "no numbers": ("g.json", b'{"dx": "0.1", "dw": [true], "db": null}', ["not-a-number"] * 3),
    "a list": ("g.json", b"[1, 2]", ["wrong-type"]),
    "nothing": ("g.json", b" ", ["table-empty"]),
    "bytes": ("g.csv", b"\xff\xfe", ["not-utf-8"]),
    "csv nan": ("g.csv", b"dx,dx\nnan,1\n2,x\n", ["not-a-number", "table-not-finite", "table-repeated"]),
    "csv columns": ("g.csv", b"name,epoch,value\ndx,3,0.5\n", ["table-column", "table-shape"]),
    "csv gap": ("g.csv", b"dx,db\n1,2\n,3\n4,5\n", ["table-gap", "table-shape"]),
    "csv cells": ("g.csv", b"dx\n1,2\n3\n", ["table-no-header"]),
    "csv index": ("g.csv", b"name,i,value\ndx,0,1\ndx,one,2\n", ["table-index"]),
    "csv outside": ("g.csv", b"dx[0],dx[7]\n1,2\n", ["claim-index"]),
    "ending": ("g.pkl", b"", ["table-ending"]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_with_all_that_is_wrong(
    net: bpx.Spec, kind: str, tmp_path: Path, target: str
) -> None:
    name, data, wanted = HOSTILE[kind]
    (tmp_path / name).write_bytes(data)
    assert codes(net, tmp_path / name) == wanted
    text = invoke("audit", target, str(tmp_path / name), exit=2).stderr
    assert name in text
    check_calm(["gradcheck", target, "--claim", f"@{tmp_path / name}"])


def test_a_bomb_is_not_unpacked(net: bpx.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpx.spec.tables.numpy_files.LARGEST_TABLE", 2**20)
    (tmp_path / "g.npz").write_bytes(npz(dw=bytes(2**21)))
    assert codes(net, tmp_path / "g.npz") == ["table-unpacks"]
    monkeypatch.setattr("bpx.spec.tables.read_table.LARGEST_TABLE", 2**10)
    assert codes(net, tmp_path / "g.npz") == ["too-big"]


def test_names_that_come_twice(net: bpx.Spec, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            archive.writestr("dx.npy", npy(ONE, bytes(8)))
    assert "table-repeated" in codes(net, tmp_path / "g.npz")
    twice = b'{"dx": %b, "dx": %b}' % ((json.dumps(TENSOR).encode(),) * 2)
    (tmp_path / "g.safetensors").write_bytes(header_of(twice) + bytes(32))
    assert codes(net, tmp_path / "g.safetensors") == ["table-repeated"]


def test_broken_bytes_never_break_bpx(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    to_npz(tmp_path / "g.npz", gradients())
    whole = {"npz": (tmp_path / "g.npz").read_bytes(), "safetensors": safetensors(gradients())}
    for ending, data in whole.items():
        for _ in range(150):
            broken = bytearray(data[: int(rng.integers(1, len(data) + 1))])
            for at in rng.integers(0, len(broken), 3):
                broken[at] = int(rng.integers(256))
            (tmp_path / f"g.{ending}").write_bytes(bytes(broken))
            try:
                read_table(tmp_path / f"g.{ending}")
            except BpxError as error:
                assert str(error)


def test_places_in_texts_have_line_and_column(net: bpx.Spec, tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{\n "dq": 1,\n "dx": [1, null]\n}')
    with pytest.raises(BpxError) as error:
        net.audit(tmp_path / "g.json")
    places = [problem.to_dict() for problem in error.value.diagnostics]
    assert [(place["line"], place["column"]) for place in places] == [(3, 12), (2, 8)]


# --- two programs -------------------------------------------------------------------------------


def test_two_programs_part_at_the_first_wrong_node(net: bpx.Spec) -> None:
    both = net.audit(gradients(np.float32), gradients(slip=True))
    assert both.first_parted and (both.first_parted.name, both.first_parted.right) == ("z", "first")
    assert not both and both.failed
    assert [node.name for node in both.nodes] == ["h", "z", "b", "w", "x"]
    turned = net.audit(gradients(slip=True), gradients())
    assert turned.first_parted and turned.first_parted.right == "second"


def test_two_programs_that_state_the_same(net: bpx.Spec) -> None:
    assert net.audit(gradients(), gradients(np.float32))
    same = net.audit(gradients(slip=True), gradients(slip=True))
    assert same.first_parted is None and same.failed and not same


def test_what_only_one_states_is_named(net: bpx.Spec) -> None:
    both = net.audit({"dw": gradients()["w"]}, {"db": gradients()["b"]})
    assert both.alone == (("w",), ("b",)) and not both
    assert "Only" in str(both)


# --- the command line ---------------------------------------------------------------------------


def test_the_command(tmp_path: Path, target: str) -> None:
    good, bad = str(tmp_path / "good.npz"), str(tmp_path / "bad.json")
    to_npz(Path(good), gradients(np.float32))
    to_json(Path(bad), gradients(slip=True))
    assert "agrees" in invoke("audit", target, good, "-f", "plain").stdout
    found = plain_json("audit", target, bad, exit=1)
    assert found["kind"] == "gradcheck" and found["blame"][0]["file"] == bad
    claimed = plain_json("gradcheck", target, "--claim", f"@{bad}", "--wrt", "x", exit=1)
    assert claimed["blame"] == found["blame"]
    both = plain_json("audit", good, bad, "--graph", target, exit=1)
    assert (both["kind"], both["parted"], both["right"]) == ("audit", "z", "first")
    for form in ("table", "plain", "markdown", "latex"):
        assert "z" in invoke("audit", good, bad, "--graph", target, "-f", form, exit=1).stdout
    assert error_codes("audit", good, bad) == ["audit-graph"]
    codes_at_once = error_codes("audit", target, "nowhere.npz", "--set", "q=1", "--detect", "0")
    assert "missing-file" in codes_at_once and len(codes_at_once) == 3


def test_a_spread_along_another_axis_need_not_fit() -> None:
    """No known mistake gives this claim: every axis is tried, also those that do not fit the op."""
    x = np.arange(1.0, 10.0).reshape(3, 3)
    spec = bpx.parse("sum(spread(sin(x), shape=[2, 3, 3], axis=[0])^2)", x=x)
    report = spec.audit({"dx": np.cos(7 * x) + 3.3 * x**3})
    assert [blame.node for blame in report.blame] == ["x"]
