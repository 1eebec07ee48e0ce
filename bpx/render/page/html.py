"""Pages as HTML: one file that asks for nothing, with its style, its data and its script inside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import Any

from bpx.render.page.minified import minified
from bpx.render.page.page import Page, PageContent, PageNode
from bpx.render.page.scripts import definitions_for, source
from bpx.render.picture.choices import Style
from bpx.render.picture.layout import layout
from bpx.render.picture.picture import Card, Edge, Kind, Picture
from bpx.render.picture.placing.engines import engine
from bpx.render.picture.placing.geometry import Box, Geometry, Route
from bpx.render.picture.placing.plain_columns import by_columns
from bpx.render.picture.placing.text_width import text_width
from bpx.render.picture.svg import inert
from bpx.words.say import say

_WIDEST_NUMBER = "-0.123456"  # there is room for on each card, as inputs may be edited
# Nothing is loaded, whatever the page would ask for.
_POLICY = "default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'"
# The facts of each sentence of the script, in the order in which the script has them.
_SENTENCES = {
    "start": (),
    "forward": ("text",),
    "seed": ("name", "value"),
    "edge": ("from", "formula", "contribution", "to"),
    "step": ("step", "last"),
    "wrong": ("name", "count"),
    "descended": ("name", "count", "from", "to"),
    "norm": ("norm",),
    "value": ("value",),
    "gradient": ("gradient",),
}
_KINDS = {"data": 1, "parameter": 2, "target": 3, "constant": 4}
_CONSTANT = 5  # the kind of a leaf that nobody edits


def html(page: Page) -> str:
    """The page."""
    content = page.content
    title = inert(content.pictures[0].title)
    body = f"<h1 id=title>{title}</h1>" + "".join(_body(content))
    lines = [
        f"<!DOCTYPE html>\n<html lang={say('page.language')}>\n<meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">',
        f"<title>{title}</title>",
        f"<style>{_stylesheet()}</style>",
        f"<main>{body}</main>",
        f"<script>{_script(content, body)}</script>",
    ]
    return "\n".join(lines) + "\n</html>\n"


def _stylesheet() -> str:
    text = source("page.css").replace("\n", "")
    for loose, tight in (
        (" {", "{"),
        ("{ ", "{"),
        (" }", "}"),
        ("; ", ";"),
        (": ", ":"),
        (", ", ","),
        (" > ", ">"),
    ):
        text = text.replace(loose, tight)
    variables = list(dict.fromkeys(re.findall(r"--\w+", text)))
    return re.sub(r"--\w+", lambda name: f"--{ascii_lowercase[variables.index(name[0])]}", text)


# Ends of paragraphs, of rows and of their cells go without saying in HTML.


def _body(content: PageContent) -> Iterator[str]:
    yield f"<header><p><button id=back>← {_said('back')}</button><button id=next>{_said('next')} →</button>"
    yield f'<input type=range id=slider min=0 aria-label="{_said("steps")}">'
    yield f"<p id=sentence role=status>{_said('no-script')}</header>"
    yield f"<p id=about>{inert(content.pictures[0].description)}<div id=pictures></div>"
    yield _table("inputs", ["input", "value", "gradient", "differences"])
    yield f"<p id=wrong role=alert><p>{_button('check')}{_button('reset')}"
    if content.can_descend:
        yield f"<p><label>{_said('rate')} <input id=rate value=0.1 inputmode=decimal></label>"
        yield f"{_button('once')}{_button('often')}<p id=losses role=status>"
    yield _table("nodes", ["node", "formula", "with-numbers", "value", "gradient"])
    if content.edges:
        yield _table("edges", ["edge", "upstream", "local", "local-value", "contribution"])


def _said(key: str, **facts: Any) -> str:
    return inert(say(f"page.{key}", **facts))


def _button(key: str) -> str:
    return f"<button id={key}>{_said(key)}</button>"


def _table(name: str, columns: Sequence[str]) -> str:
    heads = "".join(f"<th>{_said(f'column.{key}')}" for key in columns)
    caption = f"{name[0]}h"
    return (
        f"<h2 id={caption}>{_said(f'{name}-head')}</h2>"
        # What can be scrolled must be reached by keys.
        f"<div class=scroll tabindex=0 role=region aria-labelledby={caption}>"
        f"<table><thead><tr>{heads}<tbody id={name}></table></div>"
    )


def _script(content: PageContent, body: str) -> str:
    tape = content.tape.text()
    own = _own_script(content)
    data = {
        **data_of_script(content),
        "output": content.output,
        "roles": ["", *(_role(role, content) for role in _KINDS)],
    }
    constants = [f"const {name}={_literal(value)};" for name, value in data.items()]
    sentences = [_sentence(key, facts) for key, facts in _SENTENCES.items() if f"said_{key}(" in own]
    elements = [f"${name}" if f"${name}." in own else "" for name in re.findall(r'\bid="?([\w-]+)', body)]
    found = f'const [{",".join(elements)}]=document.querySelectorAll("[id]");'
    parts = [definitions_for(tape), *constants, f"const tape={tape};", found, *sentences, own]
    # In a block, so that no name meets one of the browser's own.
    return '{"use strict";\n' + minified("\n".join(parts)) + "}"


def _own_script(content: PageContent) -> str:
    """The part that all pages have, and what this one needs."""
    features = {
        "arrays": not content.is_of_numbers,
        "circuit": content.pictures[0].style is Style.CIRCUIT,
        "descent": content.can_descend,
        "frames": any(picture.frames for picture in content.pictures),
        "layers": len(content.pictures) > 1,
    }
    needed = {name for name, is_needed in features.items() if is_needed}
    values = ["scalars.js"] if content.is_of_numbers else ["tape.js", "arrays_shown.js"]
    parts = "\n\n".join(source(name, frozenset(needed)) for name in [*values, "page.js"]).split("\n\n")
    return "\n".join(part for part in parts if content.can_descend or not part.startswith("const descend "))


def data_of_script(content: PageContent) -> dict[str, Any]:
    """What `page.js` says of nodes, edges and pictures, by name."""
    nodes, edges = content.nodes, content.edges
    return {
        "names": [inert(node.name) for node in nodes],
        "formulas": [inert(node.formula) for node in nodes],
        "places": [node.value for node in nodes],
        "gradients": [node.gradient for node in nodes],
        "kinds": _kinds(nodes),
        "shapes": [] if content.is_of_numbers else _shapes(content),
        "consumers": [edge.consumer for edge in edges],
        "args": [edge.arg for edge in edges],
        "derivatives": [inert(edge.formula) for edge in edges],
        "locals": [edge.local for edge in edges],
        "contributions": [edge.contribution for edge in edges],
        "pictures": [_picture_data(content, picture, nth) for nth, picture in enumerate(content.pictures)],
    }


def _shapes(content: PageContent) -> list[Any]:
    """0 for a number."""
    shapes = [*(node.shape for node in content.nodes), *(edge.local_shape for edge in content.edges)]
    return [shape or 0 for shape in shapes]


def _kinds(nodes: Sequence[PageNode]) -> list[int]:
    """Up to the last that is not 0."""
    kinds = [0 if node.formula else _KINDS.get(node.role, _CONSTANT) for node in nodes]
    return kinds[: max((at + 1 for at, kind in enumerate(kinds) if kind), default=0)]


def _literal(value: Any) -> str:
    """Data in a script, in which nothing ends the script."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _sentence(key: str, facts: Sequence[str]) -> str:
    """A function that puts the facts in."""
    text = _said(f"{key}.said", **{fact: f"${{{fact}}}" for fact in facts})
    return f"const said_{key} = ({', '.join(facts)}) => `{text}`;"


def _role(role: str, content: PageContent) -> str:
    return inert(say(f"role.{role}")) if any(node.role == role for node in content.nodes) else ""


# --- pictures ---


def _picture_data(content: PageContent, picture: Picture, nth: int) -> list[Any]:
    """The title of the first is that of the page."""
    numbers = {node.id: number for number, node in enumerate(content.nodes)}
    geometry = layout(picture, engine() or by_columns, text_width(_WIDEST_NUMBER, 12.0))
    cards = {card.id: number for number, card in enumerate(picture.cards)}
    return [
        round(geometry.width),
        round(geometry.height),
        [_card_data(card, geometry, numbers) for card in picture.cards],
        [
            _edge_data(content, picture, edge, route, cards)
            for edge, route in zip(picture.edges, geometry.routes, strict=True)
        ],
        [[inert(name), *_box(box)] for name, box in geometry.frames.items()],
        *([inert(picture.title)] if nth else []),
    ]


def _box(box: Box) -> list[int]:
    return [round(box.x), round(box.y), round(box.width), round(box.height)]


def _card_data(card: Card, geometry: Geometry, numbers: dict[int, int]) -> list[Any]:
    """Members only where there are others than the node itself."""
    members = [numbers[node] for node in card.nodes if node in numbers]
    data = [numbers[card.id], inert(card.head or card.formula), *_box(geometry.boxes[card.id])[:3]]
    if card.kind is Kind.LAYER:
        return [*data, members, 1]
    return data if members == [numbers[card.id]] else [*data, members]


def _edge_data(
    content: PageContent, picture: Picture, edge: Edge, route: Route, cards: dict[int, int]
) -> list[Any]:
    points = [round(number) for point in route.points for number in point]
    ends = [cards[edge.source], cards[edge.target], points]
    if route.label is None:
        return ends
    source_nodes = set(picture.by_id[edge.source].nodes)
    target_nodes = set(picture.by_id[edge.target].nodes)
    shown = [
        number
        for number, row in enumerate(content.edges)
        if content.nodes[row.arg].id in source_nodes and content.nodes[row.consumer].id in target_nodes
    ]
    return [*ends, round(route.label.centre[0]), round(route.label.y), *(shown if edge.contribution else [])]
