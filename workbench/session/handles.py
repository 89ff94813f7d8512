"""Handles that steps name: `HANDLE@node:0` of a source, `HANDLE/node:0` of a joined result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.session.wiring import split_wire, write_wire
from workbench.surgery.plan import Plan, Source
from workbench.surgery.step import Step, kind_of


def with_sources(plan: Plan, sources: Sequence[Source], renamed: Mapping[str, str] | None = None) -> Plan:
    """Return the plan with other sources, its wires and steps rewritten to the same endpoints.

    Args:
        plan: the plan.
        sources: the new ones.
        renamed: old to new handle, of all at once.
    """
    renamed = renamed or {}
    steps = (with_handles(step, renamed, joined=plan.joins) for step in plan.other_steps)
    new = dataclasses.replace(plan, sources=tuple(sources), steps=tuple(steps))
    wires = []
    for wire in plan.wires:
        source, target = (
            (renamed.get(handle, handle), endpoint) for handle, endpoint in split_wire(wire, plan.handles)
        )
        wires.append(dataclasses.replace(write_wire(new.handles, source, target), through=wire.through))
    return new.with_wires(wires)


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
