"""Clear-devices: remove device strings, so that the model runs on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from workbench.disk.schema import MetaGraphDef, NodeDef, SavedResource, SavedVariable
from workbench.names import count, show
from workbench.surgery.operation import Operation
from workbench.surgery.step import register
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class ClearDevices(Operation):
    """Remove the device strings of all nodes, functions and variables, so that the model runs on any machine.

    TensorFlow then places each op where it has a kernel. Colocation stays.
    """

    NAME: ClassVar[str] = "clear-devices"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("clear-devices",)
    KEEPS_SIGNATURES: ClassVar[bool] = True

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, and report which devices were named."""
        found: dict[str, int] = {}
        for placed in _placed(workspace.meta_graph):
            if placed.device:
                found[placed.device] = found.get(placed.device, 0) + 1
                placed.device = ""
        where = show(str(workspace.model.path))
        if not found:
            workspace.note("clear-devices-nothing", "info", where, "The model names no device.")
            return
        listed = ", ".join(f"{show(name)} ({number:,})" for name, number in sorted(found.items())[:8])
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        told = f"{count(sum(found.values()), 'device string')} removed: {listed}{more}."
        workspace.note("clear-devices-done", "info", where, told)
        workspace.verify_all()


def _placed(meta_graph: MetaGraphDef) -> Iterator[NodeDef | SavedVariable | SavedResource]:
    """Yield every message that names a device: nodes, also of functions, and objects."""
    graph = meta_graph.graph_def
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def
    for node in meta_graph.object_graph_def.nodes if meta_graph.HasField("object_graph_def") else ():
        kind = node.WhichOneof("kind")
        if kind == "resource":
            yield node.resource
        elif kind == "variable":
            yield node.variable
            yield from node.variable.experimental_distributed_variable_components
