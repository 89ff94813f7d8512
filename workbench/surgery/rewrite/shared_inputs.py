"""Shared inputs in the graph of a result: one placeholder, read by the inputs of several models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from workbench import names
from workbench.disk.schema import GraphDef
from workbench.model.shapes import to_proto
from workbench.surgery.imported import ImportedModel
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.surgery.resolve.shares import SharedInput
from workbench.surgery.rewrite.connect_wires import put_bridge

_COMPONENTS = ("indices", "values", "dense_shape")  # of a sparse tensor


class SharedPlaceholders(NamedTuple):
    """The placeholders of a shared input.

    Attributes:
        shared: the input.
        nodes: the name of each component's placeholder in the result.
        targets: those of its targets that an output depends on.
    """

    shared: SharedInput
    nodes: tuple[str, ...]
    targets: tuple[Endpoint, ...]

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors of the placeholders."""
        return tuple(f"{node}:0" for node in self.nodes)


def node_names(shared: SharedInput, taken: Iterable[str]) -> tuple[str, ...]:
    """Return names for the placeholders of a shared input, in no model's scope.

    Args:
        shared: the input.
        taken: first parts of names that are used: handles, and earlier placeholders.
    """
    base = names.make_handle(shared.key, tuple(taken))
    count = len(shared.dtypes)
    if count == 1:
        return (base,)
    parts = (
        _COMPONENTS if shared.targets[0].kind == "sparse" else tuple(f"component_{at}" for at in range(count))
    )
    return tuple(f"{base}/{part}" for part in parts)


def add_placeholders(graph: GraphDef, found: SharedPlaceholders) -> None:
    """Add the placeholders of a shared input to the graph of a result."""
    for name, dtype, shape in zip(found.nodes, found.shared.dtypes, found.shared.shapes, strict=True):
        node = graph.node.add(name=name, op="Placeholder")
        node.attr["dtype"].type = dtype
        node.attr["shape"].shape.CopyFrom(to_proto(shape))


def feed_targets(
    graph: GraphDef, found: SharedPlaceholders, parts: Mapping[str, ImportedModel], *, keep_signatures: bool
) -> None:
    """Let the inputs of the models read the placeholders of a shared input.

    The placeholders have the shape of each target at least, so nothing is left to check.

    Args:
        graph: of the result, after everything got its prefix.
        found: the placeholders.
        parts: the models by handle, their graphs cut at the targets.
        keep_signatures: whether the models' own signatures must be able to feed the targets.
    """
    for target in found.targets:
        part = parts[target.handle]
        ends = zip(found.nodes, target.tensors, target.dtypes, target.shapes, strict=True)
        for name, tensor, dtype, shape in ends:
            put_bridge(graph, part, part.cuts[tensor], name, dtype, shape, "proven", keeps=keep_signatures)
