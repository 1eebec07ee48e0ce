"""No text that bpx reads runs code, reads another file, writes one or uses the network.

One process runs many commands on hostile inputs, while Python reports all that it opens, starts or compiles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bpx

WATCH = r"""
import contextlib, io, json, os, sys, sysconfig
sys.argv = ["bpx"]
from bpx.cli.main import read_arguments, run

roots = tuple({sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
              | {os.path.dirname(os.path.dirname(sys.modules["bpx"].__file__))})
allowed, events = set(), []

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if isinstance(path, int):
            return
        path = os.path.realpath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if path != os.devnull:
                events.append([event, path, "writes"])
        elif path not in allowed and not path.startswith((*roots, "/proc", "/sys", "/dev")):
            events.append([event, path, "reads"])
    elif event == "exec":  # `compile` alone is how Python's parser is asked for a tree
        code = args[0]
        known = code.co_filename.startswith((*roots, "<frozen", "<plain>", "<string>", "<attrs"))
        if not known or "PWNED" in str(code.co_consts) or "__subclasses__" in code.co_names:
            events.append([event, code.co_filename, str(code.co_consts)[:200]])
    elif event.split(".")[0] in ("socket", "subprocess", "pickle", "urllib", "ftplib", "shutil", "ctypes"):
        if event not in ("ctypes.dlopen", "ctypes.dlsym", "socket.__new__") or "PWNED" in str(args):
            events.append([event, str(args)[:200], ""])
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.remove", "os.rename"):
        events.append([event, str(args)[:200], ""])

sys.addaudithook(watch)
codes = []
for args in json.load(open(0, encoding="utf-8")):
    allowed = {os.path.realpath(arg) for arg in args}
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            codes.append(run(read_arguments(args)))
        except SystemExit as end:
            codes.append(end.code)
print(json.dumps({"codes": codes, "events": events}))
"""
RUNS = [
    "__import__('os').system('touch PWNED')",
    "x.__class__.__mro__[1].__subclasses__()",
    "exec(\"open('PWNED', 'w')\")",
    "@secret.json",
    "\\input{secret.json}",
    "{open('PWNED','w')}",
    "file:///etc/passwd",
    "http://127.0.0.1:9/a.toml",
    "$(touch PWNED)",
    "`touch PWNED`",
    "secret.json",
    "%s%n{0.__class__}",
    "\u202e[red]<script>alert(1)</script>",
]


def hostile_specs() -> dict[str, str]:
    """Each text in each place of a spec."""
    specs: dict[str, str] = {}
    good = {"bpx": 1, "title": "t", "inputs": {"x": 0.5}, "graph": {"y": "x^2"}, "output": "y"}
    for number, text in enumerate(RUNS):
        op = {"args": ["x"], "value": text, "derivatives": {"x": text}}
        places: list[dict[str, object]] = [
            {"title": text},
            {"inputs": {"x": text}},
            {"inputs": {"x": {"file": text}}},
            {"inputs": {"x": 0.5, text: 1}},
            {"graph": {"y": text}},
            {"graph": {text: "x^2"}},
            {"claims": {"x": text}},
            {"claims": {text: 1}},
            {"expect": {"gradients": {"x": text}}},
            {"ops": {"f": op}, "graph": {"y": "f(x)"}},
            {"tables": {"t": text}},
            {"include": text},
            {"blocks": {"b": {"args": ["x"], "value": text}}},
        ]
        for place, part in enumerate(places):
            specs[f"s{number}_{place}.json"] = json.dumps({**good, **part})
    return specs


def test_nothing_that_is_read_reaches_out(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"x": [1, 2, 3]}')
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "z").write_text("bpx = 1\n[graph]\nout = '41 + 1'\n")
    (tmp_path / "net").write_text("bpx = 1\n[graph]\nout = '41 + 1'\n")
    specs = hostile_specs()
    for name, text in specs.items():
        (tmp_path / name).write_text(text)
    notes = "\n".join(f"y = x^2\ndy/dx = {text}" for text in RUNS)
    (tmp_path / "notes.md").write_text(notes)
    tex = "\\input{secret.json}\n\\include{y/z}\n$y = x^2$\n\\write18{touch PWNED}\n"
    (tmp_path / "notes.tex").write_text(tex)
    (tmp_path / "g.csv").write_text("name,value\n" + "\n".join(f"{json.dumps(text)},1" for text in RUNS))
    commands = [["explain", name] for name in specs]
    commands += [["gradcheck", name, "--json"] for name in list(specs)[::15]]
    commands += [["convert", name, "--to", "numpy"] for name in list(specs)[::11]]
    commands += [["draw", name, "-f", form] for form in ("svg", "html", "dot") for name in list(specs)[::29]]
    commands += [["explain", "--set", "x=1", "--", text] for text in RUNS if text != "secret.json"]
    commands += [["gradcheck", "x^2", "x=1", f"--claim=x = {text}"] for text in RUNS if "@" not in text]
    commands += [["explain", "x^2", f"x={text}"] for text in RUNS if "@" not in text]
    commands += [["check", "notes.md"], ["check", "notes.tex"], ["audit", "sigmoid", "g.csv"]]
    commands += [["explain", "y/z", "y=6", "z=3"], ["explain", "net", "net=2"], ["practice", "net"]]
    found = subprocess.run(
        [sys.executable, "-B", "-c", WATCH],  # Python keeps no compiled modules meanwhile
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(bpx.__file__).parents[1])},
        check=True,
    )
    seen = json.loads(found.stdout.splitlines()[-1])
    assert seen["events"] == []
    assert set(seen["codes"]) <= {0, 1, 2}
    assert seen["codes"][-3:] == [0, 0, 2]
    assert 0 in seen["codes"][: len(specs)]  # a hostile title is a title
    assert not (tmp_path / "PWNED").exists()


def test_a_file_is_named_by_its_ending_or_its_folder(tmp_path: Path) -> None:
    from bpx.spec.reading.target import names_file

    files = [
        "a.toml",
        "./net",
        "../net",
        "/tmp/net",
        "~/net",
        "notes.md",
        "my file.txt",
        "x^2.txt",
        "sub/a.json",
    ]
    formulas = ["y/z", "net", "x*0.5", "A.T", "x*A.T", "2.x", "1.e5", "y = x.T", "sub/net", "x", "(x)/y"]
    assert [name for name in files if not names_file(name)] == []
    assert [text for text in formulas if names_file(text)] == []
