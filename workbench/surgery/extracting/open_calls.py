"""Calls of which a part needs some results only: they are inlined, and what the others need is left behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from workbench import names
from workbench.disk import schema
from workbench.graph.needs import Needs
from workbench.model import MetaGraph, Model
from workbench.surgery.imported import unique_name
from workbench.surgery.resolve.inside_calls import inline_paths
from workbench.surgery.rewrite.inline import called_function


class Opened(NamedTuple):
    """A MetaGraph in which calls are inlined.

    Attributes:
        meta: the MetaGraph.
        outputs: the tensors `n:k` that were asked for, as they are called in it.
    """

    meta: MetaGraph
    outputs: list[str]


def open_calls(model: Model, meta: MetaGraph, outputs: Iterable[str], fed: Iterable[str]) -> Opened:
    """Inline the calls of which only some results are needed.

    Args:
        model: whose it is.
        meta: the MetaGraph.
        outputs: tensors `n:k` that are needed.
        fed: tensors `n:k` that are given.

    Raises:
        ModelError: a call can't be inlined.
    """
    outputs = [str(names.input_tensor(tensor)) for tensor in outputs]
    feeds = {str(names.input_tensor(tensor)): "\0fed" for tensor in fed}
    tried: set[str] = set()
    while True:
        partly = _needed_in_part(meta, outputs, feeds)
        more = [name for name in partly if name not in tried]
        if not more:
            return Opened(meta, outputs)
        tried.update(more)
        meta, done = inline_paths(model, meta, more)
        meta = _apart(model, meta, {name: partly[name] for name in more if name in done.places}, outputs)


def _needed_in_part(meta: MetaGraph, outputs: Iterable[str], feeds: dict[str, str]) -> dict[str, set[int]]:
    """Return the needed calls of which not all results are needed, with those that are."""
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
        for name in meta.nodes
        if name in needed
        and called_function(meta.nodes[name], meta.functions) is not None
        and len(used.get(name, ())) < len(meta.output_types(meta.nodes[name]) or ())
    }


def _apart(model: Model, meta: MetaGraph, calls: dict[str, set[int]], outputs: list[str]) -> MetaGraph:
    """Give each needed result of inlined calls a node of its own; tensors in `outputs` follow.

    One node for all would need the others as well.
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
                one.attr["_output_shapes"].list.shape.add().CopyFrom(
                    node.attr["_output_shapes"].list.shape[index]
                )
            moved[str(names.TensorName(name, index))] = one.name
    for node in nodes.values():
        for position, text in enumerate(node.input):
            if not names.is_control(text) and (new := moved.get(str(names.input_tensor(text)))) is not None:
                node.input[position] = new
    outputs[:] = [f"{moved[tensor]}:0" if tensor in moved else tensor for tensor in outputs]
    return MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
