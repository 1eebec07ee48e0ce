"""Pages as text: one file that asks for nothing, of few bytes, in which user text is inert."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from random_pictures import faults, random_picture
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.picture.picture import PictureOptions
from bpx.render.page import html as writing
from bpx.render.page.minified import minified
from bpx.render.picture.choices import Pass
from bpx.render.picture.layout import layout
from bpx.render.picture.picture import Kind
from bpx.render.picture.placing.plain_columns import by_columns
from bpx.spec.reading.target import read_target, read_text
from bpx.words.diagnostic import Source

EXAMPLES = ("square_of_sum", "logistic_regression_scalars", "mazur_network", "iris_softmax", "conv2d_4x4")
VOID = {"meta", "input"}
ENDS_BY_ITSELF = {"html", "p", "thead", "tbody", "tr", "th"}  # where HTML lets its end be left out


@pytest.fixture(autouse=True)
def _own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own layout, which needs no library."""
    monkeypatch.setattr(writing, "engine", lambda: None)


def explained(name: str) -> Explanation:
    return explain(read_target(name), check=False)


class Elements(HTMLParser):
    """What is in a page; every element that is opened must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attributes if name == "id" and value]
        assert not {"src", "href"} & {name for name, _ in attributes}
        if tag not in VOID | ENDS_BY_ITSELF:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in ENDS_BY_ITSELF or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data.strip())


@every("name", EXAMPLES)
def test_one_file_that_asks_for_nothing(name: str) -> None:
    page = explained(name).to_html()
    elements = Elements(page)
    assert len(elements.ids) == len(set(elements.ids))
    assert "http:" not in page and "https:" not in page
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page
    assert page == explained(name).to_html()


def network(inputs: int, units: int) -> Explanation:
    """A network of numbers with a layer of tanh units."""
    xs, hs = range(inputs), range(units)
    weights = {f"w{h}{x}": 0.1 * h - 0.07 * x + 0.05 for h in hs for x in xs}
    values = {f"x{x}": 0.5 * x - 0.3 for x in xs} | weights | {f"v{h}": 0.15 * h for h in hs} | {"t": 0.25}
    sums = [" + ".join(f"w{h}{x} * x{x}" for x in xs) for h in hs]
    total = " + ".join(f"v{h} * tanh({each})" for h, each in zip(hs, sums, strict=True))
    return explain(read_text(Source("<text>", f"({total} - t)^2"), values), check=False)


@every(
    "explanation, nodes, most",
    [
        (explained("square_of_sum"), 5, 10_800),
        (explained("logistic_regression_scalars"), 20, 12_600),
        (network(3, 5), 66, 18_000),
        (explained("attention_three_tokens"), 16, 15_500),
    ],
)
def test_size(explanation: Explanation, nodes: int, most: int) -> None:
    assert len(explanation.nodes) == nodes
    size = len(explanation.to_html().encode())
    assert most - 500 < size <= most


HOSTILE = "</script><script>alert(1)</script>\"'`${x}\u202e\n<b>"


def test_user_text_is_inert() -> None:
    spec = read_text(Source("<text>", "x^2"), {"x": 2.0})
    page = explain(replace(spec, title=HOSTILE), check=False).to_html()
    Elements(page)
    assert page.count("</script>") == 1
    assert "\u202e" not in page
    assert "<b>" not in page


def test_forward_alone() -> None:
    content = explained("square_of_sum").page(PictureOptions(Pass.FORWARD)).content
    assert not content.edges
    assert all(node.gradient < 0 for node in content.nodes)
    assert not content.can_descend


def test_a_worksheet_does_not_give_its_solution_away() -> None:
    sheet = explain(read_target("square_of_sum"), check=False, forward=True)
    assert not sheet.page().content.edges
    assert not any(card.gradient for card in sheet.picture().cards)


def test_closed_layers_have_pictures_of_their_own() -> None:
    layers = range(1, 40)
    steps = [f'"l{k}.z" = "l{k - 1}.a * w{k} + b"\n"l{k}.a" = "tanh(l{k}.z^2 + 1)"' for k in layers]
    inputs = [f"w{k} = 0.1" for k in layers]
    text = "\n".join(["bpx = 1", "[inputs]", "b = 0.2", *inputs, "[graph]", '"l0.a" = "tanh(b)"', *steps])
    content = explain(read_text(Source("<text>", text)), check=False).page().content
    closed = {card.name for card in content.pictures[0].cards if card.kind is Kind.LAYER}
    assert closed == {picture.title for picture in content.pictures[1:]} != set()


@every("seed", range(6))
def test_own_layout_is_clean(seed: int) -> None:
    picture = random_picture(seed, 6 + 3 * seed)
    found = faults(picture, layout(picture, by_columns))
    assert not any(found.values()), found


@every(
    "script, expected",
    [
        ("const first = (x) => x + 1;", "const a=b=>b+1;"),
        ("const first = (x, y) => f(() => x + y,);", "const a=(b,c)=>d(()=>b+c);"),
        ("const one = 1; const two = [one,];", "const a=1,b=[a];"),
        (
            "const f = () => { const a = 1; let b = a; return b; };",
            "const a=()=>{const b=1;let c=b;return c};",
        ),
        ("const text = `${first} stays ${`in ${first}`}`;", "const a=`${b} stays ${`in ${b}`}`;"),
        ('x.first = { first: first }["first"];', 'a.first={first:b}["first"];'),
        ('if (/first[/"]/.test(x)) return first - -x;', 'if(/first[/"]/.test(a))return b- -a;'),
        ("const f = (x) => x; const g = (x) => f(x);", "const a=b=>b,b=c=>a(c);"),
        ("const [, , third] = [, , 3,];", "const[,,a]=[,,3];"),
    ],
)
def test_minified(script: str, expected: str) -> None:
    assert minified(script) == expected
