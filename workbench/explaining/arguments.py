"""An argument of a function: what it holds, what callers give for it, which nodes use it."""

from __future__ import annotations

from workbench import names
from workbench.explaining.explanation import Explanation, Line, section
from workbench.explaining.view import View, address_of, quoted
from workbench.graph.level import Level, Value
from workbench.graph.trace import origin

_LISTED = 8


def explain_argument(view: View, level: Level, name: str) -> Explanation:
    """Return the explanation of an argument of a function's body.

    Args:
        view: the model.
        level: the body.
        name: the argument.
    """
    value = Value(level, name)
    function = level.body.name
    summary = (
        f"{quoted(name)} is an argument of the function {quoted(function)}: {view.typed(value)}. "
        "A function has no values of its own at its arguments; each call gives them."
    )
    users = [use.node for use in level.uses(value)]
    used = [
        Line(f"{quoted(user.name)} ({names.show(user.op)})", address_of(level, user.name))
        for user in users[:_LISTED]
    ]
    if len(users) > _LISTED:
        used.append(Line(f"and {len(users) - _LISTED:,} more"))
    if level.returned(value):
        used.append(Line("A result of the function is this argument."))
    sections = (
        section("Where it comes from", *_given(level, value)),
        section("What uses it", *(used or [Line("Nothing uses it.")])),
        section("Function", Line(f"It is an argument of {quoted(function)}.", f"function:{function}")),
    )
    subject = address_of(level, name)
    return Explanation(subject, "tensor", summary, tuple(one for one in sections if one.lines))


def _given(level: Level, value: Value) -> list[Line]:
    """Return what the caller gives, and what that is in the end."""
    outside = level.given(value)
    if outside is None:
        known = "a loop or branch gives it" if level.calls else "the main graph does not reach this function"
        return [Line(f"It is not known which node gives it: {known}.")]
    address = address_of(outside.level, outside.name)
    found = [Line(f"The caller gives {quoted(address)}.", address)]
    behind = origin(value)
    if behind.node is not None and (behind.level, behind.name) != (outside.level, outside.name):
        last = address_of(behind.level, behind.name)
        found.append(Line(f"That is {quoted(last)} ({names.show(behind.node.op)}) in the end.", last))
    return found
