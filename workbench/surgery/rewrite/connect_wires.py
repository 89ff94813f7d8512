"""Wires of a join in the graph of its result: bridges where inputs were, and the adapters between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk import schema
from workbench.disk.schema import GraphDef, NodeDef
from workbench.model.shapes import Fit, Shape, to_proto
from workbench.surgery.imported import ImportedModel, attr_shape, is_placeholder, unique_name

if TYPE_CHECKING:
    from workbench.surgery.adapters.fragment import Fragment
    from workbench.surgery.resolve.join import Join
    from workbench.surgery.resolve.links import Link


def connect_wires(join: Join, graph: GraphDef, final: Callable[[str, str], str]) -> list[Fragment]:
    """Connect the models of a join.

    Args:
        join: the models, renamed, with their cuts, and the wires.
        graph: of the result; gains bridges and the nodes and functions of adapters.
        final: the name in the result of a source's tensor, by handle and tensor.

    Returns:
        What adapters added, in the order of the wires.
    """
    work = _Wires(join, graph, final)
    loose: set[str] = set()
    for handle in join.order:
        for link in join.links_into(handle):
            work.connect(link)
            if not link.proven or link.source.handle in loose:
                loose.add(handle)
    for handle in loose:
        # Shapes noted for the old inputs may contradict what now flows in; they are hints and can go.
        for node in join.parts[handle].kept.values():
            if "_output_shapes" in node.attr:
                del node.attr["_output_shapes"]
    return [work.chains[number] for number in sorted(work.chains)]


class _Wires:
    """The wires of a join on their way into the graph."""

    def __init__(self, join: Join, graph: GraphDef, final: Callable[[str, str], str]) -> None:
        self.join = join
        self.graph = graph
        self.final = final
        self.keeps = join.plan.result.keep_signatures
        self.chains: dict[int, Fragment] = {}

    def connect(self, link: Link) -> None:
        part = self.join.parts[link.target.handle]
        feeds = [
            names.format_input(names.input_tensor(self.final(link.source.handle, tensor)))
            for tensor in link.source.tensors
        ]
        if link.chain is not None:
            feeds = [self._adapt(link, *feeds)]
        ends = zip(feeds, link.target.tensors, link.target.dtypes, link.target.shapes, link.fits, strict=True)
        for feed, target, dtype, shape, fit in ends:
            put_bridge(self.graph, part, part.cuts[target], feed, dtype, shape, fit, keeps=self.keeps)

    def _adapt(self, link: Link, feed: str) -> str:
        """Add the adapters of a wire; return what they make, as an input is written."""
        from workbench.surgery.adapters.fragment import Fragment, Tensor

        assert link.chain is not None
        number = next(at for at, one in enumerate(self.join.links) if one is link)
        fragment = Fragment(unique_name(f"connect_{number}", self.join.parts))
        tensor = names.input_tensor(feed)
        made = link.chain.build(fragment, Tensor(tensor.node, link.chain.have.dtype, tensor.index))
        self.graph.node.extend(fragment.nodes)
        self.graph.library.function.extend(fragment.functions)
        self.chains[number] = fragment
        return fragment.text(made[""])


def put_bridge(
    graph: GraphDef,
    part: ImportedModel,
    bridge: str,
    feed: str,
    dtype: int,
    shape: Shape,
    fit: Fit,
    *,
    keeps: bool,
) -> None:
    """Make the node that represents an input of a model pass on what feeds it.

    Args:
        graph: of the result, after everything got its prefix.
        part: the model.
        bridge: the node, under the model's own name; a new one unless the input was a placeholder.
        feed: what feeds it, as an input is written.
        dtype: of the input.
        shape: of the input.
        fit: whether what feeds it has that shape.
        keeps: whether the model's own signatures must be able to feed the input.
    """
    node: NodeDef | None = part.kept.get(bridge)
    declared = schema.AttrValue()
    if node is not None and is_placeholder(node) and "shape" in node.attr:
        declared.CopyFrom(node.attr["shape"])
    else:
        declared.CopyFrom(attr_shape(to_proto(shape)))
    if node is None:
        node = graph.node.add(name=f"{part.handle}/{bridge}")
    controls = [text for text in node.input if text.startswith("^")]
    unknown = fit == "unknown"
    if unknown and keeps:
        guard = graph.node.add(name=f"{node.name}/shape", op="EnsureShape")
        guard.input.append(feed)
        guard.attr["T"].type = dtype
        guard.attr["shape"].CopyFrom(declared)
        feed = guard.name
    node.attr.clear()
    if keeps:
        node.op = "PlaceholderWithDefault"
        node.attr["dtype"].type = dtype
        node.attr["shape"].CopyFrom(declared)
    else:
        node.op = "EnsureShape" if unknown else "Identity"
        node.attr["T"].type = dtype
        if unknown:
            node.attr["shape"].CopyFrom(declared)
    node.input[:] = [feed, *controls]
