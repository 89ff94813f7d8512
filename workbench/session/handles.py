"""Handles that steps name: `HANDLE@node:0` of a source, `HANDLE/node:0` of a joined result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from workbench.surgery.step import Step, kind_of


def with_handles(step: Step, renamed: Mapping[str, str], *, joined: bool) -> Step:
    """Return a step that names models by their new handles.

    Args:
        step: the step.
        renamed: old to new handle, of all at once.
        joined: whether names of nodes begin with a handle: then `HANDLE/node` is renamed too, in the fields that refer
            to tensors or nodes.
    """
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(step):
        refers = joined and field.metadata["refers"]

        def change(text: str, key: bool, refers: bool = refers) -> str:
            return _renamed(text, renamed, "@/" if refers and not key else "@")

        value = getattr(step, field.name)
        new = kind_of(field).with_texts(value, change)
        if new != value:
            changed[field.name] = new
    return dataclasses.replace(step, **changed) if changed else step


def _renamed(text: str, renamed: Mapping[str, str], signs: str) -> str:
    forced = text.startswith("%")
    bare = text[forced:]
    for old, new in renamed.items():
        for sign in signs:
            if bare.startswith(f"{old}{sign}"):
                return f"{'%' * forced}{new}{bare[len(old) :]}"
    return text
