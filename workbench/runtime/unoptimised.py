"""Models as they are loaded where a graph is run once or twice: function calls in them are not optimised by Grappler.

Grappler rewrites every function that is instantiated, and takes many times as long as one run of it. A call's own
`config_proto` overrides the Session's (`PartitionedCallOp::Instantiate` in partitioned_function_ops.cc), so turning it
off for the Session, as the child does, is not enough: it has to be written into the calls. Only in what is loaded; what
is published stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from workbench.disk import schema
from workbench.disk.schema import Message

_ATTR = "config_proto"
_CALLS = frozenset(
    {"PartitionedCall", "StatefulPartitionedCall"}
)  # no other op of TensorFlow 2.21 has the attr

# A ConfigProto with graph_options (10) {optimizer_options (3) {opt_level (3): -1}, rewrite_options (10)
# {disable_meta_optimizer (19): true}}. Behind another message it is merged into that (config.proto,
# rewriter_config.proto).
CONFIG = b"R\x12" + b"\x1a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"R\x03\x98\x01\x01"


def saved_model(data: bytes) -> bytes:
    """The bytes of a `saved_model.pb` in which no call is optimised; the same object if it has no calls."""
    return _rewritten(data, schema.SavedModel)


def graph_def(data: bytes) -> bytes:
    """The bytes of a GraphDef in which no call is optimised; the same object if it has no calls."""
    return _rewritten(data, schema.GraphDef)


def _rewritten(data: bytes, kind: Any) -> bytes:
    if _ATTR.encode() not in data:
        return data
    message = kind.FromString(data)
    graphs = [meta.graph_def for meta in message.meta_graphs] if kind is schema.SavedModel else [message]
    known: dict[bytes, bytes] = {}
    for call in (call for graph in graphs for call in _calls(graph)):
        config = call.attr[_ATTR]
        if config.s not in known:
            known[config.s] = config.s + CONFIG if _is_message(config.s) else config.s
        config.s = known[config.s]
    return bytes(message.SerializeToString(deterministic=True))


def _calls(graph: Message) -> Iterator[Message]:
    """The calls in a graph and its functions that have a configuration of their own."""
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if node.op in _CALLS and _ATTR in node.attr and node.attr[_ATTR].WhichOneof("value") == "s":
                yield node


def _is_message(data: bytes) -> bool:
    """Whether bytes can be parsed as a message; of others TensorFlow is to say that they can't."""
    try:
        schema.VersionDef.FromString(data)
    except DecodeError:
        return False
    return True
