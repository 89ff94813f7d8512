"""Models as they are loaded where a graph is run once or twice: Grappler does not optimise what they call.

Grappler rewrites every function that is instantiated, and takes many times as long as one run of it. A call's own
`config_proto` overrides the Session's (`PartitionedCallOp::Instantiate` in partitioned_function_ops.cc), so turning it
off for the Session, as the child does, is not enough: it has to be written into the calls. Only in what is loaded; what
is published stays as it is.

Functions are inlined instead, as Grappler does, by the pass that is made for it (`LowerFunctionalOpsPass`): preparing
a function to be called takes four times as long. That pass does not look out for recursion, nor for functions that call
others twice through many levels, so it is asked for only where little is inlined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from google.protobuf.message import DecodeError

from workbench.disk import schema
from workbench.disk.schema import FunctionDef, GraphDef, NodeDef, SavedModel
from workbench.graph.functions import calls as bodies_under
from workbench.model.op_classes import CALLS, FUNCTIONAL_CONTROL_FLOW

_ATTR = "config_proto"
_INLINED = CALLS | FUNCTIONAL_CONTROL_FLOW
_GROWTH = 2
_SMALL = 10_000  # nodes; so many may come of any graph

# ConfigProtos with graph_options (10) {optimizer_options (3) {opt_level (3): -1}, rewrite_options (10)
# {disable_meta_optimizer (19): true}}, the second with do_function_inlining (4): true in the optimizer_options. Behind
# another message they are merged into that (config.proto, rewriter_config.proto).
_LEVEL, _REWRITE = b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"R\x03\x98\x01\x01"
CALLING = b"R\x12\x1a\x0b" + _LEVEL + _REWRITE
INLINING = b"R\x14\x1a\x0d" + _LEVEL + b"\x20\x01" + _REWRITE


@dataclass(frozen=True, slots=True)
class Unoptimised:
    """What is loaded in place of a file.

    Attributes:
        data: its bytes; the same object where it has no calls.
        inline: whether the Session is to inline what the main graph calls.
    """

    data: bytes
    inline: bool = False


def saved_model(data: bytes) -> Unoptimised:
    """Return a `saved_model.pb` in which no call is optimised."""
    return _rewritten(data, SavedModel)


def graph_def(data: bytes) -> Unoptimised:
    """Return a GraphDef in which no call is optimised."""
    return _rewritten(data, GraphDef)


def _rewritten(data: bytes, kind: type[SavedModel | GraphDef]) -> Unoptimised:
    if _ATTR.encode() not in data:
        return Unoptimised(data)
    message = kind.FromString(data)
    if isinstance(message, SavedModel):
        graphs = [meta.graph_def for meta in message.meta_graphs]
    else:
        graphs = [message]
    inline = all(_stays_small(graph) for graph in graphs)
    added = INLINING if inline else CALLING
    known: dict[bytes, bytes] = {}
    for call in (call for graph in graphs for call in _calls(graph)):
        config = call.attr[_ATTR]
        if config.s not in known:
            known[config.s] = config.s + added if _is_message(config.s) else config.s
        config.s = known[config.s]
    return Unoptimised(bytes(message.SerializeToString(deterministic=True)), inline)


def _stays_small(graph: GraphDef) -> bool:
    """Return whether inlining all calls ends, with few more nodes than there are."""
    functions = {function.signature.name: function for function in graph.library.function}
    called = {name: _called(function.node_def, functions) for name, function in functions.items()}
    try:
        order = list(TopologicalSorter(called).static_order())
    except CycleError:
        return False
    number = len(graph.node) + sum(len(function.node_def) for function in functions.values())
    sizes: dict[str, int] = {}
    for name in order:
        size = len(functions[name].node_def) + sum(sizes[one] for one in called[name])
        sizes[name] = min(size, _GROWTH * number + _SMALL)
    whole = len(graph.node) + sum(sizes[name] for name in _called(graph.node, functions))
    return whole < _GROWTH * number + _SMALL


def _called(nodes: Iterable[NodeDef], functions: Mapping[str, FunctionDef]) -> list[str]:
    """Return the functions inlined into some nodes, each as often as it is called."""
    callers = (node for node in nodes if node.op in _INLINED or node.op in functions)
    return [name for node in callers for _, name in bodies_under(node, functions)]


def _calls(graph: GraphDef) -> Iterator[NodeDef]:
    """Yield the calls in a graph and its functions that have a config_proto of their own."""
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if node.op in CALLS and _ATTR in node.attr and node.attr[_ATTR].WhichOneof("value") == "s":
                yield node


def _is_message(data: bytes) -> bool:
    """Return whether bytes parse as a message; TensorFlow reports the others."""
    try:
        schema.VersionDef.FromString(data)
    except DecodeError:
        return False
    return True
