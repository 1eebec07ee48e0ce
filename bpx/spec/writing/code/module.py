"""NamedGraph → a Python module that computes both passes with NumPy, PyTorch or JAX alone.

The backward pass is that of `bpx.passes.reverse`: its nodes, written in the names of the user.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import fill
from typing import Any

import numpy as np

from bpx.graph.formula import formula, ops_written, partial
from bpx.graph.graph import Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.passes.domain import kink_notes
from bpx.passes.query import query_nodes
from bpx.passes.reverse import Edge, Ledger, by_arg, reverse
from bpx.spec.writing.code.checks import check_of
from bpx.spec.writing.code.expression import Code, array_code
from bpx.spec.writing.code.helpers import documented, needed
from bpx.spec.writing.code.libraries import LIBRARIES
from bpx.spec.writing.code.names import Identifiers, in_a_comment
from bpx.spec.writing.code.writer import Module, Writer, function
from bpx.words.say import say, titled


@dataclass(frozen=True)
class _Passes:
    """The graph with its reverse pass; `wrt` are the inputs with a gradient, `whole` those that choose."""

    spec: NamedGraph
    output: int
    upstream: int
    ledger: Ledger
    wrt: tuple[int, ...]
    whole: frozenset[int]
    values: Mapping[int, Any]

    @property
    def graph(self) -> Graph:
        """That of the specification, and behind it the reverse pass."""
        return self.spec.graph

    @cached_property
    def names(self) -> dict[int, str]:
        """The nodes that the user named."""
        return {**self.spec.own_names, **{leaf.node: leaf.name for leaf in self.spec.inputs}}

    @cached_property
    def output_name(self) -> str:
        """What the output is called."""
        return self.spec.names.get(self.output, "out")

    @cached_property
    def edges(self) -> dict[int, list[Edge]]:
        """The edges of the reverse pass, by the node whose gradient they contribute to."""
        return by_arg(self.ledger.edges)

    @property
    def kinks(self) -> list[str]:
        """The steps that are at a kink for the values of the inputs."""
        return [str(note.facts["node"]) for note in kink_notes(self.spec, self.ledger, self.values)]


def write_module(spec: NamedGraph, library: str, *, with_check: bool = True) -> str:
    """A module for the library `numpy`, `torch` or `jax`: inputs, forward, backward and a check."""
    return _Writing(_passes(spec), library).text(with_check)


def _passes(spec: NamedGraph) -> _Passes:
    spec = replace(spec, graph=spec.graph.copy())  # the reverse pass is appended to a graph of its own
    graph = spec.graph
    output, asked = query_nodes(spec, None, None)
    whole = _that_choose(spec)
    wrt = tuple(node for node in asked.values() if node not in whole)
    upstream = graph.input(graph.shapes[output])
    ledger = reverse(graph[output], [graph[node] for node in wrt], upstream)
    known = {**spec.input_values, upstream.id: np.ones(upstream.shape)}
    locals_ = [edge.local for edge in ledger.edges if edge.local is not None]
    values = run(graph, known, [*locals_, output])
    return _Passes(spec, output, upstream.id, ledger, wrt, whole, values)


def _that_choose(spec: NamedGraph) -> frozenset[int]:
    """The inputs of whole numbers that only choose, as the ids of an embedding."""
    graph, chosen, other = spec.graph, set[int](), {spec.output}
    for node in range(spec.size):
        for position, arg in enumerate(graph.args[node]):
            chooses = position in graph.ops[node].chooses and graph.ops[node].name in _BY_IDS
            (chosen if chooses else other).add(arg)
    return frozenset(
        leaf.node
        for leaf in spec.inputs
        if leaf.node in chosen - other and np.array_equal(leaf.value, np.floor(leaf.value))
    )


_BY_IDS = ("embedding", "scatter", "pick", "one_hot")


class _Writing:
    """The functions of one module."""

    def __init__(self, passes: _Passes, library: str) -> None:
        self.passes, self.library = passes, LIBRARIES[library]
        ops = {op.name for op in passes.graph.ops}
        self.module = Module(self.library)
        self.identifiers = Identifiers(self.module.names, ops)
        names = passes.names
        self.inputs = {leaf.node: self.identifiers.of(leaf.name) for leaf in passes.spec.inputs}
        live = passes.graph.needs(of=[passes.output])
        steps = [node for node in live if node in names and node not in self.inputs]
        self.steps = {node: self.identifiers.of(names[node]) for node in steps}
        if passes.output not in self.steps and passes.output not in self.inputs:
            self.steps[passes.output] = self.identifiers.of(passes.output_name)
        called = {**self.inputs, **self.steps}
        self.gradients = {
            node: self.identifiers.of(f"d{called[node]}")
            for node in sorted(called, reverse=True)
            if node in passes.ledger.upstream or node == passes.output
        }

    def text(self, with_check: bool) -> str:
        """The module."""
        forward, backward = self._forward_and_backward()
        functions = [*self.module.sources, forward, backward]
        helpers = self.library.helpers
        used = [self.library.spelled(documented(name, helpers[name])) for name in self._helpers(functions)]
        parts = [self._inputs(), *used, *functions, *([self._check()] if with_check else [])]
        body = "\n\n\n".join(part.strip("\n") for part in parts)
        return f"{self._head(body)}\n\n\n{body}\n"

    def _check(self) -> str:
        wrt = [self.inputs[node] for node in self.passes.wrt]
        check = check_of(self.library.name, self.passes.output_name, wrt, self.passes.kinks)
        return self.library.spelled(check)

    def _helpers(self, functions: Iterable[str]) -> list[str]:
        helpers = {name: self.library.spelled(source) for name, source in self.library.helpers.items()}
        called = {name for text in functions for name in re.findall(r"\b(\w+)\(", text)}
        return needed([name for name in helpers if name in called], helpers)

    # --- what stands above the functions ---

    def _head(self, body: str) -> str:
        spec, library = self.passes.spec, self.library
        title = titled(spec.title or "") or say("code.title", output=self.passes.output_name)
        lines = [f"# {in_a_comment(title)}", "#", f"# {say('code.made-by', library=_TITLES[library.name])}"]
        lines += [f"# {ours}: {in_a_comment(theirs)}" for ours, theirs in self._renamed()]
        standard = [f"import {name}" for name in ("itertools", "math") if f"{name}." in body]
        return "\n".join([*lines, "", *standard, *([""] if standard else []), *library.imports])

    def _renamed(self) -> Iterator[tuple[str, str]]:
        for node, ours in {**self.inputs, **self.steps}.items():
            theirs = self.passes.names.get(node, ours)
            if ours != theirs:
                yield ours, theirs

    def _inputs(self) -> str:
        lines = ["def inputs():", f'    """{say("code.inputs")}"""', "    return {"]
        for leaf in self.passes.spec.inputs:
            name = self.inputs[leaf.node]
            value = array_code(
                np.asarray(leaf.value), whole=leaf.node in self.passes.whole, indent=" " * (len(name) + 12)
            )
            lines.append(f'        "{name}": {value.text},')
        return self.library.spelled("\n".join([*lines, "    }"]))

    # --- the two passes ---

    def _forward_and_backward(self) -> tuple[str, str]:
        passes = self.passes
        gradients = {
            node: passes.ledger.upstream[node] for node in self.gradients if node in passes.ledger.upstream
        }
        forward = self._writer(self.inputs)
        forward.temporary = self._temporary
        forward.count_uses([passes.output, *self.steps, *gradients.values()])
        for node, name in sorted(self.steps.items()):
            forward.bind(node, name, self._about(node, name))
        called = {node: forward.codes[node].text for node in forward.bound}
        upstream = self.gradients[passes.output]
        backward = self._writer({**called, passes.upstream: upstream})
        backward.temporary, backward.uses = self._temporary, forward.uses
        for node in sorted(gradients, reverse=True):
            if node != passes.output:
                self._gradient(backward, node)
        kept = [called[node] for node in sorted(backward.read & called.keys()) if node in called]
        return self._forward_text(forward, called, kept), self._backward_text(backward, upstream, kept)

    def _writer(self, names: Mapping[int, str]) -> Writer:
        passes = self.passes
        whole = [node for node in passes.whole if node in names]
        return Writer(self.module, passes.graph, names, self.identifiers, whole, passes.values)

    def _temporary(self, node: int) -> str:
        """A name for a node that the user gave none; the gradient of one is called after it."""
        names = self.passes.spec.names
        if node in names:
            return self.identifiers.of(names[node])
        if node in self._gradients_of:
            return self.identifiers.of(f"d{names[self._gradients_of[node]]}")
        return self.identifiers.of("c" if node in self.passes.graph.constants else "t")

    @cached_property
    def _gradients_of(self) -> dict[int, int]:
        """The node of a gradient → the first node with a name whose gradient it is."""
        names, upstream = self.passes.spec.names, self.passes.ledger.upstream
        return {gradient: of for of, gradient in reversed(upstream.items()) if of in names}

    def _about(self, node: int, name: str) -> str:
        """The step as bpx writes it, where Python does so in another way; and its shape."""
        graph, names = self.passes.graph, self.passes.names
        shape = graph.shapes[node]
        text = self._formula(node)
        parts = [f"{names.get(node, name)} = {text}"] if len(text) <= _LONGEST_COMMENT else []
        return in_a_comment(
            ", ".join([*parts, *([say("code.shape", shape=shape_text(shape))] if shape else [])])
        )

    def _formula(self, node: int) -> str:
        """The node as bpx writes it, in the names of the user."""
        if ops_written(self.passes.graph, node, self.passes.names) > _LONGEST_COMMENT:
            return " " * (_LONGEST_COMMENT + 1)
        return str(formula(self.passes.graph, node, self.passes.names))

    def _gradient(self, writer: Writer, node: int) -> None:
        """The lines for the gradient of a node: one for each contribution."""
        passes, name = self.passes, self.gradients[node]
        gradient = passes.ledger.upstream[node]
        derivative = partial(passes.output_name, passes.names.get(node, name))
        edges = [edge for edge in passes.edges.get(node, []) if not self._is_zero(edge)]
        if len(edges) < 2:
            writer.bind(gradient, name, in_a_comment(derivative))
            return
        for at, edge in enumerate(edges):
            code = writer.code(edge.contribution).as_number
            consumer = passes.names.get(edge.consumer) or self._formula(edge.consumer)
            if len(consumer) > _LONGEST_COMMENT:
                consumer = passes.spec.names.get(edge.consumer, "")
            key = "code.and-by" if at else "code.by"
            comment = in_a_comment(say(key, derivative=derivative, consumer=consumer))
            writer.line(name, Code(f"{name} + {code.within(11)}") if at else code, comment)
        writer.codes[gradient] = Code(name)
        writer.bound.add(gradient)

    def _is_zero(self, edge: Edge) -> bool:
        constant = self.passes.graph.constants.get(edge.contribution)
        return constant is not None and not constant.any()

    def _forward_text(self, writer: Writer, called: Mapping[int, str], kept: list[str]) -> str:
        about = in_a_comment(say("code.forward", output=called[self.passes.output]))
        lines = [f'"""{about}"""', *writer.lines, _tuple(kept, f"return {called[self.passes.output]}, ")]
        return function("forward", self.inputs.values(), lines)

    def _backward_text(self, writer: Writer, upstream: str, kept: list[str]) -> str:
        lines = [f'"""{say("code.backward", upstream=upstream)}"""']
        unpacked = _tuple(kept, "", " = cache")
        if "\n" not in unpacked:
            unpacked = unpacked.replace("(", "").replace(")", "")
        lines += [unpacked] if kept else []
        entries = [f'"{self.inputs[node]}": {self._result(node)}' for node in self.passes.wrt]
        lines += [*writer.lines, _bracketed(entries, "return {", "}")]
        return function("backward", [upstream, "cache"], lines)

    def _result(self, node: int) -> str:
        if node in self.gradients:
            return self.gradients[node]
        return self.library.spelled(f"np.zeros({self.passes.graph.shapes[node]})")


_LONGEST_COMMENT = 60
_LONGEST_TUPLE = 90
_GLUE = "\0"
_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
_TITLES = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}


def _tuple(names: Sequence[str], before: str, behind: str = "") -> str:
    """A tuple of names in a statement."""
    last = [f"{names[-1]},"] if len(names) == 1 else names[-1:]
    return _bracketed([*names[:-1], *last], f"{before}(", f"){behind}")


def _bracketed(entries: Sequence[str], opening: str, closing: str) -> str:
    """Entries between brackets, in lines of their own where they are many."""
    inside = ", ".join(entries)
    if len(opening) + len(inside) + len(closing) <= _LONGEST_TUPLE:
        return f"{opening}{inside}{closing}"
    # Spaces inside of an entry are no places to break it.
    glued = " ".join(f"{entry.replace(' ', _GLUE)}," for entry in entries)
    lines = fill(glued, _LONGEST_TUPLE, initial_indent="    ", subsequent_indent="    ", **_WHOLE_WORDS)
    return f"{opening}\n{lines.replace(_GLUE, ' ')}\n{closing}"
