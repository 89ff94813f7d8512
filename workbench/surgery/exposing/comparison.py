"""What a signature with exposed tensors is compared with: a copy of the source that has them in its main graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench import names
from workbench.disk import schema
from workbench.graph.needs import Needs
from workbench.model import MetaGraph
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.signature import Signature
from workbench.names import show
from workbench.surgery.exposing.exposed_tensors import ExposedTensors, expose_tensors
from workbench.surgery.exposing.inner_tensors import InnerTensor
from workbench.surgery.lineage import Reference, SourceTensors
from workbench.surgery.resolve.inside_calls import inline_paths, path_of
from workbench.surgery.workspace import Workspace


class Comparison:
    """The source of a signature, in a copy with the calls inlined that tensors are in.

    Args:
        workspace: gets findings where there is none.
        signature: the signature as it stands.
    """

    def __init__(self, workspace: Workspace, signature: Signature) -> None:
        self.workspace = workspace
        self.signature = signature
        self.known = workspace.references.known.get(signature.key)

    def extended(self, addresses: Mapping[str, str], found: ExposedTensors, most: int) -> Reference | None:
        """Return the reference of the signature with new outputs, or report why there is none.

        Args:
            addresses: of the new outputs, as they are written.
            found: what they name.
            most: iterations of a loop that are kept.

        Raises:
            ModelError: a call can't be inlined in the copy.
        """
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
