"""Expose: make tensors of the graph further outputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench import names
from workbench.errors import ModelError
from workbench.graph.adjacency import Adjacency
from workbench.model import shapes
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.names import show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse, sweep, unlink
from workbench.surgery.exposing.comparison import Comparison
from workbench.surgery.exposing.exposed_tensors import (
    ITERATIONS,
    ExposedTensors,
    expose_tensors,
    find_tensors,
)
from workbench.surgery.lineage import Reference
from workbench.surgery.operation import Operation
from workbench.surgery.signatures.change_signatures import make_function
from workbench.surgery.signatures.chosen import add_copy, choose
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register
from workbench.surgery.workspace import Workspace

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


@register
@dataclass(frozen=True, slots=True)
class Expose(Operation):
    """Make tensors of the graph further outputs of a signature, also those inside calls and loops.

    A tensor is `node:0` in the main graph, `CALL::CALL::node:0` inside calls. In the body of a loop,
    `LOOP[body]::node:0`, it gives the values of all iterations, stacked. The functions on the way are cloned, so other
    signatures and callables stay as they were.

    Attributes:
        tensors: key of each new output to its tensor: `node:0`, `CALL::CALL::node:0`, `LOOP[body]::node:0`.
        signature: key of the signature; None for `serving_default` if there, else the only one.
        as_key: key of a new signature that gets the outputs, so that the chosen one stays; None to change that.
        iterations: of a tensor in a loop, the values of so many iterations are kept, from the first on.
    """

    NAME: ClassVar[str] = "expose"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "expose tensors=features=StatefulPartitionedCall::dense/Relu:0",
        "expose tensors=logits=dense_2/BiasAdd:0 as_key=with_logits",
    )
    KEEPS_SIGNATURES: ClassVar[bool] = True

    tensors: Pairs = option(
        values.Pairs("KEY=TENSOR"),
        "a new output and its tensor",
        metavar="KEY=TENSOR",
        positional=True,
        refers=True,
    )
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()
    iterations: int = option(
        values.Count(),
        f"how many iterations of a loop are kept; {ITERATIONS} if not given",
        metavar="N",
        default=ITERATIONS,
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, or report findings and change nothing.

        Functions on the way are cloned; other signatures and callables stay as they were.
        """
        signature = choose(workspace, self.signature, self.as_key)
        if signature is None:
            return
        addresses = dict(self.tensors)
        _check_keys(workspace, signature, addresses)
        found = find_tensors(workspace.original, addresses, signature)
        workspace.findings += found.wrong.values()
        if workspace.blocked:
            return
        try:
            reference = _reference(workspace, signature, found, self.iterations)
        except ModelError as problem:
            told = f"Its values can't be compared with those of the source: {problem.message}"
            hint = "Name an output of the call, or a tensor of the main graph."
            workspace.note("step-lineage", "error", problem.where or show(signature.key), told, hint)
            return
        if reference is not None:
            changed = signature if self.as_key is None else add_copy(workspace, signature, self.as_key)
            workspace.references.known[changed.key] = reference
            _expose(workspace, changed, addresses, self.iterations)


def _reference(
    workspace: Workspace, signature: Signature, found: ExposedTensors, most: int
) -> Reference | None:
    """Return the reference of a signature with new outputs, or report why there is none."""
    known = workspace.references.known.get(signature.key)
    known = None if known is None else known.of_tensors()
    comparison = Comparison(workspace, known or Reference({}, {}))
    if known is None:
        comparison.no_source(next(iter(found.found)))
        return None
    tensors = comparison.sources(found.found, str, most)
    if tensors is None:
        return None
    outputs = {**known.outputs, **{key: taken[0] for key, taken in tensors.items()}}
    reference = comparison.reference(known.inputs, outputs)
    if reference is None:
        return None
    for key in tensors if comparison.unfed(reference, tensors) else ():
        bare = comparison.unfed(reference, [key])
        if bare:
            told = f"It needs {names.count(len(bare), 'placeholder')} that no input of "
            told += f"{show(signature.key)!r} feeds: {', '.join(map(show, bare[:6]))}."
            hint = "Choose the signature that has such an input, or a tensor that follows from the inputs."
            workspace.note("signature-unfeedable", "error", show(key), told, hint)
    return None if workspace.blocked else reference


def _check_keys(workspace: Workspace, signature: Signature, addresses: Mapping[str, str]) -> None:
    if not addresses:
        workspace.note(
            "expose-nothing", "error", show(signature.key), "No tensor is named.", "Add KEY=TENSOR."
        )
    for key in addresses:
        if not key:
            workspace.note("signature-key-name", "error", "outputs", "A key can't be empty.")
        elif key in signature.outputs:
            told = f"The signature {show(signature.key)!r} has an output {show(key)!r}."
            workspace.note("signature-key-taken", "error", show(key), told, "Choose another key.")


def _expose(workspace: Workspace, signature: Signature, addresses: Mapping[str, str], most: int) -> None:
    meta_graph, original = workspace.meta_graph, workspace.original
    before = InUse.of(meta_graph)
    exposed = expose_tensors(original, meta_graph, addresses, signature=signature, iterations=most)
    outputs = meta_graph.signature_def[signature.key].outputs
    for key, tensor in exposed.done.tensors.items():
        outputs[key].name = tensor
        outputs[key].dtype = exposed.found[key].dtype
        outputs[key].tensor_shape.CopyFrom(shapes.to_proto(exposed.found[key].shape))
    if original.has_object_graph:
        unlink(meta_graph.object_graph_def, signature.key)
        make_function(workspace, signature.key)
    sweep(meta_graph, before)
    workspace.references.verify([signature.key, *_users(workspace, exposed.done.calls)])
    _tell(workspace, signature, exposed, most)


def _users(workspace: Workspace, calls: Sequence[str]) -> list[str]:
    """Return the signatures that need one of some calls."""
    nodes, changed = Adjacency(workspace.original.nodes), set(calls)
    found = []
    for key, signature in workspace.original.signatures.items():
        tensors = [tensor for port in signature.outputs.values() for tensor in port.tensors]
        if (
            changed
            and key not in HIDDEN_SIGNATURES
            and changed & nodes.ancestors(map(names.input_node, tensors))
        ):
            found.append(key)
    return found


def _tell(workspace: Workspace, signature: Signature, exposed: ExposedTensors, most: int) -> None:
    where = show(signature.key)
    listed = [
        f"{show(key)} {shapes.typed(one.dtype, one.shape)}" for key, one in list(exposed.found.items())[:8]
    ]
    more = f" and {len(exposed.found) - len(listed)} more" if len(exposed.found) > len(listed) else ""
    told = f"{names.count(len(exposed.found), 'output')} added: {', '.join(listed)}{more}."
    if exposed.done.clones:
        told += f" {names.count(len(exposed.done.clones), 'function')} cloned."
    workspace.note("expose-done", "info", where, told)
    if exposed.done.loops:
        unclear = [
            show(key)
            for key, one in exposed.found.items()
            if one.loops and (one.shape is None or None in one.shape[one.loops :])
        ]
        told = f"Outputs of loops have the iterations as their first dimension, {most} at most; they are compared "
        told += "with a copy of the source whose loops were changed likewise."
        if unclear:
            told += f" {', '.join(unclear)} must have one shape in all iterations, and there must be one at least."
        workspace.note("expose-loop", "warning" if unclear else "info", where, told)
    if exposed.done.own_gradients:
        listed = sorted({show(name) for name in exposed.done.own_gradients})
        told = f"These functions have a gradient of their own: {', '.join(listed)}. It is kept; nothing flows back "
        workspace.note("expose-gradient", "warning", where, f"{told}from the new outputs through it.")
    if workspace.original.has_object_graph:
        told = f"The signature is {'added' if signature.key not in workspace.original.signatures else 'changed'}; "
        told += "callables of the object graph, as __call__, stay as they were."
        workspace.note("expose-objects", "info", where, told)
