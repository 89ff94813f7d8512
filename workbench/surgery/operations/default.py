"""Default: give an input a default, so that it may be left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from workbench.disk import dtypes
from workbench.disk.schema import NodeDef
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS, WITH_DEFAULT
from workbench.model.signature import Port, Signature
from workbench.names import TensorName, input_tensor, show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse
from workbench.surgery.operation import Operation
from workbench.surgery.rewrite.copy_for_signature import Consumers, needed_elsewhere
from workbench.surgery.signatures.chosen import add_copy
from workbench.surgery.signatures.input_values import fill, given_value, write_tensor
from workbench.surgery.signatures.renewed import renew_function
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register
from workbench.surgery.step_files import files_of
from workbench.surgery.workspace import Workspace


@register
@dataclass(frozen=True, slots=True)
class Default(Operation):
    """Give an input of a signature a default; it then may be left out.

    A v1 Session takes the default from the graph, TensorFlow Serving from the signature. The signatures of
    tf.saved_model.load still ask for every input.

    Attributes:
        input: key of the input.
        value: a value of the input's dtype and shape, or `@FILE.npy`.
        signature: key of the signature; None for `serving_default` if there, else the only one.
        as_key: key of a new signature with the default, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "default"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("default input=threshold value=0.5",)
    PAIRED: ClassVar[tuple[str, str] | None] = ("input", "value")

    input: str = option(values.Text(), "key of the input", metavar="KEY", keys="inputs")
    value: Any = option(values.Constant(), "its default: JSON, or @FILE.npy", metavar="JSON")
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace.

        Other signatures stay as they were: nodes that they need as well are copied.

        Raises:
            InputError: the file can't be read.
        """
        given = given_value(workspace, self.input, self.value, self.signature, self.as_key)
        if given is None:
            return
        found, port, array = given
        added = self.as_key is not None
        in_use = InUse.of(workspace.meta_graph)
        found = found if self.as_key is None else add_copy(workspace, found, self.as_key)
        if not _put(workspace, found, port, array, added):
            return
        if added and workspace.original.has_object_graph:
            renew_function(workspace, found.key, in_use, added=True)
        for path in files_of(self):
            workspace.keep_file(Path(path), workspace.plan.file_name(path))
        references = workspace.references
        known = references.known.get(found.key)
        if known is not None:
            references.known[found.key] = replace(known, defaults={**known.defaults, port.key: array})
            references.verify([found.key])


def _put(workspace: Workspace, signature: Signature, port: Port, array: Any, added: bool) -> bool:
    """Put the default into the graph and the signature; return whether nothing forbids it."""
    meta_graph = workspace.meta_graph
    graph = meta_graph.graph_def
    nodes = {node.name: node for node in graph.node}
    tensor = input_tensor(port.tensor)
    actual = workspace.original.node_tensor(port.tensor)
    dtype = dtypes.base(actual.dtype if actual is not None and actual.dtype else port.dtype)
    shape = actual.shape if actual is not None else port.shape
    elsewhere = needed_elsewhere(workspace.original, None if added else signature.key, nodes)
    number = 1
    while any(name.startswith(f"default_{number}/") for name in nodes):
        number += 1
    definition = meta_graph.signature_def[signature.key]
    constant = f"default_{number}/value"
    if nodes[tensor.node].op in PLACEHOLDERS and tensor.node not in elsewhere:
        placeholder = nodes[tensor.node]
    else:
        outputs = [one for other in signature.outputs.values() for one in other.tensors]
        consumers = Consumers.of(nodes, [tensor], outputs, elsewhere)
        if consumers.loop is not None:
            told = f"Another signature needs the loop of {show(consumers.loop)!r} as well, which can't be copied."
            workspace.note(
                "R1-control-flow", "error", show(port.key), told, "Drop the other signature in a step before."
            )
            return False
        name = f"default_{number}/input"
        consumers.redirect(graph, definition, {tensor: TensorName(name)}, f"default_{number}/copy")
        placeholder = graph.node.add(name=name)
        definition.inputs[port.key].name = f"{name}:0"
    _with_default(placeholder, constant, dtype, shape)
    fill(graph.node.add(name=constant, op="Const"), dtype, array)
    if port.key in definition.defaults:
        del definition.defaults[port.key]
    write_tensor(definition.defaults[port.key], dtype, array)
    return True


def _with_default(node: NodeDef, constant: str, dtype: int, shape: shapes.Shape) -> None:
    """Make a node a placeholder with a default; what it waits for stays."""
    controls = [entry for entry in node.input if entry.startswith("^")]
    node.op = WITH_DEFAULT
    node.input[:] = [constant, *controls]
    node.attr["dtype"].type = dtype
    node.attr["shape"].shape.CopyFrom(shapes.to_proto(shape))
