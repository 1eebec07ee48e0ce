"""Models as files: values and gradients of PyTorch, names and lines, hostile files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from onnx_files import onnx_file
from typer.testing import CliRunner

import bpx
from bpx.cli.main import app
from bpx.graph.named.names import as_node_name
from bpx.graph.run import run
from bpx.spec.models.missing import MissingOps
from bpx.spec.models.target import graph_of_file

FILES = Path(__file__).parent / "files"
NET = str(FILES / "net.pt2")


def expected(name):
    return json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))


def loaded(name):
    inputs = {key: np.array(value) for key, value in expected(name)["inputs"].items()}
    return bpx.load(str(FILES / f"{name}.pt2"), **inputs)


def codes(target, values=()):
    with pytest.raises(bpx.BpxError) as caught:
        graph_of_file(str(target), dict(values))
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


@pytest.mark.parametrize("name", ["net", "attention", "convolution", "operations"])
def test_values_and_gradients_are_those_of_torch(name):
    spec, torch = loaded(name), expected(name)
    value = run(spec.graph, spec.input_values, [spec.output])[spec.output]
    assert value == pytest.approx(torch["value"], rel=1e-12)
    gradients = spec.explain(check=False).gradients
    wanted = {as_node_name(key): gradient for key, gradient in torch["gradients"].items()}
    assert gradients.keys() == wanted.keys()
    for key, gradient in wanted.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-9, atol=1e-12)


def test_names_and_lines_are_those_of_the_model():
    spec = loaded("net")
    assert {"layers._0.weight", "out.bias", "x"} <= set(spec.nodes)
    assert {"h", "z", "layers._1"} <= set(spec.steps)
    assert spec.origins[spec.nodes["z"]].text == "z = self.out(h)"
    assert spec.origins[spec.nodes["h"]].source.name == "build_files.py"


def test_gradients_of_torch_pass_an_audit_under_their_own_names():
    gradients = {f"{key}.grad": np.array(value) for key, value in expected("net")["gradients"].items()}
    assert loaded("net").audit(gradients).verdict == "agree"
    gradients["layers.0.weight.grad"] *= 2
    assert loaded("net").audit(gradients).verdict == "disagree"


def test_a_model_is_a_spec(tmp_path):
    spec = loaded("convolution")
    spec.save(tmp_path / "net.toml")
    first, second = (each.explain(check=False).gradients for each in (spec, bpx.load(tmp_path / "net.toml")))
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-12)


def test_commands_take_models(tmp_path):
    inputs = tmp_path / "inputs.json"
    inputs.write_text(json.dumps(expected("net")["inputs"]), encoding="utf-8")
    runner = CliRunner()
    explained = runner.invoke(app, ["explain", NET, "--inputs", str(inputs), "--no-check"])
    assert explained.exit_code == 0
    drawn = ["--random", "x:(5,3)", "--set", "y=[0,1,1,0,1]"]
    assert runner.invoke(app, ["convert", NET, *drawn]).exit_code == 0
    claim = ["--claim", "out.bias = [1, 2]"]
    assert runner.invoke(app, ["gradcheck", NET, "--inputs", str(inputs), *claim]).exit_code == 1


def test_inputs_without_a_value_are_named_with_their_shapes():
    with pytest.raises(bpx.BpxError, match=r"`x` of shape \(5, 3\)") as caught:
        graph_of_file(NET, {})
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["model-without-value"] * 2
    assert codes(NET, {"x": np.zeros((2, 2)), "y": [0]}) == ["value-shape"]
    assert codes(NET, {"x": np.zeros((5, 3)), "y": np.zeros(5), "q": 1}) == ["not-an-input"]


def test_all_that_bpx_lacks_is_refused_at_its_line():
    with pytest.raises(bpx.BpxError) as caught:
        graph_of_file(str(FILES / "missing.pt2"), {"x": np.ones(3)})
    found = [(diagnostic.code, diagnostic.span.text) for diagnostic in caught.value.diagnostics]
    assert found == [("model-op", "a = torch.special.i0(x)"), ("model-op", "b = torch.special.i1(x)")]


def test_missing_operations_are_counted():
    plain = MissingOps.of(str(FILES / "missing.pt2")).to_dict()
    assert [(row["op"], row["count"]) for row in plain["missing"]] == [
        ("aten.special_i1.default", 2),
        ("aten.special_i0.default", 1),
    ]
    assert MissingOps.of(NET).missing == ()
    assert CliRunner().invoke(app, ["ops", "--missing", NET]).exit_code == 0


# --- hostile files ------------------------------------------------------------------------------


def changed(path, change):
    """A copy of the network's file with members changed: `change` takes name and bytes, and gives bytes."""
    with zipfile.ZipFile(NET) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return path


def with_text(old, new):
    return lambda name, data: data.replace(old.encode(), new.encode()) if name.endswith(".json") else data


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda name, data: None if name.endswith("weight_0") else data, "model-lacks"),
        (lambda name, data: data[:5] if name.endswith("weight_0") else data, "model-short"),
        (lambda name, data: b"{" * 100000 if name.endswith("model.json") else data, "model-broken"),
        (lambda name, data: b"[" * 100000 if name.endswith("model.json") else data, "model-broken"),
        (lambda name, data: b"{}" if name.endswith("model.json") else data, "model-broken"),
        (lambda name, data: None if name.endswith("model.json") else data, "model-no-program"),
        (with_text('"use_pickle": false', '"use_pickle": true'), "model-pickle"),
        (with_text('"major": 8', '"major": 99'), "model-version"),
        (with_text('"path_name": "weight_0"', '"path_name": "../../etc/passwd"'), "model-lacks"),
        (with_text('{"as_int": 4}', '{"as_int": 99999999999999}'), "model-short"),
        (with_text('{"as_int": 4}', '{"as_int": -4}'), "model-broken"),
        (with_text('"dtype": 8', '"dtype": 77'), "model-dtype"),
        (with_text('"as_tensor"', '"as_nothing"'), "model-use"),
    ],
)
def test_hostile_files_are_refused(tmp_path, change, code):
    assert code in codes(changed(tmp_path / "net.pt2", change))


def test_files_that_are_no_archives_are_refused(tmp_path):
    path = tmp_path / "net.pt2"
    for data in (b"", b"PK\3\4", Path(NET).read_bytes()[:2000], b"\x80\x04."):
        path.write_bytes(data)
        assert codes(path) == ["model-broken"]
    assert codes(tmp_path / "none.pt2") == ["missing-file"]
    assert codes(tmp_path / "net.pt") == ["model-pickle-file"]
    assert codes("a\0.pt2") == ["unreadable"]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("bpx.spec.models.archive.LARGEST_MODEL", 2**16)
    with zipfile.ZipFile(tmp_path / "net.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/models/model.json", b" " * 2**20)
    assert codes(tmp_path / "net.pt2") == ["model-unpacks"]


def test_no_pickle_is_ever_loaded(monkeypatch):
    def refuse(*_):
        raise AssertionError("a pickle was loaded")

    monkeypatch.setattr("pickle.Unpickler", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    assert loaded("net").inputs


# --- ONNX ---------------------------------------------------------------------------------------


def test_an_onnx_network(tmp_path):
    w, b = np.array([[1.0, -2, 0.5], [0.25, 1, -1]]), np.array([0.5, -0.5])
    nodes = [
        ("Gemm", ["x", "fc.weight", "fc.bias"], ["/fc/Gemm_output_0"], {"transB": 1}),
        ("Tanh", ["/fc/Gemm_output_0"], ["h"], {}),
        ("ReduceSum", ["h"], ["loss"], {"keepdims": 0}),
    ]
    path = onnx_file(tmp_path / "net.onnx", nodes, {"x": [2, 3]}, {"fc.weight": w, "fc.bias": b})
    x = np.array([[0.1, 0.2, -0.3], [0.4, -0.5, 0.6]])
    gradients = bpx.load(str(path), x=x).explain().gradients
    slope = 1 - np.tanh(x @ w.T + b) ** 2
    np.testing.assert_allclose(gradients["fc.weight"], slope.T @ x)
    np.testing.assert_allclose(gradients["fc.bias"], slope.sum(0))
    np.testing.assert_allclose(gradients["x"], slope @ w)


def test_what_an_onnx_model_has_and_bpx_lacks(tmp_path):
    nodes = [("Xor", ["x", "x"], ["a"], {}), ("Multinomial", ["a"], ["b"], {})]
    assert codes(onnx_file(tmp_path / "net.onnx", nodes, {"x": [2]}, {}), {"x": [1, 2]}) == ["model-op"] * 2
    old = onnx_file(tmp_path / "old.onnx", [("Relu", ["x"], ["y"], {})], {"x": [2]}, {}, opset=9)
    assert codes(old) == ["model-opset"]
    (tmp_path / "broken.onnx").write_bytes(b"\xff\xff\xff")
    assert codes(tmp_path / "broken.onnx") == ["model-broken"]


def test_onnx_is_asked_for_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    (tmp_path / "net.onnx").write_bytes(b"")
    assert codes(tmp_path / "net.onnx") == ["no-onnx"]


def test_a_member_may_claim_any_size(tmp_path):
    """The directory of a ZIP file is not believed: what is read is no more than it says."""
    stream = io.BytesIO(Path(NET).read_bytes())
    data = stream.getvalue().replace(b"weight_0", b"weight_\xff", 1)
    (tmp_path / "net.pt2").write_bytes(data)
    assert codes(tmp_path / "net.pt2")
