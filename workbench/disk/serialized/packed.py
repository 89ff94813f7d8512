"""Functions whose bodies are kept as bytes, apart from the message of their model.

A node takes nearly a kilobyte as a message, and a tenth of it as bytes. A function that is made of a graph may be as
large as the graph, and nobody has to look at its nodes before the model is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from workbench.disk.schema import FunctionDef, NodeDef, SavedModel
from workbench.disk.serialized.wire import Buffer, Field, delimited, encode_varint, fields

_CHUNK = 256  # nodes that are messages at a time
# Field numbers. Source: saved_model.proto, meta_graph.proto, graph.proto, function.proto
_META_GRAPHS, _GRAPH_DEF, _LIBRARY, _FUNCTION, _NODE_DEF = 2, 2, 2, 1, 3


class PackedBody:
    """The nodes of a function, as bytes."""

    def __init__(self) -> None:
        self._ops: Counter[str] = Counter()
        self._chunks: list[bytes] = []  # each a FunctionDef with nodes only
        self._open = FunctionDef()

    def __len__(self) -> int:
        return self.ops.total()

    def __iter__(self) -> Iterator[NodeDef]:
        for chunk in self.chunks():
            yield from FunctionDef.FromString(chunk).node_def

    def add(self) -> NodeDef:
        """Return a new last node to fill; it must not be changed any more when the next one is added."""
        if len(self._open.node_def) == _CHUNK:
            self._pack()
        return self._open.node_def.add()

    @property
    def ops(self) -> Counter[str]:
        """How many nodes of each op there are."""
        self._pack()
        return self._ops

    def chunks(self) -> Sequence[bytes]:
        """Return the nodes as parts of a serialised FunctionDef."""
        self._pack()
        return self._chunks

    def _pack(self) -> None:
        if not self._open.node_def:
            return
        self._ops.update([node.op for node in self._open.node_def])
        self._chunks.append(self._open.SerializeToString(deterministic=True))
        self._open = FunctionDef()


class PackedModel:
    """A SavedModel some of whose functions have their nodes apart.

    Args:
        message: the SavedModel; these functions are in the library of its only MetaGraph, without nodes.
        bodies: their nodes, by the name of the function; several may have the same.
    """

    def __init__(self, message: SavedModel, bodies: dict[str, PackedBody] | None = None) -> None:
        self.message = message
        self.bodies = {} if bodies is None else bodies

    def unpack(self) -> SavedModel:
        """Give the functions of the message their nodes, and return it."""
        for function in self.message.meta_graphs[0].graph_def.library.function if self.bodies else ():
            body = self.bodies.pop(function.signature.name, None)
            for chunk in body.chunks() if body is not None else ():
                function.MergeFromString(chunk)
        return self.message

    def serialize(self) -> bytes:
        """Return the bytes of the whole SavedModel, the same as of the message once it is unpacked."""
        return b"".join(self.parts())

    def parts(self) -> list[Buffer]:
        """Return what `serialize` does, in parts that share the memory of the bodies."""
        data = self.message.SerializeToString(deterministic=True)
        if not self.bodies:
            return [data]
        graph_def = self.message.meta_graphs[0].graph_def
        meta = _field(data, _META_GRAPHS, 0, len(data))
        graph = _field(data, _GRAPH_DEF, meta.body, meta.end)
        # What is behind the library is short, so it is found at once; nodes are before it, and many.
        library = graph_def.library.SerializeToString(deterministic=True)
        start = data.rindex(library, graph.body, graph.end)
        end = start + len(library)
        labels = [function.signature.name for function in graph_def.library.function]
        parts, view = list(self._library(library, labels)), memoryview(data)
        for before, after in (
            (view[graph.body : _start(start, len(library))], view[end : graph.end]),
            (view[meta.body : graph.start], view[graph.end : meta.end]),
            (view[: meta.start], view[meta.end :]),
        ):
            parts = [before, *delimited(2, parts), after]
        return parts

    def _library(self, library: bytes, labels: Sequence[str]) -> Iterator[Buffer]:
        """Yield the serialised library with all bodies, in parts."""
        left = iter(labels)
        for field in fields(library):
            body = self.bodies.get(next(left)) if field.number == _FUNCTION else None
            if body is None:
                yield library[field.start : field.end]
                continue
            inner = fields(library, field.body, field.end)
            at = next((one.start for one in inner if one.number > _NODE_DEF), field.end)
            yield from delimited(
                _FUNCTION, [library[field.body : at], *body.chunks(), library[at : field.end]]
            )


def _field(data: bytes, number: int, start: int, end: int) -> Field:
    return next(field for field in fields(data, start, end) if field.number == number)


def _start(body: int, length: int) -> int:
    """Return where a field begins whose content is at `body` and that long."""
    return body - len(encode_varint(length)) - 1
