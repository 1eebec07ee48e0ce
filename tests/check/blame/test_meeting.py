"""Where all paths from a node to the output meet, beside the definition taken literally."""

import random
from types import SimpleNamespace

from bpx.check.blame.claim_mistakes import _ClaimSearch
from bpx.graph.graph import Graph


def test_paths_meet_at_the_first_node_without_which_the_output_is_not_reached() -> None:
    draw, known = random.Random(1), 0
    for _ in range(400):
        args = [()] * 2 + [
            tuple(draw.choice(range(max(0, node - 5), node)) for _ in range(draw.randint(1, 2)))
            for node in range(2, draw.randint(4, 14))
        ]
        output = len(args) - 1
        if reached(args)[output]:
            expected = next((node for node in range(1, output) if not reached(args, node)[output]), None)
            assert _ClaimSearch.meeting.fget(search(args)) == expected, args
            known += expected is not None
    assert known > 50


def reached(args, without=None):
    """Which nodes depend on node 0, by paths that avoid one."""
    flags = [True]
    for node in range(1, len(args)):
        flags.append(node != without and any(flags[arg] for arg in args[node]))
    return flags


def search(args):
    """What the property reads of a search, for a graph of these args."""
    touches = reached(args)
    needed = {len(args) - 1}
    for node in reversed(range(len(args))):
        needed |= set(args[node]) if node in needed else set()
    edges = [SimpleNamespace(consumer=node, arg=arg) for node in needed for arg in args[node] if touches[arg]]
    graph = SimpleNamespace(args=args, touched=lambda by, upto: Graph.touched(graph, by=by, upto=upto))
    query = SimpleNamespace(output=len(args) - 1)
    ledger = SimpleNamespace(edges=edges)
    return SimpleNamespace(node=0, checked=SimpleNamespace(graph=graph, query=query, ledger=ledger))
