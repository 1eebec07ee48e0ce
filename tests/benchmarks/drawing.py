"""200 random graphs of 5 to 66 nodes, drawn: faults, crossings beside Graphviz's, and the time it takes.

Needs graphlay; pygraphviz too for the comparison. The time is that of layout and SVG, in this process.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from random_pictures import faults, random_picture

from bpx.explain.explain import explain
from bpx.render.picture.layout import GAPS, arrows_of, card_sizes, layout
from bpx.render.picture.picture import Picture
from bpx.render.picture.placing.engines import by_graphviz
from bpx.render.picture.placing.geometry import Route, crossings
from bpx.render.picture.svg import svg_lines
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 200


def graphviz_crossings(picture: Picture) -> int:
    """Those of Graphviz's own drawing of cards of the same sizes."""
    placement = next(by_graphviz(card_sizes(picture), arrows_of(picture), GAPS))
    return crossings([Route(tuple(line)) for line in placement.lines])


def main() -> None:
    """Print the figures."""
    pictures = [random_picture(seed, 5 + seed * 61 // (COUNT - 1)) for seed in range(COUNT)]
    examples = [explain(read_target(name), check=False).picture() for name in example_names()]
    faulty, slowest, ours, theirs = [], 0.0, 0, 0
    layout(pictures[0])  # imports
    for picture in [*pictures, *examples]:
        start = time.process_time()
        geometry = layout(picture)
        deque(svg_lines(picture, geometry), maxlen=0)
        slowest = max(slowest, time.process_time() - start)
        faulty += [(picture.title, kinds)] if (kinds := faults(picture, geometry)) else []
        ours += crossings(geometry.routes)
        theirs += graphviz_crossings(picture) if find_spec("pygraphviz") else 0
    print(f"{len(pictures)} random graphs, {len(examples)} examples; with faults: {faulty or 'none'}")
    print(f"crossings: {ours}, Graphviz {theirs}; slowest: {slowest:.2f} s of CPU")


if __name__ == "__main__":
    main()
