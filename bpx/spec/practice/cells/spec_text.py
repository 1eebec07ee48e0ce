"""The graph of a sheet as text: what reads back as the same cells, and gives nothing away."""

from __future__ import annotations

from dataclasses import replace

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.target import read_text
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import Source

SHEET_VERSION = 1


def text_of_spec(spec: NamedGraph) -> str:
    """The spec in TOML, without what it is expected to give."""
    return write_spec(replace(spec, expect=None, claims={}), "toml")


def settled(spec: NamedGraph) -> NamedGraph:
    """The spec as it reads back: a sheet names its nodes by this one."""
    return read_text(Source("<sheet>", text_of_spec(spec)))
