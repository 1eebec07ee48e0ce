"""Loading a file, values for its arguments, the arrays in reach, and what names mean."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.graph.named.draw import draw
from bpx.spec.code.inputs import gathered
from bpx.spec.code.leaves import Attribute, get, named, put, underlying, walk
from bpx.spec.code.loading import load_target
from bpx.spec.code.words_of_code import (
    is_cache,
    is_container,
    is_loss,
    is_upstream,
    parameters,
    returned_names,
    spellings,
    spellings_sought,
    star_of,
)
from bpx.spec.reading.endings import is_code
from bpx.words.diagnostic import BpxError


def problem(call: Any, *args: Any) -> Any:
    with pytest.raises(BpxError) as error:
        call(*args)
    return error.value.diagnostics[0]


# --- loading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "is_it"),
    [("net.py", True), ("a b/net.py:f, g.h", True), ("x^2", False), ("net.py:", False), ("net.toml", False)],
)
def test_a_target_that_is_code(target: str, is_it: bool) -> None:
    assert is_code(target) == is_it


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("x = 1\ny = x +\n", "file-raised", "y = x +"),
        ("x = 1\nraise KeyError('a')\n", "file-raised", "raise KeyError('a')"),
        ("import sys\nsys.exit(3)\n", "file-raised", "sys.exit(3)"),
        ("def loss(x):\n    return x\n", "not-in-file", None),
    ],
)
def test_a_file_that_is_of_no_use(tmp_path: Path, text: str, code: str, line: str | None) -> None:
    file = tmp_path / "net.py"
    file.write_text(text)
    found = problem(load_target, f"{file}:los")
    assert found.code == code
    assert (found.span.text if found.span else None) == line


def test_a_file_imports_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "net.py").write_text("from beside_it import f\n")
    assert load_target(f"{tmp_path / 'net.py'}:f").named[0].name == "f"
    assert str(tmp_path) not in sys.path


# --- inputs -------------------------------------------------------------------------------------


def test_drawn_values() -> None:
    values = draw("x:(2,3), n:4 s:()", 0)
    assert {name: np.shape(value) for name, value in values.items()} == {"x": (2, 3), "n": (4,), "s": ()}
    assert np.array_equal(draw("x:(2,3)", 0)["x"], values["x"])
    assert problem(draw, "x=3", 0).code == "bad-random"


def test_later_values_take_the_place_of_earlier_ones() -> None:
    module: Any = SimpleNamespace(inputs=lambda: {"x": 1.0, "y": 2.0, "z": 3.0}, __file__="net.py")
    values = gathered(module, {"y": [1, 2]}, None, "z:2")
    assert values["x"] == 1.0
    assert values["y"].tolist() == [1, 2]
    assert values["z"].shape == (2,)
    module.inputs = lambda: 3
    assert problem(gathered, module, {}).code == "inputs-no-dict"


def test_pickles_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    assert problem(gathered, SimpleNamespace(), {}, str(file)).code == "table-pickle"


# --- leaves -------------------------------------------------------------------------------------


class Net:
    def __init__(self) -> None:
        self.layers = [{"W": np.ones(2)}, {"W": np.zeros(3)}]
        self.itself = self
        self.flag, self.count, self.rate = True, 3, 0.5

    def __call__(self, x: Any) -> Any:
        return x


def test_arrays_in_reach_and_what_they_are_called() -> None:
    net = Net()
    leaves = named(dict(walk({"net": net, "i": np.arange(2), "x": (1.0, [np.ones(1)])})))
    assert [leaf.name for leaf in leaves] == ["layers_0_W", "layers_1_W", "rate", "x_0", "x_1_0"]
    assert leaves[0].path == ("net", Attribute("layers"), 0, "W")


def test_values_are_put_where_they_were_found() -> None:
    net = Net()
    world = {"net": net, "pair": (1.0, 2.0)}
    put(world, ("net", Attribute("layers"), 1, "W"), 5.0)
    put(world, ("pair", 1), 7.0)
    assert get(world, ("net", Attribute("layers"), 1, "W")) == 5.0
    assert world["pair"] == (1.0, 7.0)


def test_the_function_behind_what_is_called() -> None:
    def plain(x: Any, n: int) -> Any:
        return x

    assert underlying(functools.partial(functools.partial(plain, n=2))) is plain
    assert underlying(Net().__call__) is Net.__call__
    assert underlying(Net()) is Net.__call__
    assert underlying(np.sin) is np.sin


# --- words --------------------------------------------------------------------------------------


@every(
    "gradient, leaf, fit",
    [
        ("dW1", "W1", 3),
        ("grad_W", "W", 3),
        ("W_grad", "W", 3),
        ("nabla_w", "w", 3),
        ("delta_b", "b", 3),
        ("dw", "W", 2),
        ("dweights1", "weights_1", 2),
        ("dw", "weights", 1),
        ("dx", "y", 0),
    ],
)
def test_how_well_a_gradient_fits_an_array(gradient: str, leaf: str, fit: int) -> None:
    assert (
        next(
            n for n, sought in spellings_sought(gradient) if {(n, one) for one in sought} & {*spellings(leaf)}
        )
        == fit
    )


def test_kinds_of_names() -> None:
    assert all(map(is_upstream, ("dout", "g", "grad_output", "dZ2", "dnext_h", "delta")))
    assert not any(map(is_upstream, ("x", "weights", "cache")))
    assert all(map(is_cache, ("cache", "ctx", "caches")))
    assert all(map(is_loss, ("loss", "compute_cost", "mean_loss", "nll")))
    assert all(map(is_container, ("grads", "Grads", "_gradients", "derivatives")))
    assert not any(map(is_container, ("params", "dW", "gradient_of_W")))


def test_arguments_of_what_is_called() -> None:
    assert [one.name for one in parameters(lambda x, *rest, k=1, **more: x)] == ["x", "k"]
    assert star_of(lambda x, *rest: x) == "rest"
    assert star_of(lambda x: x) is None
    assert parameters(functools.partial(lambda x, n: x, n=2))[0].name == "x"


def gradients(x: Any) -> Any:
    loss, a, b = x, x, x
    return loss, {"W": a}, [b, x + 1]


def test_names_of_what_is_returned() -> None:
    wanted = {(0,): "loss", (1, "W"): "a", (2, 0): "b"}
    assert returned_names(gradients) == wanted
    assert returned_names(functools.partial(gradients)) == wanted
    assert returned_names(np.sin) == {}
