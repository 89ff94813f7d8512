"""Expose: make tensors of the graph further outputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from workbench import names
from workbench.disk import schema
from workbench.graph.adjacency import Adjacency
from workbench.graph.needs import Needs
from workbench.model import MetaGraph, shapes
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import HIDDEN_SIGNATURES, Signature
from workbench.names import show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse, sweep, unlink
from workbench.surgery.lineage import Reference, SourceTensors
from workbench.surgery.operation import Operation, option, register
from workbench.surgery.resolve.inner_tensors import InnerTensor
from workbench.surgery.resolve.inside_calls import inline_paths, path_of
from workbench.surgery.signatures.change_signatures import make_function
from workbench.surgery.signatures.chosen import add_copy, choose
from workbench.surgery.signatures.exposed_tensors import (
    ITERATIONS,
    ExposedTensors,
    expose_tensors,
    find_tensors,
)
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
        values.Pairs(), "a new output and its tensor", metavar="KEY=TENSOR", positional=True, refers=True
    )
    signature: str | None = option(
        values.Text(optional=True), "key of the signature", metavar="KEY", default=None
    )
    as_key: str | None = option(
        values.Text(optional=True),
        "add a signature with this key, and leave the other",
        metavar="KEY",
        default=None,
        flag="as",
    )
    iterations: int = option(
        values.Count(),
        f"how many iterations of a loop are kept; {ITERATIONS} if not given",
        metavar="N",
        default=ITERATIONS,
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace, or report findings and change nothing.

        Functions on the way are cloned; other signatures and callables stay as they were.

        Raises:
            ModelError: the calls can't be inlined in the copy that the result is compared with.
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
        reference = _Comparison(workspace, signature).extended(addresses, found, self.iterations)
        if reference is not None:
            changed = signature if self.as_key is None else add_copy(workspace, signature, self.as_key)
            workspace.references.known[changed.key] = reference
            _expose(workspace, changed, addresses, self.iterations)


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


class _Comparison:
    """What the signature must agree with: the source, in a copy with the calls inlined that tensors are in."""

    def __init__(self, workspace: Workspace, signature: Signature) -> None:
        self.workspace = workspace
        self.signature = signature
        self.known = workspace.references.known.get(signature.key)

    def extended(self, addresses: Mapping[str, str], found: ExposedTensors, most: int) -> Reference | None:
        """Return the reference of the signature with its new outputs; report why there is none."""
        known, workspace = self.known, self.workspace
        inner = {key: one for key, one in found.found.items() if one.value.level.calls}
        plain = {key: one for key, one in found.found.items() if key not in inner}
        if known is None or known.prepared is not None or (inner and workspace.joined_files is not None):
            self._no_source(next(iter(addresses)))
            return None
        outputs = dict(known.outputs)
        for key, one in plain.items():
            tensors = workspace.source_tensors([f"{one.value.name}:{one.value.index}"])
            if not tensors:
                self._no_source(key)
                return None
            outputs[key] = tensors[0]
        if workspace.joined_files is not None:
            return replace(known, outputs=outputs)
        made = self._copy(known, inner, most)
        if made is None:
            return None
        copy, opened, tensors_of = made
        for key, tensor in tensors_of.items():
            outputs[key] = SourceTensors(workspace.source.handle, (tensor,))
        inlined = copy if copy is not workspace.source.meta else None
        result = replace(known, outputs=outputs, inlined=inlined, opened=opened)
        lacking = _lacking(result, copy)
        if lacking is not None:
            self._no_source(lacking)
            return None
        return result if self._is_fed(result, copy) else None

    def _copy(
        self, known: Reference, inner: Mapping[str, InnerTensor], most: int
    ) -> tuple[MetaGraph, tuple[tuple[str, str], ...], dict[str, str]] | None:
        """Return a copy of the source that has the inner tensors in its main graph, its inlined calls, and those."""
        workspace = self.workspace
        model, opened = workspace.source.model, dict(known.opened)
        base = known.inlined or workspace.lineage or workspace.source.meta
        if workspace.lineage is not None and _lacking(known, workspace.lineage) is None:
            base, opened = workspace.lineage, {}
        if not inner:
            return base, tuple(opened.items()), {}
        split = {key: _at_first_loop(one) for key, one in inner.items()}
        paths = {path: _now(path, opened) for wanted, _ in split.values() for path in _with_parents(wanted)}
        copy, done = inline_paths(model, base, [now for now in paths.values() if now])
        opened |= {path: done.places[now] for path, now in paths.items() if now in done.places}
        tensors: dict[str, str] = {}
        behind: dict[str, str] = {}
        for key, (path, rest) in split.items():
            if path and path not in opened:
                self._no_source(key)
                return None
            place = f"{opened[path]}/{rest}" if path else rest
            (behind if names.CALL_SEPARATOR in place else tensors)[key] = place
        if behind:
            proto = schema.MetaGraphDef()
            proto.CopyFrom(copy.proto)
            exposed = expose_tensors(copy, proto, behind, iterations=most)
            if exposed.wrong:
                self._no_source(next(iter(exposed.wrong)))
                return None
            tensors |= exposed.done.tensors
            copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=copy.format)
        return copy, tuple(opened.items()), tensors

    def _is_fed(self, reference: Reference, meta: MetaGraph) -> bool:
        """Return whether the inputs feed all placeholders that the outputs need."""
        fed = [tensor for _, found in reference.takers() for tensor in found.tensors]
        fed += [tensor for found, _ in reference.constants for tensor in found.tensors]
        feeds = {str(names.input_tensor(tensor)): "\0fed" for tensor in fed}
        needs, good = Needs(meta), True
        for key, found in reference.outputs.items():
            if key in self.signature.outputs:
                continue
            roots = [tensor for one in found.origins() for tensor in one.tensors]
            reached = needs.nodes(roots, feeds, as_it_is=True)
            bare = sorted(
                name for name in reached if name in meta.nodes and meta.nodes[name].op in MUST_BE_FED
            )
            if bare:
                good = False
                told = f"It needs {names.count(len(bare), 'placeholder')} that no input of "
                told += f"{show(self.signature.key)!r} feeds: {', '.join(map(show, bare[:6]))}."
                hint = (
                    "Choose the signature that has such an input, or a tensor that follows from the inputs."
                )
                self.workspace.note("signature-unfeedable", "error", show(key), told, hint)
        return good

    def _no_source(self, key: str) -> None:
        self.workspace.note(
            "step-lineage",
            "error",
            show(key),
            "No source has values to verify it with: it was made by an earlier step, or is inside calls of models "
            "that are joined.",
            "Expose it in a step before, or in the source.",
        )


def _lacking(reference: Reference, meta: MetaGraph) -> str | None:
    """Return a tensor of a reference that a MetaGraph does not have, or None."""
    for found in (*(one for _, one in reference.takers()), *reference.givers()):
        for text in found.tensors:
            tensor = names.input_tensor(text)
            node = meta.nodes.get(tensor.node)
            types = meta.output_types(node) if node is not None else ()
            if types is not None and tensor.index >= len(types):
                return text
    return None


def _at_first_loop(one: InnerTensor) -> tuple[str, str]:
    """Return the path of the plain calls that lead to a tensor, and its place from there on."""
    calls = one.value.level.calls
    number = next((at for at, call in enumerate(calls) if call.kind == "loop"), len(calls))
    rest = names.CALL_SEPARATOR.join([*map(str, calls[number:]), f"{one.value.name}:{one.value.index}"])
    return path_of(calls[:number]), rest


def _with_parents(path: str) -> list[str]:
    """Return a path of calls and those above it, the first one first; none for the main graph."""
    steps = path.split(names.CALL_SEPARATOR) if path else []
    return [names.CALL_SEPARATOR.join(steps[:count]) for count in range(1, len(steps) + 1)]


def _now(path: str, opened: Mapping[str, str]) -> str | None:
    """Return the path of calls in a copy in which some calls are inlined; None if this one is."""
    steps = path.split(names.CALL_SEPARATOR)
    for count in range(len(steps), 0, -1):
        scope = opened.get(names.CALL_SEPARATOR.join(steps[:count]))
        if scope is not None:
            rest = steps[count:]
            return names.CALL_SEPARATOR.join([f"{scope}/{rest[0]}", *rest[1:]]) if rest else None
    return path
