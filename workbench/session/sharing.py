"""Inputs that models share, as changes of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.names import is_unusable_argument
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import Plan, split_handle

if TYPE_CHECKING:
    from workbench.surgery.resolve.endpoints import Endpoint
    from workbench.surgery.resolve.shares import SharedInput


def with_shared(plan: Plan, shared: Sequence[SharedInput], one: Endpoint, other: Endpoint) -> Plan:
    """Return the plan in which two inputs share a value, also with those that one of them shares it with.

    Args:
        plan: the plan.
        shared: what its models share.
        one: an input.
        other: one of another model.
    """
    from workbench.surgery.imported import unique_name

    for found in shared:
        known = {(target.handle, target.tensors) for target in found.targets}
        new = [end for end in (one, other) if (end.handle, end.tensors) not in known]
        if len(new) < 2:
            return _changed(plan, found.key, list(map(str, [*found.targets, *new])))
    taken = dict.fromkeys(key for step in plan.shares for key in dict(step.inputs))
    key = unique_name(_key(one), taken)
    return plan.with_step(Share({key: [str(one), str(other)]}))


def _key(endpoint: Endpoint) -> str:
    """Return a key for the input of the result: that of the model's, where it has one."""
    key = endpoint.key or endpoint.nodes[0].rpartition("/")[2]
    return f"{key}_" if is_unusable_argument(key) else key


def without_model(plan: Plan, handle: str) -> Plan:
    """Return the plan in which a model shares nothing; what one input is left of is removed."""
    steps = []
    for step in plan.steps:
        if not isinstance(step, Share):
            steps.append(step)
            continue
        kept = {
            key: [text for text in texts if split_handle(text, plan.handles)[0] != handle]
            for key, texts in dict(step.inputs).items()
        }
        named = {key: texts for key, texts in kept.items() if len(texts) > 1 or _is_bare(texts, plan)}
        steps += [Share(named)] if named else []
    return replace(plan, steps=tuple(steps))


def _is_bare(texts: Sequence[str], plan: Plan) -> bool:
    """Return whether a single input is left that means one of every model."""
    return len(texts) == 1 and split_handle(texts[0], plan.handles)[0] is None


def _changed(plan: Plan, key: str, texts: Sequence[str]) -> Plan:
    """Return the plan in which the shared input of a key feeds other inputs."""
    steps = [
        replace(step, inputs={**dict(step.inputs), key: tuple(texts)})
        if isinstance(step, Share) and key in dict(step.inputs)
        else step
        for step in plan.steps
    ]
    return replace(plan, steps=tuple(steps))
