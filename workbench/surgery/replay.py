"""Edits again: from the kind and the options in a recipe to the same edit of the same model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import DamagedFile
from workbench.model import Model
from workbench.names import did_you_mean, show
from workbench.surgery.edit import Edit


def redo(model: Model, kind: str, options: Mapping[str, Any], where: str) -> Edit:
    """The edit that a recipe tells of.

    Args:
        model: the original, opened with its tag set.
        kind: `edit` of the recipe.
        options: its options.
        where: the recipe's file, for errors.

    Raises:
        DamagedFile: the kind is not known here, or an option is not of its form.
        WorkbenchError: as the edit itself raises.
    """
    if kind not in _KINDS:
        raise DamagedFile(
            f"The recipe tells of an edit {show(kind)!r}, which this version of workbench does not know.",
            where=where,
            hint=did_you_mean(kind, _KINDS, noun="edits"),
        )
    try:
        return _KINDS[kind](model, options)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(
            f"The options of the recipe can't be read: {show(str(error))}.", where=where
        ) from None


def _signature(model: Model, options: Mapping[str, Any]) -> Edit:
    from workbench.surgery.operations.signature import Added, SignatureChange, change_signatures

    change = SignatureChange(
        rename=dict(options.get("rename", {})),
        rename_inputs=dict(options.get("rename_inputs", {})),
        rename_outputs=dict(options.get("rename_outputs", {})),
        drop=tuple(options.get("drop", ())),
        add=tuple(
            Added(one["key"], dict(one["inputs"]), dict(one["outputs"])) for one in options.get("add", ())
        ),
        method=options.get("method"),
        signature=options.get("signature"),
    )
    return change_signatures(model, change)


def _freeze(model: Model, options: Mapping[str, Any]) -> Edit:
    from workbench.surgery.operations.freeze import freeze_model

    del options
    return freeze_model(model)


def _flatten(model: Model, options: Mapping[str, Any]) -> Edit:
    from workbench.surgery.operations.flatten import flatten

    return flatten(model, options.get("format", "auto"))


_KINDS: dict[str, Callable[[Model, Mapping[str, Any]], Edit]] = {
    "signature": _signature,
    "freeze": _freeze,
    "flatten": _flatten,
}
