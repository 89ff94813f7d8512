"""Calls of which a part needs some results only: they are inlined, and what the others need is left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from workbench import names
from workbench.disk import schema
from workbench.disk.schema import NodeDef
from workbench.graph.needs import Needs
from workbench.model import MetaGraph, Model
from workbench.surgery.imported import unique_name
from workbench.surgery.resolve.inside_calls import inline_paths
from workbench.surgery.rewrite.inline import called_function


class Opened(NamedTuple):
    """A MetaGraph in which calls are inlined.

    Attributes:
        meta: the MetaGraph.
        moved: outputs `n:k` that are other tensors in it.
    """

    meta: MetaGraph
    moved: dict[str, str]


def open_calls(
    model: Model, original: MetaGraph, meta: MetaGraph, outputs: Iterable[str], fed: Iterable[str]
) -> Opened:
    """Inline the calls of which only some results are needed.

    Args:
        model: whose the MetaGraph is.
        original: the MetaGraph as it was.
        meta: the same, or a copy in which some calls are inlined.
        outputs: tensors `n:k` that are needed.
        fed: tensors `n:k` that are given.

    Raises:
        ModelError: a call can't be inlined.
    """
    current = {tensor: tensor for tensor in (str(names.input_tensor(text)) for text in outputs)}
    feeds = {str(names.input_tensor(tensor)): "\0fed" for tensor in fed}
    tried: set[str] = set()
    while True:
        partly = {
            name: results
            for name, results in _needed_in_part(original, meta, current.values(), feeds).items()
            if name not in tried
        }
        tried |= partly.keys()
        if not partly:
            return Opened(meta, {old: new for old, new in current.items() if old != new})
        calls = [name for name in partly if meta.nodes[name].op != "IdentityN"]
        if calls:
            meta, _ = inline_paths(model, meta, calls)
        meta, moved = _apart(model, meta, partly)
        current = {old: moved.get(new, new) for old, new in current.items()}


def _needed_in_part(
    original: MetaGraph, meta: MetaGraph, outputs: Iterable[str], feeds: dict[str, str]
) -> dict[str, set[int]]:
    """Return the needed calls, inlined or not, of which not all results are needed, with those that are."""
    outputs = list(outputs)
    needed = Needs(meta).nodes(outputs, feeds)
    used: dict[str, set[int]] = {}
    entries = [text for name in needed if name in meta.nodes for text in meta.nodes[name].input]
    for text in (*outputs, *entries):
        if not names.is_control(text) and str(names.input_tensor(text)) not in feeds:
            tensor = names.input_tensor(text)
            used.setdefault(tensor.node, set()).add(tensor.index)
    return {
        name: used.get(name, set())
        for name, node in meta.nodes.items()
        if name in needed
        and (called_function(node, meta.functions) is not None or _was_call(original, name, node))
        and len(used.get(name, ())) < len(meta.output_types(node) or ())
    }


def _was_call(original: MetaGraph, name: str, node: NodeDef) -> bool:
    """Return whether a node holds the results of a call that was inlined."""
    before = original.nodes.get(name)
    return node.op == "IdentityN" and (before is None or before.op != "IdentityN")


def _apart(model: Model, meta: MetaGraph, calls: Mapping[str, set[int]]) -> tuple[MetaGraph, dict[str, str]]:
    """Give each needed result of inlined calls a node of its own: one for all would need the others as well.

    Returns:
        The changed copy, and results `n:k` with the tensor that takes the place of each.
    """
    proto = schema.MetaGraphDef()
    proto.CopyFrom(meta.proto)
    nodes = {node.name: node for node in proto.graph_def.node}
    moved: dict[str, str] = {}
    for name, results in calls.items():
        node = nodes[name]
        if node.op != "IdentityN":
            continue
        controls = [text for text in node.input if names.is_control(text)]
        for index in sorted(results):
            one = proto.graph_def.node.add(name=unique_name(f"{name}/result_{index}", nodes), op="Identity")
            nodes[one.name] = one
            one.input.extend([node.input[index], *controls])
            one.attr["T"].type = node.attr["T"].list.type[index]
            if "_output_shapes" in node.attr:
                noted = node.attr["_output_shapes"].list.shape[index]
                one.attr["_output_shapes"].list.shape.add().CopyFrom(noted)
            moved[f"{name}:{index}"] = f"{one.name}:0"
    for node in nodes.values():
        for position, text in enumerate(node.input):
            if not names.is_control(text) and (new := moved.get(str(names.input_tensor(text)))) is not None:
                node.input[position] = new.removesuffix(":0")
    changed = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
    return changed, moved
