"""Conditions on models: what a task has to reach, and when an option is right."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from workbench.lessons.lesson import Condition, Selector
from workbench.lessons.questions.models import Models
from workbench.lessons.questions.select import noun_of, select
from workbench.names import show

_CLOSE = 1e-4


def with_it(selector: Selector | None, it: str) -> Selector | None:
    """Return a selector with the name of the thing in the place of `{it}`."""
    if selector is None:
        return None
    values: dict[str, Any] = {field.name: getattr(selector, field.name) for field in fields(selector)}
    texts = {name: value.replace("{it}", it) for name, value in values.items() if isinstance(value, str)}
    return replace(selector, **{**values, **texts})


def broken(condition: Condition, models: Models, model: str, it: str = "") -> str | None:
    """Return what of a condition does not hold, as a sentence; None if all of it holds.

    Args:
        condition: what must be true.
        models: where models are opened.
        model: the one for conditions that name none.
        it: name of the thing that the seed chose.

    Raises:
        WorkbenchError: a model can't be opened or run.
    """
    name = condition.model or model
    where = f"`{show(name)}`"
    view = models.view(name)
    many = bool(view.meta.functions)
    has, lacks, counted = (with_it(one, it) for one in (condition.has, condition.lacks, condition.count))
    if has is not None and not select(view, has):
        return f"{where} has no {noun_of(has, plural=False, functions=many)}."
    if lacks is not None and select(view, lacks):
        return f"{where} still has {noun_of(lacks, functions=many)}."
    if counted is not None:
        told = _bounds(
            condition, len(select(view, counted)), f"{where} has", noun_of(counted, functions=many)
        )
        if told is not None:
            return told
    return _values(condition, models, name) if condition.output else None


def _bounds(condition: Condition, number: int, has: str, noun: str) -> str | None:
    if condition.is_ is not None and number != condition.is_:
        return f"{has} {number} {noun}; there should be {condition.is_}."
    if condition.at_least is not None and number < condition.at_least:
        return f"{has} {number} {noun}; there should be {condition.at_least} at least."
    if condition.at_most is not None and number > condition.at_most:
        return f"{has} {number} {noun}; there should be {condition.at_most} at most."
    return None


def _values(condition: Condition, models: Models, name: str) -> str | None:
    """Return how an output differs from that of another model, or None."""
    import numpy as np

    inputs = condition.inputs or {}
    mine = models.output(name, condition.output, inputs)
    key = condition.same_output or condition.output
    theirs = models.output(
        condition.same_as, key, inputs if condition.same_inputs is None else condition.same_inputs
    )
    told = f"the output `{show(condition.output)}` of `{show(name)}` and `{show(key)}` of `{show(condition.same_as)}`"
    if mine.shape != theirs.shape:
        return None if condition.differs else f"The shapes of {told} differ: {mine.shape} and {theirs.shape}."
    if mine.dtype.kind in "fc":
        equal = bool(np.allclose(mine, theirs, _CLOSE, _CLOSE, equal_nan=True))
    else:
        equal = bool((mine == theirs).all())
    if equal != condition.differs:
        return None
    return f"The values of {told} are {'equal; they should differ' if equal else 'different; they should be equal'}."
