"""Pages as HTML: one file that asks for nothing, with its style, its data and its script inside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bpx.render.page.minified import minified
from bpx.render.page.page import Page, PageContent
from bpx.render.page.scripts import definitions, definitions_for, source
from bpx.render.picture.layout import layout
from bpx.render.picture.picture import Card, Edge, Picture
from bpx.render.picture.placing.engines import engine
from bpx.render.picture.placing.geometry import Geometry, Route
from bpx.render.picture.placing.plain_columns import by_columns
from bpx.render.picture.placing.text_width import text_width
from bpx.render.picture.svg import inert
from bpx.words.say import say, visible

_WIDEST_NUMBER = "-0.123456"  # there is room for on each card, as inputs may be edited
# Nothing is loaded, whatever the page would ask for.
_POLICY = "default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'"
_WORDS = ("start", "forward", "seed", "edge", "step", "wrong", "descended", "norm", "value", "gradient")
_FACTS = ("text", "name", "from", "to", "formula", "contribution", "step", "last", "count")


def html(page: Page) -> str:
    """The page."""
    content = page.content
    picture = content.pictures[0]
    lines = [
        f'<!DOCTYPE html>\n<html lang="{say("page.language")}">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{inert(picture.title)}</title>",
        f"<style>{_stylesheet()}</style>",
        "<main>",
        f"<h1>{inert(picture.title)}</h1>",
        *_body(content),
        "</main>",
        f"<script>{_script(content)}</script>",
    ]
    return "\n".join(lines) + "\n</html>\n"


def _stylesheet() -> str:
    text = source("page.css").replace("\n", "")
    for loose, tight in (("{ ", "{"), (" {", "{"), (" }", "}"), ("; ", ";"), (": ", ":"), (", ", ",")):
        text = text.replace(loose, tight)
    return text


def _body(content: PageContent) -> Iterator[str]:
    yield '<div id="bar"><div class="tools">'
    yield f'<button id="back">← {_said("back")}</button><button id="next">{_said("next")} →</button>'
    yield f'<input type="range" id="slider" min="0" aria-label="{_said("steps")}">'
    yield f'</div><p id="sentence" role="status">{_said("no-script")}</p></div>'
    yield f'<p id="about">{inert(content.pictures[0].description)}</p>'
    yield '<div id="pictures"></div>'
    yield _table("inputs", ["input", "value", "gradient", "differences"], "inputs-head")
    yield '<p id="wrong" role="alert"></p>'
    yield f'<div class="tools">{_button("check")}{_button("reset")}</div>'
    if content.can_descend:
        field = '<input id="rate" value="0.1" inputmode="decimal">'
        yield f'<div class="tools"><label>{_said("rate")} {field}</label>'
        yield f"{_button('once')}{_button('often')}</div>"
    yield '<p id="losses" role="status"></p><div id="curve"></div>'
    yield _table("nodes", ["node", "formula", "with-numbers", "value", "gradient"], "nodes-head")
    yield _table("edges", ["edge", "upstream", "local", "local-value", "contribution"], "edges-head")


def _said(key: str, **facts: Any) -> str:
    return inert(say(f"page.{key}", **facts))


def _button(key: str) -> str:
    return f'<button id="{key}">{_said(key)}</button>'


def _table(name: str, columns: Sequence[str], caption: str) -> str:
    heads = "".join(f'<th scope="col">{_said(f"column.{key}")}</th>' for key in columns)
    return (
        f'<h2 id="{caption}">{_said(caption)}</h2>'
        # What can be scrolled must be reached by keys.
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{caption}">'
        f'<table aria-labelledby="{caption}"><thead><tr>{heads}</tr></thead>'
        f'<tbody id="{name}"></tbody></table></div>'
    )


def _script(content: PageContent) -> str:
    tape = content.tape.text()
    data = {
        "nodes": [[visible(node.name), visible(node.formula), *node[3:]] for node in content.nodes],
        "edges": [[*edge[:2], visible(edge.formula), *edge[3:]] for edge in content.edges],
        "pictures": [_picture_data(content, picture) for picture in content.pictures],
        "output": content.output,
        "words": _words(content),
    }
    constants = "".join(f"const {name}={_literal(value)};\n" for name, value in data.items())
    kept = {*definitions(), *data, "tape"}
    functions = minified(definitions_for(tape), kept)
    own = minified(source("tape.js") + source("page.js"), kept)
    parts = [functions, f"{constants}const tape={tape};", own]
    # In a block, so that no name meets one of the browser's own.
    return '{"use strict";\n' + "\n".join(part for part in parts if part) + "}"


def _literal(value: Any) -> str:
    """Data in a script, in which nothing ends the script."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _words(content: PageContent) -> dict[str, str]:
    """The sentences of the script, which puts the facts in."""
    places = {fact: f"{{{fact}}}" for fact in (*_FACTS, *_WORDS)}
    words = {key: say(f"page.{key}.said", **places) for key in _WORDS}
    roles = dict.fromkeys(node.role for node in content.nodes if node.role)
    return {**words, **{role: say(f"role.{role}") for role in roles}}


# --- pictures ---


def _picture_data(content: PageContent, picture: Picture) -> list[Any]:
    numbers = {node.id: number for number, node in enumerate(content.nodes)}
    geometry = layout(picture, engine() or by_columns, text_width(_WIDEST_NUMBER, 12.0))
    cards = {card.id: number for number, card in enumerate(picture.cards)}
    return [
        round(geometry.width),
        round(geometry.height),
        [[visible(name), *_box(box)] for name, box in geometry.frames.items()],
        [_card_data(card, geometry, numbers) for card in picture.cards],
        [
            _edge_data(content, picture, edge, route, cards)
            for edge, route in zip(picture.edges, geometry.routes, strict=True)
        ],
        visible(picture.title),
    ]


def _box(box: Any) -> list[int]:
    return [round(box.x), round(box.y), round(box.width), round(box.height)]


def _card_data(card: Card, geometry: Geometry, numbers: dict[int, int]) -> list[Any]:
    members = [numbers[node] for node in card.nodes if node in numbers]
    inside = int(bool(card.value or card.gradient))
    box = _box(geometry.boxes[card.id])
    return [*box, str(card.kind), card.head or card.formula, numbers[card.id], members, inside]


def _edge_data(
    content: PageContent, picture: Picture, edge: Edge, route: Route, cards: dict[int, int]
) -> list[Any]:
    points = [round(number) for point in route.points for number in point]
    ends = [cards[edge.source], cards[edge.target], points]
    if route.label is None or not edge.contribution:
        return ends
    source_nodes = set(picture.by_id[edge.source].nodes)
    target_nodes = set(picture.by_id[edge.target].nodes)
    shown = [
        number
        for number, row in enumerate(content.edges)
        if content.nodes[row.arg].id in source_nodes and content.nodes[row.consumer].id in target_nodes
    ]
    return [*ends, shown, round(route.label.centre[0]), round(route.label.y), 1]
