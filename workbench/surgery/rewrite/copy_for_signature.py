"""Other tensors for what one signature computes: nodes that others need as well are copied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.disk.schema import GraphDef, NodeDef, SignatureDef, TensorInfo
from workbench.graph.adjacency import Adjacency
from workbench.model import MetaGraph
from workbench.model.op_classes import ENTERS, EXITS, NEXT_ITERATIONS
from workbench.model.signature import HIDDEN_SIGNATURES
from workbench.names import TensorName, format_input, input_node, input_tensor

_LOOP_OPS = ENTERS | EXITS | NEXT_ITERATIONS | {"LoopCond"}


def needed_elsewhere(meta: MetaGraph, key: str | None, nodes: Mapping[str, NodeDef]) -> set[str]:
    """Return the nodes that other signatures need.

    Args:
        meta: has the signatures.
        key: of the signature whose own needs do not count; None counts all.
        nodes: of the main graph, by name.
    """
    roots = [
        input_node(tensor)
        for other, signature in meta.signatures.items()
        if other != key and other not in HIDDEN_SIGNATURES
        for port in (*signature.outputs.values(), *signature.inputs.values())
        for tensor in port.tensors
    ]
    return Adjacency(nodes).ancestors(roots) if roots else set()


@dataclass(frozen=True, slots=True)
class Consumers:
    """The nodes of a signature that depend on some tensors.

    Attributes:
        tensors: the tensors.
        path: the nodes between them and the outputs of the signature.
        copied: those of the path that something else needs as well.
        loop: one of the copied nodes that is part of a v1 while loop, which can't be copied; or None.
    """

    tensors: frozenset[TensorName]
    path: frozenset[str]
    copied: frozenset[str]
    loop: str | None

    @classmethod
    def of(
        cls,
        nodes: Mapping[str, NodeDef],
        tensors: Iterable[TensorName],
        outputs: Iterable[str],
        elsewhere: Collection[str],
    ) -> Consumers:
        """Find the consumers of tensors.

        Args:
            nodes: of the main graph, by name.
            tensors: the tensors.
            outputs: the tensors of the signature's outputs.
            elsewhere: nodes that must stay as they are.
        """
        wanted = frozenset(tensors)
        path = frozenset(_path(nodes, wanted, outputs))
        copied = path & frozenset(elsewhere)
        loops = sorted(name for name in copied if nodes[name].op in _LOOP_OPS)
        return cls(wanted, path, copied, loops[0] if loops else None)

    def redirect(
        self,
        graph: GraphDef,
        definition: SignatureDef,
        replacements: Mapping[TensorName, TensorName],
        scope: str,
    ) -> None:
        """Make the consumers, and the outputs of a signature, take other tensors.

        Args:
            graph: changed in place.
            definition: its outputs are changed in place.
            replacements: each of the tensors to the one that takes its place.
            scope: the copies are named `SCOPE/NODE`.
        """
        assert self.loop is None
        renamed = {name: f"{scope}/{name}" for name in self.copied}
        for node in [node for node in graph.node if node.name in self.path]:
            changed = node
            if node.name in renamed:
                changed = graph.node.add()
                changed.CopyFrom(node)
                changed.name = renamed[node.name]
                if "_class" in changed.attr:
                    del changed.attr["_class"]
            changed.input[:] = [_redirected(text, replacements, renamed) for text in changed.input]
        for info in definition.outputs.values():
            for message, field in _names_in(info):
                named = input_tensor(getattr(message, field))
                if named in replacements:
                    setattr(message, field, str(replacements[named]))
                elif named.node in renamed:
                    setattr(message, field, f"{renamed[named.node]}:{named.index}")


def _path(nodes: Mapping[str, NodeDef], tensors: Collection[TensorName], outputs: Iterable[str]) -> set[str]:
    """Return the nodes between tensors and outputs."""
    above = Adjacency(nodes).ancestors(map(input_node, outputs))
    consumers: dict[str, list[str]] = {}
    first: list[str] = []
    for name in above:
        for text in nodes[name].input if name in nodes else ():
            consumers.setdefault(input_node(text), []).append(name)
            if _meant(text, tensors) is not None:
                first.append(name)
    seen: set[str] = set()
    while first:
        name = first.pop()
        if name not in seen:
            seen.add(name)
            first += consumers.get(name, ())
    return seen


def _meant(text: str, tensors: Collection[TensorName]) -> TensorName | None:
    """Return which of some tensors an input is, or whose node's first output it waits for."""
    named = TensorName(text[1:]) if text.startswith("^") else input_tensor(text)
    return named if named in tensors else None


def _redirected(text: str, replacements: Mapping[TensorName, TensorName], renamed: Mapping[str, str]) -> str:
    meant = _meant(text, replacements)
    mark = "^" if text.startswith("^") else ""
    if meant is not None:
        return f"^{replacements[meant].node}" if mark else format_input(replacements[meant])
    name = input_node(text)
    return f"{mark}{renamed[name]}{text[len(mark) + len(name) :]}" if name in renamed else text


def _names_in(info: TensorInfo) -> Iterator[tuple[Any, str]]:
    """Yield where a TensorInfo names tensors: the message and the field."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        for part in ("values", "indices", "dense_shape"):
            yield info.coo_sparse, f"{part}_tensor_name"
    elif kind == "composite_tensor":
        for component in info.composite_tensor.components:
            yield from _names_in(component)
    else:
        yield info, "name"
