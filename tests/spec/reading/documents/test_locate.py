"""Where things stand in a TOML or JSON text: every span, read alone, is what stands there."""

import json
import subprocess
import sys
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.spec.reading.documents.locate import decoded, locate_json, locate_toml
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import Source

fixed = settings(
    derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

# --- TOML ---------------------------------------------------------------------------------------

TOML = [
    # text, path, the key as written, the value as written
    ("a = 1", ("a",), "a", "1"),
    ("a=1", ("a",), "a", "1"),
    ("  a \t=\t -1.5e-3   # why", ("a",), "a", "-1.5e-3"),
    ("a-b_1 = +inf", ("a-b_1",), "a-b_1", "+inf"),
    ("1234 = 0xff", ("1234",), "1234", "0xff"),
    ("a = 1\n\n# b = 3\nb = 2", ("b",), "b", "2"),
    ("a.b.c = 1", ("a", "b", "c"), "a.b.c", "1"),
    ("a . b = 1", ("a", "b"), "a . b", "1"),
    ("3.14 = 1", ("3", "14"), "3.14", "1"),
    ('"σ" = 1', ("σ",), '"σ"', "1"),
    ("'a b' = 1", ("a b",), "'a b'", "1"),
    ('"a.b" = 1', ("a.b",), '"a.b"', "1"),
    ('a."b c".d = 1', ("a", "b c", "d"), 'a."b c".d', "1"),
    ("a. b. 'c' = 1", ("a", "b", "c"), "a. b. 'c'", "1"),
    ('"" = 1', ("",), '""', "1"),
    (r'"\u03c3\t\"q\"" = 1', ('σ\t"q"',), r'"\u03c3\t\"q\""', "1"),
    (r"'\u03c3' = 1", (r"\u03c3",), r"'\u03c3'", "1"),
    (r'"\U0001D499" = 1', ("𝒙",), r'"\U0001D499"', "1"),
    ("[t]\na = 1", ("t", "a"), "a", "1"),
    ("[t] # why\na = 1\n[u]\na = 2", ("u", "a"), "a", "2"),
    ('[ t . "u v" ]\na.b = 1', ("t", "u v", "a", "b"), "a.b", "1"),
    ("[[t]]\na = 1\n[[t]]\na = 2", ("t", 1, "a"), "a", "2"),
    ("a = {b = 1, c = 2}", ("a",), "a", "{b = 1, c = 2}"),
    ("a = {b = 1, c = 2}", ("a", "c"), "c", "2"),
    ("a = { b.c = { d = [1] } }", ("a", "b", "c", "d"), "d", "[1]"),
    ("a = {}", ("a",), "a", "{}"),
    ("a = true\nb = false", ("b",), "b", "false"),
    ('a = "x # y"', ("a",), "a", '"x # y"'),
    (r'a = "x \" ] } , y"', ("a",), "a", r'"x \" ] } , y"'),
    (r"a = 'C:\'", ("a",), "a", r"'C:\'"),
    ('a = """\nx + y\n"""', ("a",), "a", '"""\nx + y\n"""'),
    ('a = """q "q" ""q"""', ("a",), "a", '"""q "q" ""q"""'),
    ('a = """q"""""\nb = 1', ("a",), "a", '"""q"""""'),
    ('a = """x \\""" y"""', ("a",), "a", '"""x \\""" y"""'),
    ("a = '''it's\n''x'''\nb = 1", ("b",), "b", "1"),
    ("a = '''x\\'''\nb = 1", ("a",), "a", "'''x\\'''"),
    ("a = 1979-05-27\nb = 1", ("a",), "a", "1979-05-27"),
    ("a = 1979-05-27T07:32:00Z\nb = 1", ("a",), "a", "1979-05-27T07:32:00Z"),
    ("a = 1979-05-27 07:32:00.5\nb = 1", ("a",), "a", "1979-05-27 07:32:00.5"),
    ("a = 07:32:00\nb = 1", ("b",), "b", "1"),
]
ELEMENTS = [
    ("a = [1, 2, 3]", ("a", 1), "2"),
    ("a = [[1, 2], [3, 4],]", ("a", 1, 0), "3"),
    ("a = [[1, 2], [3, 4],]", ("a", 0), "[1, 2]"),
    ("a = [ # first\n  1, # why, ] not\n\n  2,\n]\nb = 1", ("a", 1), "2"),
    ("a = [ {b = 1}, {b = 'x'} ]", ("a", 1, "b"), "'x'"),
    ("a = ['x', \"y\", '''z''', [], {}]", ("a", 2), "'''z'''"),
    ("a = ['x', \"y\", '''z''', [], {}]", ("a", 4), "{}"),
    ("[t]\na = [\n1,\n-2.5]", ("t", "a", 1), "-2.5"),
]


@every("text, path, key, value", TOML)
def test_toml(text, path, key, value):
    tomllib.loads(text)  # the table above holds TOML only
    places = locate_toml(Source("s", text))
    assert (places.key(*path).text, places.value(*path).text) == (key, value)
    assert not places.repeated


@every("text, path, value", ELEMENTS)
def test_toml_elements(text, path, value):
    assert locate_toml(Source("s", text)).value(*path).text == value


@pytest.mark.parametrize(
    ("text", "path", "position"),
    [
        ('"σ" = 1', ("σ",), (1, 7)),
        ('t = "学 𝒙"\n[g]\na = [1,\n\t2]', ("g", "a", 1), (4, 2)),
        ('a = """\n\n"""\nb = 1', ("b",), (4, 5)),
    ],
)
def test_positions_count_characters(text, path, position):
    source = Source("s", text)
    assert source.position(locate_toml(source).value(*path).start) == position


@pytest.mark.parametrize(
    ("text", "path", "found"), [("[t]\na = [1]", ("t", "a", 7), "[1]"), ("", ("a",), None)]
)
def test_what_has_no_place_stands_where_its_holder_stands(text, path, found):
    span = locate_toml(Source("s", text)).value(*path)
    assert (span and span.text) == found


@every(
    "text, repeated",
    [
        ("a = 1\nb = 2\na = 3", [(("a",), 3)]),
        ("a.b = 1\na.c = 2\na.b = 3", [(("a", "b"), 3)]),
        ("[t]\na = 1\n[u]\na = 1\n[t]\n", [(("t",), 5)]),
        ("a = 1\n'a' = 2\n\"a\" = 3", [(("a",), 2), (("a",), 3)]),
        ("t = { a = 1, a = 2 }", [(("t", "a"), 1)]),
        ("[t]\n[t.u]\n[[v]]\na = 1\n[[v]]\na = 1", []),
        ("[t.u]\n[t]\n", []),
        ("[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\na = 1", []),  # a table of each element
    ],
)
def test_repeated_keys_of_toml(text, repeated):
    source = Source("s", text)
    found = locate_toml(source).repeated
    assert [(path, source.position(span.start)[0]) for path, span in found] == repeated


# --- JSON ---------------------------------------------------------------------------------------


@every(
    "text, path, key, value",
    [
        ('{"a": 1}', ("a",), '"a"', "1"),
        ('{ "a" :-1.5E+3\n}', ("a",), '"a"', "-1.5E+3"),
        ('{"a": {"b": [1, {"c": null}]}}', ("a", "b", 1, "c"), '"c"', "null"),
        ('{"a.b": true}', ("a.b",), '"a.b"', "true"),
        (r'{"\u03c3": "x"}', ("σ",), r'"\u03c3"', '"x"'),
        (r'{"\ud835\udc99": 1}', ("𝒙",), r'"\ud835\udc99"', "1"),
        (r'{"\"\\\/\b\f\n\r\t": 1}', ('"\\/\b\f\n\r\t',), r'"\"\\\/\b\f\n\r\t"', "1"),
        ('{"": {"": []}}', ("", ""), '""', "[]"),
        ('{"a": "]},:#", "b": 2}', ("b",), '"b"', "2"),
        ('{"a": "", "b": [""]}', ("b",), '"b"', '[""]'),
    ],
)
def test_json(text, path, key, value):
    places = locate_json(Source("s", text))
    assert (places.key(*path).text, places.value(*path).text) == (key, value)


def test_repeated_keys_of_json():
    text = '{"a": {"b": 1, "c": [{"b": 1}, {"b": 1, "b": 2}]}, "a": 1}'
    repeated = locate_json(Source("s", text)).repeated
    assert [(path, span.start) for path, span in repeated] == [
        (("a", "c", 1, "b"), text.index('"b": 2')),
        (("a",), text.rindex('"a"')),
    ]


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
documents = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | numbers | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    ),
    max_size=5,
)


def parts(value, path=()):
    """Every part of a document with its path."""
    yield path, value
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from parts(value[key], (*path, key))


@fixed
@given(documents, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_json_spans_read_back(document, indent, ensure_ascii):
    places = locate_json(Source("s", json.dumps(document, indent=indent, ensure_ascii=ensure_ascii)))
    for path, value in parts(document):
        span = places.value(*path) if path else places.values[()]
        assert json.loads(span.text) == value
        if path and isinstance(path[-1], str):
            assert json.loads(places.key(*path).text) == path[-1]
    assert not places.repeated


# --- TOML that bpx writes -----------------------------------------------------------------------

names = st.sampled_from(["x", "w_1", "ω", "学习率", "w₁", "W", "β2"])
values = st.floats(-1e300, 1e300) | st.lists(st.lists(st.floats(-1, 1), min_size=2, max_size=2), min_size=1)
roles = st.sampled_from(["data", "parameter", "target", "constant"])


@fixed
@given(st.text(), st.dictionaries(names, st.tuples(values, roles), min_size=1))
def test_toml_spans_read_back(title, inputs):
    document = {
        "bpx": 1,
        "title": title,
        "inputs": {name: {"value": value, "role": role} for name, (value, role) in inputs.items()},
        "graph": {"out": "2 + " + " + ".join(f"sum({name})" for name in inputs)},
        "expect": {"value": 0.5},
    }
    written = write_spec(read_spec(Source("s", json.dumps(document)), "json"), "toml")
    places = locate_toml(Source("t", written))
    for path, value in parts(tomllib.loads(written)):
        if path not in [(), ("inputs",), ("graph",), ("expect",)]:
            assert tomllib.loads(f"v = {places.value(*path).text}")["v"] == value
        if path and isinstance(path[-1], str):
            assert tomllib.loads(f"{places.key(*path).text} = 1") == {path[-1]: 1}


# --- the characters of a string -----------------------------------------------------------------


@every(
    "text, content, offsets",
    [
        ('"x+y"', "x+y", [1, 2, 3]),
        ("'x+y'", "x+y", [1, 2, 3]),
        (r"'\n'", r"\n", [1, 2]),
        (r'"a\tb"', "a\tb", [1, 2, 4]),
        (r'"\u03c3(z)"', "σ(z)", [1, 7, 8, 9]),
        (r'"\ud835\udc99y"', "𝒙y", [1, 13]),
        (r'"\U0001D499y"', "𝒙y", [1, 11]),
        (r'"\ud835\u0041"', "\ud835A", [1, 7]),  # half a pair, then a letter
        (r'"\"\\\/"', '"\\/', [1, 3, 5]),
        ('""', "", []),
        ('"""x"""', "x", [3]),
        ("'''x'''", "x", [3]),
        ('"""\nx\ny"""', "x\ny", [4, 5, 6]),
        ("'''\nx'''", "x", [4]),
        ('"""x \\\n   + y"""', "x + y", [3, 4, 10, 11, 12]),
        ('"""x \\  \n\n  y"""', "x y", [3, 4, 12]),
        ('"""a"b"""', 'a"b', [3, 4, 5]),
    ],
)
def test_decoded(text, content, offsets):
    said, places = decoded(text, 0, len(text))
    assert said == content
    assert [*places][:-1] == offsets


@fixed
@given(st.text(), st.booleans())
def test_decoded_as_the_standard_library_does(text, ensure_ascii):
    written = json.dumps(text, ensure_ascii=ensure_ascii)
    said, places = decoded(written, 0, len(written))
    assert said == text
    assert all(written[at] in (char, "\\") for char, at in zip(said, places, strict=False))


# --- hostile texts ------------------------------------------------------------------------------

DEEP = 100_000
HOSTILE = {
    "lists": "'x = ' + '[' * n + ']' * n",
    "open lists": "'[' * n",
    "open lists as a value": "'x = ' + '[' * n",
    "objects": "'{\"a\":' * n + '1' + '}' * n",
    "open objects": "'x = {' + 'a = {' * n",
    "dotted key": "'a.' * n + 'a = 1'",
    "keys below a long header": "'[a' + '.a' * 5000 + ']\\n' + 'k = 1\\n' * 20_000",
    "open string": "'x = \"' + 'y' * n",
    "backslashes": "'x = \"' + '\\\\\\\\' * n",
    "quotes": "'\"' * n",
    "apostrophes": '"\'" * n',
    "open long string": "'x = \"\"\"' + '\\\\\\\\n' * n",
    "comments": "'#\\n' * n",
    "commas": "'x = [' + ',' * n",
    "many elements": "'x = [' + '1, ' * n + ']'",
}
PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
from bpx.words.diagnostic import Source
from bpx.spec.reading.documents.locate import locate_json, locate_toml
n = {deep}
text = {text}
for locate in (locate_toml, locate_json):
    locate(Source("s", text))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on memory can be set")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_costs_little_time_and_memory(text):
    # In a process of its own, so that a failure takes neither the memory nor the time of all tests.
    program = PROGRAM.format(deep=DEEP, text=text)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr[-300:]


SNIPPETS = [
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\\u",
    "\\ud800",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ":",
    ",",
    ".",
    "#",
    "\n",
]
scraps = st.lists(st.sampled_from([*SNIPPETS, "a", "1", " ", "σ", '"\\uZZZZ"', '"\\UFFFFFFFF"'])).map("".join)


@settings(fixed, max_examples=500)
@given(st.text() | scraps)
def test_any_text_is_walked_over_without_raising(text):
    for locate in (locate_toml, locate_json):
        places = locate(Source("s", text))
        spans = [*places.keys.values(), *places.values.values(), *(span for _, span in places.repeated)]
        assert all(0 <= span.start <= span.end <= len(text) for span in spans)
