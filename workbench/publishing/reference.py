"""What is run to prove a draft: its sources one after the other, as a chain of tensors in and out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import names
from workbench.graph.needs import Needs
from workbench.model.signature import Signature
from workbench.runtime.chain import Call, Chain, FromInput, FromStage, ModelRef, Stage
from workbench.runtime.comparison.purity import is_pure
from workbench.runtime.component_tensors import slot_names
from workbench.runtime.inputs.groups import Group, structured_groups
from workbench.surgery.draft import Draft
from workbench.surgery.edit import Edit, Reference
from workbench.surgery.imported import ImportedModel

if TYPE_CHECKING:
    from workbench.checks.unsafe import Danger
    from workbench.model import MetaGraph, Model, Port
    from workbench.runtime.child_process.private_copy import Place
    from workbench.surgery.resolve.callables import Called


def reference_chain(draft: Draft, place: Place = ModelRef.of) -> Chain:
    """The sources of a draft in an order in which each comes after those that feed it.

    Where wires end inside calls, what lies there can't be fetched from the source itself: a copy of it is loaded, in
    which those calls are opened.

    Args:
        draft: the draft.
        place: where the sources are loaded from; without it the chain can only be looked at.
    """
    signature = draft.signature
    order = draft.join.order
    position = {handle: index for index, handle in enumerate(order)}
    outputs: dict[str, FromStage] = {}
    stages = []
    for handle in order:
        part = draft.parts[handle]
        feeds: dict[str, FromInput | FromStage] = {}
        fetches: dict[str, None] = {}
        for port in draft.interface.inputs:
            if port.handle == handle:
                slots = slot_names(signature.inputs[port.key])
                feeds |= {
                    _tensor(name): FromInput(slot) for name, slot in zip(port.tensors, slots, strict=True)
                }
        for link in draft.join.links_into(handle):
            for source, target in zip(link.source.tensors, link.target.tensors, strict=True):
                feeds[_tensor(target)] = FromStage(position[link.source.handle], _tensor(source))
        for link in draft.join.links_from(handle):
            fetches |= dict.fromkeys(map(_tensor, link.source.tensors))
        for port in draft.interface.outputs:
            if port.handle == handle:
                slots = slot_names(signature.outputs[port.key])
                tensors = [_tensor(name) for name in port.tensors]
                fetches |= dict.fromkeys(tensors)
                outputs |= {
                    slot: FromStage(position[handle], tensor)
                    for slot, tensor in zip(slots, tensors, strict=True)
                }
        called = part.called
        pure = called is None and is_pure(part.meta, fetches)
        call = _call(called) if called is not None else None
        loaded = part.meta if part.opened is not None else part.model.meta
        model = place(part.model, loaded)
        stages.append(Stage(handle, model, feeds, tuple(fetches), pure, call))
    return Chain(tuple(stages), outputs)


def depends(draft: Draft) -> dict[str, bool]:
    """Output slot to whether an input of the result reaches it."""
    signature = draft.signature
    return {
        slot: port.depends
        for port in draft.interface.outputs
        for slot in slot_names(signature.outputs[port.key])
    }


def groups(draft: Draft) -> list[Group]:
    """The ragged and sparse inputs of a draft's signature, as the sources know them."""
    signature = draft.signature
    found = []
    for handle, part in draft.parts.items():
        meta = part.meta if part.called is not None else part.model.meta
        tensors = {
            slot: _tensor(tensor)
            for port in draft.interface.inputs
            if port.handle == handle
            for slot, tensor in zip(slot_names(signature.inputs[port.key]), port.tensors, strict=True)
        }
        found += structured_groups(meta, tensors)
    return found


def edit_groups(edit: Edit, key: str) -> list[Group]:
    """The ragged and sparse inputs of one signature of an edit's result, as the original knows them."""
    signature, reference = edit.meta.signatures[key], edit.references[key]
    meta = edit.original if reference.prepared is None else reference.prepared.meta
    tensors = {
        slot: _tensor(tensor)
        for own, tensors in reference.inputs.items()
        for slot, tensor in zip(slot_names(signature.inputs[own]), tensors, strict=True)
    }
    return structured_groups(meta, tensors)


def assets(draft: Draft) -> dict[str, Path]:
    """Tensor to asset file, where the file lies now: in the folder of its source."""
    files = {copied.relative: copied.path for copied in draft.files}
    found = {asset.tensor: files.get(f"assets/{asset.filename}") for asset in draft.meta.assets}
    return {tensor: path for tensor, path in found.items() if path is not None}


def own_chain(part: ImportedModel, signature: Signature, place: Place = ModelRef.of) -> Chain:
    """A source alone, as it was opened, by one of its own signatures; `place` as for `reference_chain`."""
    return signature_chain(part.handle, part.model, part.model.meta, signature, place)


def signature_chain(
    name: str, model: Model, meta: MetaGraph, signature: Signature, place: Place = ModelRef.of
) -> Chain:
    """A model as a chain of one, by one of its own signatures.

    Args:
        name: of the stage, for messages.
        model: the model.
        meta: its MetaGraph.
        signature: one of that.
        place: as for `reference_chain`.
    """
    return _one_stage(name, place(model, meta), meta, signature, Reference.of(signature))


def _one_stage(
    name: str, model: ModelRef, meta: MetaGraph, signature: Signature, reference: Reference
) -> Chain:
    """A chain of one: tensors of `meta` under the keys of a signature."""
    feeds: dict[str, FromInput | FromStage] = {}
    outputs: dict[str, FromStage] = {}
    for key, tensors in reference.inputs.items():
        slots = slot_names(signature.inputs[key])
        feeds |= {_tensor(tensor): FromInput(slot) for tensor, slot in zip(tensors, slots, strict=True)}
    for key, tensors in reference.outputs.items():
        slots = slot_names(signature.outputs[key])
        outputs |= {slot: FromStage(0, _tensor(tensor)) for tensor, slot in zip(tensors, slots, strict=True)}
    fetches = tuple(dict.fromkeys(place.tensor for place in outputs.values()))
    if reference.prepared is not None:
        stage = Stage(name, model, feeds, fetches, call=_call(reference.prepared.called))
    else:
        stage = Stage(name, model, feeds, fetches, is_pure(meta, fetches))
    return Chain((stage,), outputs)


def _call(called: Called) -> Call:
    return Call(called.path, called.index, called.inputs, called.outputs)


def edit_chain(edit: Edit, key: str, place: Place = ModelRef.of) -> Chain:
    """The original of an edit as a chain of one, by the keys of one signature of the result; see `reference_chain`."""
    signature, reference = edit.meta.signatures[key], edit.references[key]
    meta = reference.opened or edit.original
    return _one_stage("the original", place(edit.model, meta), meta, signature, reference)


def edit_depends(edit: Edit, key: str) -> dict[str, bool]:
    """Output slot to whether an input reaches it, in the original."""
    return _depends(edit.model, edit.original, edit.meta.signatures[key], edit.references[key])


def signature_depends(model: Model, meta: MetaGraph, signature: Signature) -> dict[str, bool]:
    """Output slot to whether an input reaches it, in a model alone."""
    return _depends(model, meta, signature, Reference.of(signature))


def _depends(model: Model, meta: MetaGraph, signature: Signature, reference: Reference) -> dict[str, bool]:
    if reference.prepared is not None:
        meta = reference.prepared.meta
    elif reference.opened is not None:
        meta = reference.opened
    needs = Needs(meta)
    fed = {_tensor(tensor): "\0fed" for tensors in reference.inputs.values() for tensor in tensors}
    return {
        slot: "\0fed" in needs.values([tensor], fed)
        for name, tensors in reference.outputs.items()
        for tensor, slot in zip(tensors, slot_names(signature.outputs[name]), strict=True)
    }


def dangers(stage: Stage, meta: MetaGraph, tensorflow: str | None = None) -> list[Danger]:
    """What running a stage, alone or in a chain, could do besides computing.

    A stage is loaded, its fetches are run in a v1 Session, and where `tf.saved_model.load` is asked too, a signature
    that takes and gives just these tensors is called.

    Args:
        stage: the stage.
        meta: the MetaGraph it loads.
        tensorflow: as for `dangerous`.
    """
    from workbench.checks.unsafe import dangerous

    if stage.call is not None:
        return dangerous(meta, [], called=[stage.call.path], tensorflow=tensorflow)
    fed, fetched = set(stage.feeds), set(stage.fetches)
    keys = [
        key
        for key, signature in meta.signatures.items()
        if fetched <= _tensors(signature.outputs) and _tensors(signature.inputs) <= fed
    ]
    return dangerous(meta, keys, tensors=stage.fetches, fed=stage.feeds, tensorflow=tensorflow)


def _tensors(ports: Mapping[str, Port]) -> set[str]:
    return {_tensor(name) for port in ports.values() for name in port.tensors}


def _tensor(name: str) -> str:
    return str(names.input_tensor(name))
