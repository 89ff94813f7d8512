"""Set: replace an input of a signature by a constant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workbench.disk import dtypes
from workbench.model.signature import Port, Signature
from workbench.names import TensorName, input_tensor, show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse, children_by_key, sweep, unlink
from workbench.surgery.operation import Operation
from workbench.surgery.pruning.dead_branches import remove_dead
from workbench.surgery.rewrite.copy_for_signature import Consumers, needed_elsewhere
from workbench.surgery.signatures.change_signatures import drop_warmup, make_function
from workbench.surgery.signatures.chosen import add_copy
from workbench.surgery.signatures.input_values import fill, given_value
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register
from workbench.surgery.step_files import files_of
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class Set(Operation):
    """Set an input of a signature to a constant and remove it from the signature.

    Other signatures and callables stay as they were: nodes that they need as well are copied.

    Attributes:
        input: key of the input, which is removed from the signature.
        value: a value of the input's dtype and shape, or `@FILE.npy`.
        signature: key of the signature; None for `serving_default` if there, else the only one.
        prune_dead: whether branches and loops that can no longer run are removed.
        as_key: key of a new signature without the input, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "set"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "set input=is_training value=false prune_dead=true",
        "set input=x value=@x.npy",
    )
    PAIRED: ClassVar[tuple[str, str] | None] = ("input", "value")

    input: str = option(values.Text(), "key of the input, which is removed", metavar="KEY", keys="inputs")
    value: Any = option(values.Constant(), "its value: JSON, or @FILE.npy", metavar="JSON")
    signature: str | None = chosen_signature_field()
    prune_dead: bool = option(
        values.Flag(), "remove branches and loops that can no longer run", default=False
    )
    as_key: str | None = added_signature_field()

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace; nothing is folded or pruned.

        Other signatures and callables stay as they were: nodes that they need as well are copied.

        Raises:
            InputError: the file can't be read.
        """
        given = given_value(workspace, self.input, self.value, self.signature, self.as_key)
        if given is None:
            return
        found, port, array = given
        added = self.as_key is not None
        changed = found if self.as_key is None else add_copy(workspace, found, self.as_key)
        _set(workspace, changed, port, array, added)
        if self.prune_dead and not workspace.blocked:
            remove_dead(workspace)
        for path in files_of(self):
            workspace.keep_file(Path(path), workspace.plan.file_name(path))


def _set(workspace: Workspace, signature: Signature, port: Port, array: Any, added: bool) -> None:
    meta_graph = workspace.meta_graph
    before, graph = InUse.of(meta_graph), meta_graph.graph_def
    nodes = {node.name: node for node in graph.node}
    tensor = input_tensor(port.tensor)
    outputs = [one for other in signature.outputs.values() for one in other.tensors]
    elsewhere = needed_elsewhere(workspace.original, None if added else signature.key, nodes)
    consumers = Consumers.of(nodes, [tensor], outputs, elsewhere)
    if consumers.loop is not None:
        told = f"Another signature needs the loop of {show(consumers.loop)!r} as well, which can't be copied."
        workspace.note(
            "R1-control-flow", "error", show(port.key), told, "Drop the other signature in a step before."
        )
        return
    number = 1
    while any(name.startswith(f"set_{number}/") for name in nodes):
        number += 1
    constant = graph.node.add(name=f"set_{number}/value", op="Const")
    fill(constant, dtypes.base(port.dtype), array)
    definition = meta_graph.signature_def[signature.key]
    del definition.inputs[port.key]
    if port.key in definition.defaults:
        del definition.defaults[port.key]
    consumers.redirect(graph, definition, {tensor: TensorName(constant.name)}, f"set_{number}/copy")
    has_objects = workspace.original.has_object_graph
    if has_objects and (added or signature.key in children_by_key(meta_graph.object_graph_def)):
        if not added:
            unlink(meta_graph.object_graph_def, signature.key)
        make_function(workspace, signature.key)
        sweep(meta_graph, before)
    references = workspace.references
    if signature.key in references.known:
        references.known[signature.key] = references.known[signature.key].with_constant(port.key, array)
        references.verify([signature.key])
    workspace.faithful = False
    drop_warmup(workspace)
