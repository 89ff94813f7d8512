"""The reference of a verification: a draft's sources as a chain of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from workbench import names
from workbench.graph.needs import Needs
from workbench.model.signature import Signature
from workbench.runtime.chain import (
    Adapted,
    Call,
    Chain,
    Feed,
    FromConstant,
    FromInput,
    FromSeveral,
    FromStage,
    ModelRef,
    Rows,
    Stage,
    Taken,
    Tolerance,
)
from workbench.runtime.comparison.purity import is_pure
from workbench.runtime.component_tensors import component_names
from workbench.runtime.inputs.groups import Group, structured_groups
from workbench.surgery.adapters import reference as adapters
from workbench.surgery.draft import Draft
from workbench.surgery.export.duplicate_variables import restoring_what_is_read
from workbench.surgery.imported import ImportedModel
from workbench.surgery.lineage import Combined, Derived, PassedThrough, Reference, SourceTensors
from workbench.surgery.resolve.join import Join
from workbench.surgery.resolve.links import Link

if TYPE_CHECKING:
    from workbench.checks.unsafe import Danger
    from workbench.model import MetaGraph, Model, Port
    from workbench.runtime.child_process.private_copy import Place
    from workbench.surgery.resolve.callables import Called

ROW_COUNTS = (1, 2, 3, 5)
"""The numbers of rows that a result with a free batch is run on, where its source takes a fixed number."""


def chain(draft: Draft, key: str, place: Place = ModelRef.of) -> Chain:
    """Return the sources of a draft's signature, in the order in which they run.

    Where wires end inside calls, what lies there can't be fetched from the source itself: a copy of it is loaded, in
    which those calls are inlined.

    Args:
        draft: the draft.
        key: of one of `draft.references`.
        place: where the sources are loaded from; without it the chain can only be looked at.
    """
    return _chain(draft, key, place)[0]


def stages(draft: Draft, key: str) -> list[tuple[Stage, MetaGraph]]:
    """Return the stages of a chain, each with the MetaGraph it loads.

    Arguments as for `chain`.
    """
    found, loaded = _chain(draft, key, ModelRef.of)
    return list(zip(found.stages, loaded, strict=True))


def _chain(draft: Draft, key: str, place: Place) -> tuple[Chain, list[MetaGraph]]:
    """Return the chain of a signature, and the MetaGraph that each stage loads."""
    join, reference, signature = draft.join, draft.references[key], draft.meta.signatures[key]
    order, links = _needed(join, reference)
    position = {handle: index for index, handle in enumerate(order)}
    made, loaded = [], []
    for handle in order:
        part = join.parts[handle]
        feeds: dict[str, Feed] = {}
        fetches: dict[str, None] = {}
        for own, found in reference.takers():
            if found.handle == handle:
                components = component_names(signature.inputs[own])
                feeds |= {
                    _tensor(name): FromInput(component, _adapted(found), reference.defaults.get(own))
                    for name, component in zip(found.tensors, components, strict=True)
                }
        for found, value in reference.constants:
            if found.handle == handle:
                feeds[_tensor(found.tensors[0])] = FromConstant(value, _adapted(found))
        for link in links:
            if link.target.handle == handle:
                through = None if link.chain is None else _of(link.chain.reference(), link.chain.tolerance)
                for source, target in zip(link.source.tensors, link.target.tensors, strict=True):
                    feeds[_tensor(target)] = FromStage(position[link.source.handle], _tensor(source), through)
            if link.source.handle == handle:
                fetches |= dict.fromkeys(map(_tensor, link.source.tensors))
        for found in reference.givers():
            if found.handle == handle:
                fetches |= dict.fromkeys(map(_tensor, found.tensors))
        called = reference.prepared.called if reference.prepared is not None else part.called
        meta = reference.inlined or (part.meta if part.inlined is not None else part.model.meta)
        pure = called is None and is_pure(meta, fetches)
        copied = meta is not part.model.meta and called is None
        loads = restoring_what_is_read(meta) if copied else meta
        mended, meta = loads is not meta, loads
        name = handle if draft.plan.joins else "the original"
        call = _call(called) if called is not None else None
        made.append(Stage(name, place(part.model, meta), feeds, tuple(fetches), pure, call, mended))
        loaded.append(meta)
    outputs = {
        component: _taken(given, index, position, signature, reference.defaults)
        for own, given in reference.outputs.items()
        for index, component in enumerate(component_names(signature.outputs[own]))
    }
    return Chain(tuple(made), outputs, rows=_rows(reference, signature)), loaded


def _rows(reference: Reference, signature: Signature) -> Rows | None:
    """Return how values are split into rows for sources that take a fixed number of them."""
    if reference.rows is None:
        return None
    inputs = {
        component: found.axis
        for key, found in reference.takers()
        if found.axis is not None
        for component in component_names(signature.inputs[key])
    }
    outputs = {
        component: axis
        for key, given in reference.outputs.items()
        if (axis := _axis(reference, given)) is not None
        for component in component_names(signature.outputs[key])
    }
    stacked = {
        component
        for key, given in reference.outputs.items()
        if any(one.stacked for one in given.origins())
        for component in component_names(signature.outputs[key])
    }
    return Rows(reference.rows, inputs, outputs, frozenset(stacked))


def _axis(reference: Reference, given: Derived) -> int | None:
    """Return the dimension of an output that counts rows; that of the input for one that is passed through."""
    if isinstance(given, PassedThrough):
        return next((found.axis for key, found in reference.takers() if key == given.key), None)
    return next((one.axis for one in given.origins()), None)


def _taken(
    given: Derived,
    index: int,
    position: Mapping[str, int],
    signature: Signature,
    defaults: Mapping[str, Any],
) -> Taken:
    """Return where a component of an output comes from, given the stage of each source."""
    if isinstance(given, PassedThrough):
        if given.value is not None:
            return FromConstant(given.value)
        component = component_names(signature.inputs[given.key])[index]
        return FromInput(component, default=defaults.get(given.key))
    if isinstance(given, Combined):
        values = {name: _taken(one, 0, position, signature, defaults) for name, one in given.values.items()}
        return FromSeveral(values, _of(given.steps, given.tolerance, given.part))
    return FromStage(position[given.handle], _tensor(given.tensors[index]), _adapted(given))


def _adapted(found: SourceTensors) -> Adapted | None:
    return _of(found.steps, found.tolerance, found.part) if found.steps else None


def _of(steps: Sequence[Mapping[str, Any]], tolerance: adapters.Tolerance, part: str = "") -> Adapted:
    allowed = Tolerance(tolerance.absolute, tolerance.relative, tolerance.jpeg)
    return Adapted(steps, part, allowed)


def _needed(join: Join, reference: Reference) -> tuple[list[str], list[Link]]:
    """Return the sources that a signature needs, in order, and their wires."""
    fed = {(found.handle, _tensor(tensor)) for _, found in reference.takers() for tensor in found.tensors}
    fed |= {(found.handle, _tensor(found.tensors[0])) for found, _ in reference.constants}
    wanted = {found.handle for found in reference.givers()}
    links: list[Link] = []

    def follow() -> None:
        for handle in reversed(join.order):
            for link in join.links_into(handle) if handle in wanted else ():
                if link in links or {(handle, _tensor(tensor)) for tensor in link.target.tensors} <= fed:
                    continue
                links.append(link)
                wanted.add(link.source.handle)

    follow()
    for taking in reference.inputs.values():
        if not any(
            found.handle in wanted for found in taking
        ):  # an input without an effect is given all the same
            wanted.update(found.handle for found in taking)
    follow()
    chosen = [link for link in join.links if link in links]
    return [handle for handle in join.order if handle in wanted], chosen


def depends(draft: Draft, key: str) -> dict[str, bool]:
    """Return for each output tensor whether an input reaches it in the sources."""
    join, reference, signature = draft.join, draft.references[key], draft.meta.signatures[key]
    needs = {handle: part.needs for handle, part in join.parts.items()}
    meta = reference.prepared.meta if reference.prepared is not None else reference.inlined
    if meta is not None:
        (handle,) = needs
        needs[handle] = Needs(meta)
    fed: dict[str, dict[str, str]] = {handle: {} for handle in needs}
    for _, found in reference.takers():
        fed[found.handle] |= {_tensor(tensor): "\0fed" for tensor in found.tensors}
    for found, _ in reference.constants:
        fed[found.handle] |= {_tensor(tensor): "\0constant" for tensor in found.tensors}

    @cache
    def reaches(handle: str, roots: tuple[str, ...]) -> bool:
        cuts = join.parts[handle].cuts
        reached = needs[handle].values(roots, fed[handle])
        if "\0fed" in reached:
            return True
        return any(
            reaches(link.source.handle, link.source.tensors)
            for link in join.links_into(handle)
            if any(cuts.get(_tensor(tensor)) in reached for tensor in link.target.tensors)
        )

    return {
        component: _passes(given)
        or any(reaches(found.handle, (_component(found, index),)) for found in given.origins())
        for own, given in reference.outputs.items()
        for index, component in enumerate(component_names(signature.outputs[own]))
    }


def _passes(given: Derived) -> bool:
    """Return whether an input of the result is part of an output as it is."""
    if isinstance(given, Combined):
        return any(map(_passes, given.values.values()))
    return isinstance(given, PassedThrough) and given.value is None


def _component(found: SourceTensors, index: int) -> str:
    """Return a component of an output; what is computed from several tensors has one."""
    return found.tensors[index if index < len(found.tensors) else 0]


def groups(draft: Draft, key: str) -> list[Group]:
    """Return the ragged and sparse inputs of a signature, as the sources have them."""
    reference, signature = draft.references[key], draft.meta.signatures[key]
    groups: list[Group] = []
    for handle, part in draft.parts.items():
        meta = part.meta if part.called is not None else part.model.meta
        if reference.prepared is not None:
            meta = reference.prepared.meta
        tensors = {
            component: _tensor(tensor)
            for own, found in reference.takers()
            if found.handle == handle
            for component, tensor in zip(component_names(signature.inputs[own]), found.tensors, strict=True)
        }
        groups += structured_groups(meta, tensors)
    return groups


def own_chain(part: ImportedModel, signature: Signature, place: Place = ModelRef.of) -> Chain:
    """Return the chain of a source alone, by one of its own signatures.

    `place` is as for `chain`.
    """
    return signature_chain(part.handle, part.model, part.model.meta, signature, place)


def signature_chain(
    name: str, model: Model, meta: MetaGraph, signature: Signature, place: Place = ModelRef.of
) -> Chain:
    """Return a model as a chain of one stage, by one of its own signatures.

    Args:
        name: of the stage, for messages.
        model: the model.
        meta: its MetaGraph.
        signature: one of that.
        place: as for `chain`.
    """
    feeds: dict[str, Feed] = {}
    outputs: dict[str, FromStage] = {}
    for port in signature.inputs.values():
        feeds |= {
            _tensor(tensor): FromInput(component)
            for tensor, component in zip(port.tensors, component_names(port), strict=True)
        }
    for port in signature.outputs.values():
        outputs |= {
            component: FromStage(0, _tensor(tensor))
            for tensor, component in zip(port.tensors, component_names(port), strict=True)
        }
    fetches = tuple(dict.fromkeys(found.tensor for found in outputs.values()))
    return Chain((Stage(name, place(model, meta), feeds, fetches, is_pure(meta, fetches)),), outputs)


def _call(called: Called) -> Call:
    return Call(called.path, called.index, called.inputs, called.outputs)


def signature_depends(model: Model, meta: MetaGraph, signature: Signature) -> dict[str, bool]:
    """Return for each output component whether an input reaches it, in a model alone."""
    needs = Needs(meta)
    fed = {_tensor(tensor): "\0fed" for port in signature.inputs.values() for tensor in port.tensors}
    return {
        component: "\0fed" in needs.values([tensor], fed)
        for port in signature.outputs.values()
        for tensor, component in zip(port.tensors, component_names(port), strict=True)
    }


def stage_unsafe_ops(stage: Stage, meta: MetaGraph, tensorflow: str | None = None) -> list[Danger]:
    """Return the unsafe ops that running a stage reaches, alone or in a chain.

    A stage is loaded, its fetches are run in a v1 Session, and where `tf.saved_model.load` is asked too, a signature
    that takes and gives just these tensors is called.

    Args:
        stage: the stage.
        meta: the MetaGraph it loads.
        tensorflow: as for `unsafe_ops`.
    """
    from workbench.checks.unsafe import unsafe_ops

    if stage.call is not None:
        return unsafe_ops(meta, [], called=[stage.call.path], tensorflow=tensorflow)
    fed, fetched = set(stage.feeds), set(stage.fetches)
    keys = [
        key
        for key, signature in meta.signatures.items()
        if fetched <= _tensors(signature.outputs) and _tensors(signature.inputs) <= fed
    ]
    return unsafe_ops(meta, keys, tensors=stage.fetches, fed=stage.feeds, tensorflow=tensorflow)


def _tensors(ports: Mapping[str, Port]) -> set[str]:
    return {_tensor(name) for port in ports.values() for name in port.tensors}


def _tensor(name: str) -> str:
    return str(names.input_tensor(name))
