"""What a signature with exposed tensors is compared with: a copy of the source that has them in its main graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from workbench import names
from workbench.disk import dtypes, schema
from workbench.graph.needs import Needs
from workbench.model import MetaGraph
from workbench.model.op_classes import MUST_BE_FED
from workbench.names import show
from workbench.surgery.exposing.exposed_tensors import ITERATIONS, expose_tensors
from workbench.surgery.exposing.inner_tensors import InnerTensor
from workbench.surgery.lineage import Derived, Reference, SourceTensors
from workbench.surgery.resolve.inside_calls import inline_paths, path_of
from workbench.surgery.workspace import Workspace

Key = TypeVar("Key")


class Comparison:
    """The source of a signature, or a copy of it with the calls inlined that tensors are in.

    Args:
        workspace: gets findings where a tensor has no counterpart in a source.
        known: the reference that is added to; of one that a callable gives, its tensors.
    """

    def __init__(self, workspace: Workspace, known: Reference) -> None:
        self.workspace = workspace
        self.known = known
        self._copy: MetaGraph | None = None
        self._opened: tuple[tuple[str, str], ...] = ()

    def sources(
        self, wanted: Mapping[Key, InnerTensor], name: Callable[[Key], str], most: int = ITERATIONS
    ) -> dict[Key, tuple[SourceTensors, ...]] | None:
        """Return the tensors of sources that some tensors are, or report why one has none.

        Args:
            wanted: tensors as they stand.
            name: how a finding names one.
            most: iterations of a loop that are kept.

        Raises:
            ModelError: a call can't be inlined in the copy.
        """
        workspace = self.workspace
        inner = {key: one for key, one in wanted.items() if one.value.level.calls}
        found: dict[Key, tuple[SourceTensors, ...]] = {}
        for key, one in wanted.items():
            if key in inner:
                continue
            found[key] = workspace.source_tensors([f"{one.value.name}:{one.value.index}"])
            if not found[key]:
                self.no_source(name(key))
                return None
        if workspace.joined_files is not None:
            if inner:
                self.no_source(name(next(iter(inner))))
            return None if inner else found
        tensors = self._tensors(list(inner.values()), most)
        for (key, _), tensor in zip(inner.items(), tensors, strict=True):
            if tensor is None:
                self.no_source(name(key))
                return None
            found[key] = (SourceTensors(workspace.source.handle, (tensor,)),)
        return found

    def reference(
        self, inputs: Mapping[str, tuple[SourceTensors, ...]], outputs: Mapping[str, Derived]
    ) -> Reference | None:
        """Return the reference with these inputs and outputs, or report what no source has."""
        if self._copy is None:
            return replace(self.known, inputs=inputs, outputs=outputs)
        inlined = self._copy if self._copy is not self.workspace.source.meta else None
        result = replace(self.known, inputs=inputs, outputs=outputs, inlined=inlined, opened=self._opened)
        lacking = _lacking(result, self._copy)
        if lacking is not None:
            self.no_source(lacking)
            return None
        return result

    def unfed(self, reference: Reference, outputs: Iterable[str]) -> list[str]:
        """Return the placeholders that some outputs need and that no input feeds."""
        meta = self._copy
        if meta is None:
            return []
        fed = [tensor for _, found in reference.takers() for tensor in found.tensors]
        fed += [tensor for found, _ in reference.constants for tensor in found.tensors]
        feeds = {str(names.input_tensor(tensor)): "\0fed" for tensor in fed}
        found = (one for key in outputs for one in reference.outputs[key].origins())
        roots = [tensor for one in found for tensor in one.tensors]
        reached = Needs(meta).nodes(roots, feeds, as_it_is=True)
        return sorted(name for name in reached if name in meta.nodes and meta.nodes[name].op in MUST_BE_FED)

    def runnable(self, reference: Reference) -> Reference:
        """Return a reference of a part that can be run with its inputs alone.

        A node that a fed tensor takes the place of would still be run where others wait for it, and so would what has
        no effect. In the copy of the source nothing waits for such nodes. Placeholders that whole calls need, and not
        those of their results that are asked for, are fed with zeros.
        """
        if self._copy is None or not self._all_unfed(reference):
            return reference
        reference = self._without_waits(reference, self._copy)
        import numpy as np

        constants = list(reference.constants)
        for name in self._all_unfed(reference):
            tensor = self._copy.node_tensor(f"{name}:0")
            kind = None if tensor is None else dtypes.numpy(tensor.dtype)
            if tensor is not None and kind is not None:
                value = np.zeros([1 if size is None else size for size in tensor.shape or ()], kind)
                if tensor.dtype == dtypes.STRING:
                    value = np.full(value.shape, b"", object)
                constants.append((SourceTensors(self.workspace.source.handle, (f"{name}:0",)), value))
        return replace(reference, constants=tuple(constants))

    def _all_unfed(self, reference: Reference) -> list[str]:
        return self.unfed(reference, reference.outputs)

    def _without_waits(self, reference: Reference, meta: MetaGraph) -> Reference:
        fed = [str(names.input_tensor(tensor)) for _, found in reference.takers() for tensor in found.tensors]
        needs = Needs(meta, {tensor: f"\0{tensor}" for tensor in fed})
        needed = needs.nodes([tensor for found in reference.givers() for tensor in found.tensors])
        needed -= needs.bridged().keys()
        proto = schema.MetaGraphDef()
        proto.CopyFrom(meta.proto)
        for node in proto.graph_def.node:
            kept = [text for text in node.input if not names.is_control(text) or text[1:] in needed]
            if len(kept) < len(node.input) and node.name in needed:
                node.input[:] = kept
        model = self.workspace.source.model
        self._copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
        return replace(reference, inlined=self._copy)

    def _tensors(self, inner: Sequence[InnerTensor], most: int) -> list[str | None]:
        """Make the copy of the only source that has some tensors in its main graph, and return those."""
        workspace, known = self.workspace, self.known
        model, opened = workspace.source.model, dict(known.opened)
        copy = known.inlined or workspace.lineage or workspace.source.meta
        if workspace.lineage is not None and _lacking(known, workspace.lineage) is None:
            copy, opened = workspace.lineage, {}
        split = [_at_first_loop(one) for one in inner]
        paths = {path: _now(path, opened) for wanted, _ in split for path in _with_parents(wanted)}
        if any(paths.values()):
            copy, done = inline_paths(model, copy, [now for now in paths.values() if now])
            opened |= {path: done.places[now] for path, now in paths.items() if now in done.places}
        places = [
            rest if not path else f"{opened[path]}/{rest}" if path in opened else None for path, rest in split
        ]
        behind = {
            str(at): place for at, place in enumerate(places) if place and names.CALL_SEPARATOR in place
        }
        found: list[str | None] = list(places)
        if behind:
            proto = schema.MetaGraphDef()
            proto.CopyFrom(copy.proto)
            exposed = expose_tensors(copy, proto, behind, iterations=most)
            for key in behind:
                found[int(key)] = exposed.done.tensors.get(key)
            copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=copy.format)
        self._copy, self._opened = copy, tuple(opened.items())
        return found

    def no_source(self, name: str) -> None:
        """Report a tensor that no source has."""
        self.workspace.note(
            "step-lineage",
            "error",
            show(name),
            "No source has values to verify it with: it was made by an earlier step, or is inside calls of models "
            "that are joined.",
            "Take it in a step before, or from the source.",
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
