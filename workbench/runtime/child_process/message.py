"""The message that TensorFlow loads for a model: what was walked, in our own serialisation, and unambiguous."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from workbench.disk.schema import FunctionDef, MetaGraphDef, NodeDef
from workbench.disk.serialized.wire import Buffer, delimited, encode_varint
from workbench.errors import DamagedFile
from workbench.model import MetaGraph, Model
from workbench.names import show

_META_GRAPHS = 2  # field number in saved_model.proto


def saved_model(model: Model, meta: MetaGraph) -> bytes:
    """Return the bytes of `saved_model.pb` for one MetaGraph, without the others' graphs.

    Of the others the tags stay: `tf.saved_model.load` takes another path where there are several (`load.load_partial`).
    All loaders take the first with the tags that are asked for (`get_meta_graph_def_from_tags`).

    Raises:
        DamagedFile: another MetaGraph with the same tags comes first.
    """
    chosen = _position(model, meta)
    version = model.proto.saved_model_schema_version
    head = b"\x08" + encode_varint(version % (1 << 64)) if version else b""
    content = meta.proto.SerializeToString(deterministic=True)
    whole = b"".join((head, *delimited(_META_GRAPHS, [content])))
    if len(model.proto.meta_graphs) == 1 and _is_as_long_as_read(model, whole):
        return whole
    parts: list[Buffer] = [head]
    for position, proto in enumerate(model.proto.meta_graphs):
        if position == chosen:
            content = _clean(meta).SerializeToString(deterministic=True)
        elif position < chosen and set(proto.meta_info_def.tags) == set(meta.tags):
            raise DamagedFile(
                f"Two MetaGraphs have the tag set {show(meta.tags_text)!r}; loaders take the first.",
                where=show(str(model.path)),
                hint="Choose the first, or give each a tag set of its own.",
            )
        else:
            content = _tags_alone(proto)
        parts += delimited(_META_GRAPHS, [content])
    return b"".join(parts)


def graph_def(model: Model, meta: MetaGraph) -> bytes:
    """Return the bytes of a GraphDef to load."""
    data: bytes = meta.graph.SerializeToString(deterministic=True)
    if _is_as_long_as_read(model, data):
        return data
    return bytes(_clean(meta).graph_def.SerializeToString(deterministic=True))


def _is_as_long_as_read(model: Model, data: bytes) -> bool:
    """Return whether a message has its size of when it was read, so that nothing was added."""
    return model.stamp is not None and model.format != "pbtxt" and len(data) == model.stamp.size


def _clean(meta: MetaGraph) -> MetaGraphDef:
    """Return the MetaGraphDef as it was read, without attrs that reading by name makes."""
    if not any(_empty_attrs(node) for node in _nodes(meta.proto)):
        return meta.proto
    found = type(meta.proto)()
    found.CopyFrom(meta.proto)
    for node in _nodes(found):
        for name in _empty_attrs(node):
            del node.attr[name]
    return found


def _nodes(proto: MetaGraphDef) -> Iterator[NodeDef]:
    yield from proto.graph_def.node
    for function in proto.graph_def.library.function:
        yield from function.node_def


def _empty_attrs(node: NodeDef) -> list[str]:
    return [name for name, value in node.attr.items() if value.WhichOneof("value") is None]


def check_names(meta: MetaGraph) -> None:
    """Refuse a graph in which a name has two meanings: loaders differ in which they take.

    TensorFlow 2.21 refuses them where it imports the graph (a v1 Session: "is not unique", "a different function with
    the same name already exists"), and `tf.saved_model.load` never imports the main graph of a model with objects.

    Raises:
        DamagedFile: nodes of the main graph or of a function have one name, or different functions have.
    """
    _refuse_twice([node.name for node in meta.graph.node], "nodes", "The graph")
    functions: dict[str, FunctionDef] = {}
    for function in meta.graph.library.function:
        name = function.signature.name
        if functions.setdefault(name, function) != function:
            raise _ambiguous(f"The graph has different functions with the name {show(name)!r}.")
        inside = [argument.name for argument in function.signature.input_arg]
        inside += [node.name for node in function.node_def]
        _refuse_twice(inside, "nodes or arguments", f"The function {show(name)!r}")


def _refuse_twice(names: list[str], kind: str, owner: str) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise _ambiguous(f"{owner} has several {kind} with the name {show(twice)!r}.")


def _ambiguous(problem: str) -> DamagedFile:
    return DamagedFile(
        f"{problem} Loaders may take either.",
        hint="The model is damaged or made to do harm; ask where it came from.",
    )


def _position(model: Model, meta: MetaGraph) -> int:
    """Return the position of a MetaGraph in a model; a changed copy's by its tags."""
    for position, own in enumerate(model.meta_graphs):
        if own is meta:
            return position
    return next(at for at, own in enumerate(model.meta_graphs) if set(own.tags) == set(meta.tags))


def _tags_alone(proto: MetaGraphDef) -> bytes:
    kept = type(proto)()
    kept.meta_info_def.tags.extend(proto.meta_info_def.tags)
    return bytes(kept.SerializeToString(deterministic=True))
