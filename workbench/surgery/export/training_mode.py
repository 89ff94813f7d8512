"""Training and inference of a result: both variants of each callable.

A source that is joined by `__call__` was traced with `training=False`, `training=True` or both. Where both are there,
the result has both: its second `__call__` is made of the merged graph in which those calls name the other concrete
function and take what that one has captured. A source without a `training` argument is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench import names
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.findings import Action, Hint
from workbench.graph.functions import reachable
from workbench.model.callables import Variant
from workbench.model.op_classes import call_op
from workbench.names import show
from workbench.surgery.imported import ImportedModel
from workbench.surgery.rewrite.prefix import Renamer

ARGUMENT = "training"
_FALSE, _TRUE = "training=False", "training=True"


def mode(variant: Variant) -> bool | None:
    """Return whether a variant trains; None if it has no such argument."""
    words = variant.arguments.split(", ")
    return True if _TRUE in words else False if _FALSE in words else None


def counterpart(variant: Variant, variants: Iterable[Variant]) -> Variant | None:
    """Return the variant that differs only in `training`, or None."""
    flip = {_FALSE: _TRUE, _TRUE: _FALSE}
    wanted = [flip.get(word, word) for word in variant.arguments.split(", ")]
    for other in variants:
        if (
            other is not variant
            and other.arguments.split(", ") == wanted
            and other.inputs == variant.inputs
            and [(spec.key, spec.dtype) for spec in other.outputs]
            == [(spec.key, spec.dtype) for spec in variant.outputs]
        ):
            return other
    return None


def both_modes(
    parts: Iterable[ImportedModel], nodes: Mapping[str, NodeDef], renamers: Mapping[str, Renamer]
) -> dict[bool, dict[str, NodeDef]] | None:
    """Return the merged graph for inference and for training, if both exist.

    None if a source lacks one of them, or if all are the same.

    Args:
        parts: the sources.
        nodes: the merged main graph as it is.
        renamers: names of the parts in it.
    """
    found: dict[bool, dict[str, NodeDef]] = {False: dict(nodes), True: dict(nodes)}
    several = False
    for part in parts:
        called = part.called
        if called is None or called.training is None:
            if not _same_in_both(part):
                return None
            continue
        if called.other is None:
            return None
        other = _other_call(part, nodes, renamers[part.handle])
        if other is None:
            return None
        found[not called.training][other.name] = other
        several = True
    return found if several else None


def _same_in_both(part: ImportedModel) -> bool:
    """Return whether an imported model behaves the same in training."""
    return not any(mode(variant) is not None for item in part.meta.callables for variant in item.variants)


def _other_call(part: ImportedModel, nodes: Mapping[str, NodeDef], renamer: Renamer) -> NodeDef | None:
    """Return a source's call as a call of its other variant, or None.

    None if one of its captures is not in the result.
    """
    called = part.called
    call = nodes.get(f"{part.handle}/{called.call}")
    function, captures = called.other
    taken: list[str] = []
    for tensors in captures:
        standing = [f"{part.handle}/{names.format_input(names.input_tensor(text))}" for text in tensors]
        kept = [text for text in standing if names.input_node(text) in nodes]
        if not kept:
            return None
        taken.append(kept[0])
    if call is None or function not in part.functions:
        return None
    copy = NodeDef()
    copy.CopyFrom(call)
    definition = part.meta.functions[function]
    data = [text for text in call.input if not text.startswith("^")][: len(called.inputs)]
    controls = [text for text in call.input if text.startswith("^")]
    copy.input[:] = [*data, *taken, *controls]
    copy.op = call_op(definition.signature.is_stateful)
    copy.attr["f"].func.name = renamer.function(function)
    copy.attr["Tin"].list.type[:] = [one.type for one in definition.signature.input_arg]
    copy.attr["Tout"].list.type[:] = [one.type for one in definition.signature.output_arg]
    if "_output_shapes" in copy.attr:
        del copy.attr["_output_shapes"]
    return copy


def tell(part: ImportedModel) -> None:
    """Report a trainable source that the result holds for inference only."""
    called = part.called
    if not any(variable.trainable for variable in part.meta.variables):
        return
    if called is not None and called.training is not None:
        if called.other is None:
            _note(part, called.key, "", None)
        return
    if called is not None:
        return
    by_call = [
        item.path
        for item in part.meta.callables
        if "." not in item.path and any(mode(variant) is True for variant in item.variants)
    ]
    if by_call:
        hint = Hint(
            "Joined by its callable it trains them: ",
            Action("choose-signature", {"handle": part.handle, "key": show(by_call[0])}),
        )
        _note(part, part.chosen.key if part.chosen is not None else "", "", hint)
    elif part.differs_in_training:
        _note(part, part.chosen.key if part.chosen is not None else "", "", None)


def _note(part: ImportedModel, key: str, where: str, hint: str | None) -> None:
    part.note(
        "training-inference-only",
        "info",
        where or show(key),
        "What is joined was traced for inference: in training, its variables learn, but BatchNorm and Dropout will not "
        "train.",
        hint,
    )


def differs_in_training(part: ImportedModel) -> bool:
    """Return whether a layer that the kept nodes reach behaves differently in training.

    It reads the bodies of the functions that they call, under the names of the source. The callables of its objects
    are kept as well, for training too; only what is joined counts.
    """
    if any(map(_differs, part.kept.values())):
        return True
    called = reachable(part.meta.graph, part.kept.values(), (), part.made, naming=part.naming.nodes)
    bodies = (part.function(name).node_def for name in part.functions if name in called)
    return any(_differs(node) for body in bodies for node in body)


def _differs(node: NodeDef) -> bool:
    if node.op.startswith("FusedBatchNorm"):
        return not attr(node, "is_training").b
    lowered = node.name.lower()
    return "batch_norm" in lowered or "batchnorm" in lowered or "dropout" in lowered
