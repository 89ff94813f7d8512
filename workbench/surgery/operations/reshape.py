"""Reshape: free or fix the batch of inputs, and replace constants that hold its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.graph.body import Output
from workbench.graph.reach import ancestors, descendants
from workbench.graph.shape_inference import sizes as sizes_
from workbench.graph.shape_inference.flow import BatchFlow, Flow
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Sizes
from workbench.model import MetaGraph, shapes
from workbench.model.shapes import Shape
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import TensorName, input_tensor, show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse, children_by_key, sweep, unlink
from workbench.surgery.lineage import Reference, SourceTensors, with_axis
from workbench.surgery.operation import Operation
from workbench.surgery.reshaping.free_batch import Freed, free_batch
from workbench.surgery.reshaping.free_callables import free_callables
from workbench.surgery.reshaping.new_shapes import NewShape, new_shapes
from workbench.surgery.reshaping.report import tell_callables, tell_repairs, tell_signatures
from workbench.surgery.rewrite.copy_for_signature import Consumers, needed_elsewhere
from workbench.surgery.signatures.change_signatures import drop_warmup, make_function
from workbench.surgery.signatures.chosen import add_copy, choose
from workbench.surgery.step import added_signature_field, chosen_signature_field, option, register
from workbench.surgery.workspace import FreedRows, Workspace


class _Batch(values.Text):
    """The size of a batch: `?`, or a number, also as such."""

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        return super().read(self.normal(value))


@register
@dataclass(frozen=True, slots=True)
class Reshape(Operation):
    """Free or fix the batch of a signature's inputs.

    Attributes:
        batch: the new first dimension of each input: `?` for any, or a number; None to leave all but those of `shape`.
        shape: key of an input to its new shape, `?,224,224,3`; only its first dimension can be freed.
        signature: key of the signature; None for `serving_default` if there, else the only one.
        as_key: key of a new signature of the new shapes, so that the chosen one stays; None to change that.
    """

    NAME: ClassVar[str] = "reshape"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "reshape batch=?",
        "reshape batch=8",
        "reshape shape=image=?,224,224,3",
    )

    batch: str | int | None = option(
        _Batch(optional=True),
        "the new batch of all inputs: ? for any, or a number",
        metavar="N",
        default=None,
    )
    shape: tuple[tuple[str, str], ...] = option(
        values.Pairs("KEY=SHAPE"),
        "the new shape of an input: KEY=?,224,224,3",
        metavar="KEY=SHAPE",
        default=(),
        keys="inputs",
    )
    signature: str | None = chosen_signature_field()
    as_key: str | None = added_signature_field()

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace.

        Where a batch is freed, signatures that take the same inputs change with it; where it is fixed, or a signature
        is added, nodes that others need are copied. Functions that the batch flows into are copied as well; callables
        that are one of them use the copy, and others stay as they were.
        """
        found = choose(workspace, self.signature, self.as_key)
        if found is None:
            return
        inputs = new_shapes(
            workspace, found, None if self.batch is None else str(self.batch), dict(self.shape)
        )
        if not workspace.blocked:
            _Reshaping(workspace, found, inputs, self.as_key, workspace.original).apply()


@dataclass(slots=True)
class _Reshaping:
    """The steps of one change.

    Attributes:
        workspace: changed in place.
        signature: the chosen one.
        inputs: those of its inputs that change.
        as_key: key of the signature that is added; None to change the chosen one.
        meta: the MetaGraph that is analysed.
    """

    workspace: Workspace
    signature: Signature
    inputs: list[NewShape]
    as_key: str | None
    meta: MetaGraph

    def wrong(self, code: str, where: str, message: str, hint: str | None = None) -> None:
        """Add an error."""
        self.workspace.note(code, "error", where, message, hint)

    def apply(self) -> None:
        """Analyse the graph, and change it if nothing forbids it."""
        frees = [one for one in self.inputs if one.frees]
        sizes = {one.old[0] for one in frees if one.old}
        if len(sizes) > 1:
            listed = ", ".join(f"{show(one.port.key)} {shapes.text(one.old)}" for one in frees)
            self.wrong(
                "reshape-input",
                show(self.signature.key),
                f"The inputs have different first dimensions: {listed}.",
                "Name the inputs that have the batch: shape=KEY=?,784",
            )
            return
        old = sizes.pop() if sizes else None
        if (
            self.as_key is not None or (old is None and len(self._changed_signatures()) > 1)
        ) and not self._part():
            return
        changed = self._changed_signatures()
        batch = BatchFlow(self.meta, old)
        flow = batch.follow(
            self._given(old),
            [tensor for one in changed for port in one.outputs.values() for tensor in port.tensors],
        )
        if old is not None and not self._allowed(batch, flow, changed):
            return
        self._rewrite(batch, flow, changed, old)

    def _part(self) -> bool:
        """Give the signature inputs of its own, and copies of nodes that others need; return whether that is done."""
        meta_graph, key = self.workspace.meta_graph, self.as_key
        graph = meta_graph.graph_def
        nodes = {node.name: node for node in graph.node}
        elsewhere = needed_elsewhere(self.meta, None if key is not None else self.signature.key, nodes)
        tensors = {input_tensor(one.port.tensor) for one in self.inputs}
        outputs = [tensor for port in self.signature.outputs.values() for tensor in port.tensors]
        consumers = Consumers.of(nodes, tensors, outputs, elsewhere)
        if consumers.loop is not None:
            told = f"Another signature needs the loop of {show(consumers.loop)!r} as well, which can't be copied."
            self.wrong(
                "R1-control-flow", show(self.signature.key), told, "Drop that signature in a step before."
            )
            return False
        if key is not None:
            self.signature = add_copy(self.workspace, self.signature, key)
        definition = meta_graph.signature_def[self.signature.key]
        scope = _scope(nodes)
        replacements: dict[TensorName, TensorName] = {}
        for one in self.inputs:
            tensor = input_tensor(one.port.tensor)
            if tensor not in replacements:  # two keys may be one tensor
                copy = graph.node.add()
                copy.CopyFrom(nodes[tensor.node])
                copy.name = f"{scope}/{tensor.node}"
                replacements[tensor] = TensorName(copy.name, tensor.index)
            definition.inputs[one.port.key].name = str(replacements[tensor])
        consumers.redirect(graph, definition, replacements, f"{scope}/copy")
        proto = MetaGraphDef()
        proto.CopyFrom(meta_graph)
        self.meta = MetaGraph(proto)
        self.signature = self.meta.signatures[self.signature.key]
        self.inputs = [replace(one, port=self.signature.inputs[one.port.key]) for one in self.inputs]
        return True

    def _given(self, old: int | None) -> dict[Output, Facts]:
        """Return the facts of the inputs: the rows of the batch are their first dimension."""
        found: dict[Output, Facts] = {}
        for one in self.inputs:
            has_batch = one.frees if old is not None else bool(one.new)
            sizes: Sizes = (BATCH, *one.new[1:]) if has_batch else one.new
            found[one.output] = Facts(sizes)
        return found

    def _changed_signatures(self) -> list[Signature]:
        """Return the signatures that take one of the inputs, the chosen one first."""
        tensors = {one.port.tensor for one in self.inputs}
        others = [
            other
            for key, other in self.meta.signatures.items()
            if key != self.signature.key
            and key not in HIDDEN_SIGNATURES
            and any(port.tensor in tensors for port in other.inputs.values())
        ]
        return [self.signature, *others]

    def _allowed(self, batch: BatchFlow, flow: Flow, changed: list[Signature]) -> bool:
        """Report what forbids the change, or is worth a warning; return whether nothing forbids it."""
        for one in batch.reached(flow):
            for problem in one.problems:
                told = f"{show(problem.op)}: {problem.reason}."
                self.wrong(
                    problem.code, problem.where, f"{told[:1].upper()}{told[1:]}", _HINTS.get(problem.code)
                )
            for problem in one.warnings:
                self.workspace.note(
                    problem.code, "warning", problem.where, f"{show(problem.op)}: {problem.reason}."
                )
        for signature in changed:
            for key, port in signature.outputs.items():
                facts = _facts(flow, port)
                if facts.kept:
                    self.workspace.note(
                        "reshape-rank",
                        "info",
                        show(key),
                        f"Output {show(key)!r} was one row without a dimension for the batch, and has one now.",
                    )
                axis = facts.axis
                rows = facts.sizes[axis] if axis is not None and facts.sizes is not None else None
                if isinstance(rows, Rows) and (axis != 0 or rows != BATCH):
                    self.workspace.note(
                        "reshape-output",
                        "warning",
                        show(key),
                        f"Output {show(key)!r} becomes {sizes_.text(facts.sizes)}: the first dimension does not count "
                        "its rows.",
                    )
                if isinstance(rows, Rows) and rows.outer != 1:
                    self.wrong(
                        "reshape-rows",
                        show(key),
                        f"Output {show(key)!r} has all rows of the batch {rows.outer} times, one set after the other.",
                        "Choose another output.",
                    )
        self._others_stay(flow, changed)
        return not self.workspace.blocked

    def _others_stay(self, flow: Flow, changed: list[Signature]) -> None:
        """Refuse where another signature needs a node that has to change."""
        keys = {one.key for one in changed}
        for key, other in self.meta.signatures.items():
            if key in keys or key in HIDDEN_SIGNATURES:
                continue
            roots = [tensor for port in other.outputs.values() for tensor in port.tensors]
            shared = sorted(flow.pins.keys() & ancestors(self.meta.nodes, roots))
            if shared:
                self.wrong(
                    "reshape-shared",
                    show(key),
                    f"Signature {show(key)!r} needs {show(shared[0])!r} as well, which has to change.",
                    "Drop that signature in a step before.",
                )

    def _rewrite(self, batch: BatchFlow, flow: Flow, changed: list[Signature], old: int | None) -> None:
        meta_graph = self.workspace.meta_graph
        before = InUse.of(meta_graph)
        nodes = {node.name: node for node in meta_graph.graph_def.node}
        freed = free_batch(meta_graph, batch, flow, _scope(nodes)) if old is not None else Freed()
        for one in self.inputs:
            node = nodes[one.output[0]]
            node.attr["shape"].shape.CopyFrom(shapes.to_proto(one.new))
        for name in descendants(
            nodes, [one.output[0] for one in self.inputs]
        ):  # also what no signature needs
            if name in nodes and "_output_shapes" in nodes[name].attr:
                del nodes[name].attr["_output_shapes"]
        self._declare(flow, changed)
        for signature in changed:
            if signature.key in children_by_key(meta_graph.object_graph_def):
                unlink(meta_graph.object_graph_def, signature.key)
                make_function(self.workspace, signature.key)
            elif signature.key == self.as_key and self.meta.has_object_graph:
                make_function(self.workspace, signature.key)
        copies = freed.functions if self.as_key is None else []
        callables = free_callables(meta_graph.object_graph_def, copies)
        sweep(meta_graph, before)
        self._refer(flow, changed, old)
        self.workspace.faithful = False
        drop_warmup(self.workspace)
        tell_repairs(self.workspace, freed)
        if self.as_key is None:
            tell_signatures(self.workspace, self.meta, changed)
        if old is not None:
            tell_callables(self.workspace, callables, old)

    def _declare(self, flow: Flow, changed: list[Signature]) -> None:
        """Write the new shapes into the signatures."""
        new = {one.port.tensor: one.new for one in self.inputs}
        size = next((one.new[0] for one in self.inputs if one.new), None)
        for signature in changed:
            definition = self.workspace.meta_graph.signature_def[signature.key]
            for port in signature.inputs.values():
                if port.tensor in new:
                    definition.inputs[port.key].tensor_shape.CopyFrom(shapes.to_proto(new[port.tensor]))
            for port in signature.outputs.values():
                facts, info = _facts(flow, port), definition.outputs[port.key]
                if port.kind == "dense" and info.HasField("tensor_shape") and facts.axis is not None:
                    info.tensor_shape.CopyFrom(shapes.to_proto(_declared(facts, port.shape, size)))

    def _refer(self, flow: Flow, changed: list[Signature], old: int | None) -> None:
        """Let the verification run the source on as many rows as it takes."""
        references = self.workspace.references
        has_batch = {one.port.tensor for one in self.inputs if one.frees}
        for signature in changed:
            reference = references.known.get(signature.key)
            if reference is not None and old is not None and reference.rows is None:
                references.known[signature.key] = _by_rows(reference, signature, flow, has_batch, old)
        references.verify([signature.key for signature in changed])
        if old is not None and self.workspace.rows is None:
            axes = {
                f"{node}:{index}": facts.axis
                for (node, index), facts in flow.facts.items()
                if facts.axis is not None and not facts.kept
            }
            self.workspace.rows = FreedRows(old, axes)


_HINTS = {
    "reshape-rows": "Its rows depend on each other, so no batch size but the old one gives the same results.",
    "reshape-state": "Make a stateless copy of the model first.",
    "reshape-pinned": "Export the model again with a free batch, or take an output before this node.",
    "reshape-op": "Take an output before this node.",
}


def _scope(nodes: Mapping[str, NodeDef]) -> str:
    """Return a scope that no node is in."""
    number = 1
    while any(name.startswith(f"reshape_{number}/") for name in nodes):
        number += 1
    return f"reshape_{number}"


def _facts(flow: Flow, port: Port) -> Facts:
    tensor = input_tensor(port.tensor)
    return flow.facts.get((tensor.node, tensor.index), Facts())


def _declared(facts: Facts, old: Shape, batch: int | None) -> Shape:
    """Return the declared shape of an output that has the rows of the batch."""
    if facts.kept and old is not None:
        old = (None, *old)
    if facts.sizes is None or (old is not None and len(old) != len(facts.sizes)):
        return None
    found: list[int | None] = []
    for size, before in zip(facts.sizes, old or (None,) * len(facts.sizes), strict=True):
        if isinstance(size, Rows):
            found.append(None if batch is None or size.factor is None else batch * size.factor)
        else:
            found.append(before if size is None else size)
    return tuple(found)


def _by_rows(
    reference: Reference, signature: Signature, flow: Flow, has_batch: set[str], old: int
) -> Reference:
    """Return a reference whose source is run on a fixed number of rows at a time."""
    inputs: dict[str, tuple[SourceTensors, ...]] = {}
    for key, taking in reference.inputs.items():
        port = signature.inputs.get(key)
        axis = 0 if port is not None and port.tensor in has_batch else None
        inputs[key] = tuple(found._replace(axis=axis) for found in taking)
    outputs = dict(reference.outputs)
    for key, given in reference.outputs.items():
        if key in signature.outputs:
            facts = _facts(flow, signature.outputs[key])
            outputs[key] = with_axis(given, None if facts.kept else facts.axis, stacked=facts.kept)
    return replace(reference, inputs=inputs, outputs=outputs, rows=old)
