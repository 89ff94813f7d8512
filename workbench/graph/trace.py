"""Traces of values, up and down, through pass-through ops, calls and branches."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.graph.calls import RETURNING, Kind
from workbench.graph.level import Level, Use, Value
from workbench.model.op_classes import SAME_ELEMENTS

CALL: frozenset[Kind] = frozenset({"call"})
LOOPING: frozenset[Kind] = frozenset({"loop", "condition"})
_MAX_STEPS = 1_000
_MAX_REACHED = 20_000


def returned_by(value: Value, into: Collection[Kind] = CALL) -> Value | None:
    """Return the value in a body that is an output of the node that calls it.

    Args:
        value: the output.
        into: the kinds of calls that are looked into.

    Returns:
        None if the node calls nothing, or no body that it calls alone gives its outputs.
    """
    node = value.node
    if node is None:
        return None
    found = [body for body in value.level.levels_under(node) if _gives_outputs(body, into)]
    return found[0].result(value.index) if len(found) == 1 else None


def _gives_outputs(level: Level, into: Collection[Kind]) -> bool:
    return level.call is not None and level.call.kind in RETURNING and level.call.kind in into


def passed_on(value: Value, passes: Collection[str]) -> Value | None:
    """Return the input that a node passes on, if its op is one of `passes`."""
    node = value.node
    if node is None or node.op not in passes:
        return None
    return value.level.input(node, value.index if node.op == "IdentityN" else 0)


def origin(value: Value, passes: Collection[str] = SAME_ELEMENTS, into: Collection[Kind] = CALL) -> Value:
    """Return the output that makes a value, as far as the trace is known.

    From an argument the trail continues with what the call gives for it; of a loop, with what it starts with.

    Args:
        value: where the trail begins.
        passes: ops that pass on their first input.
        into: the kinds of calls whose results are followed into the body.
    """
    for _ in range(_MAX_STEPS):
        if value.node is None:
            before = value.level.given(value)
        else:
            before = passed_on(value, passes) or (returned_by(value, into) if into else None)
        if before is None:
            return value
        value = before
    return value


def origins(value: Value, passes: Collection[str] = SAME_ELEMENTS) -> list[Value]:
    """Return all outputs that may make a value, one for each branch or loop exit.

    An argument of a loop is what the loop starts with, or what its body returned in the round before.

    Args:
        value: where the trail begins.
        passes: ops that pass on their first input.
    """
    found: list[Value] = []
    seen, todo = {value}, [value]
    while todo:
        at = todo.pop()
        before = list(_before(at, passes))
        if not before:
            found.append(at)
        fresh = [one for one in before if one not in seen]
        seen.update(fresh)
        todo += reversed(fresh)
        if len(seen) > _MAX_REACHED:
            return [*found, *todo]
    return found


def _before(value: Value, passes: Collection[str]) -> Iterator[Value]:
    """Yield the values that one may be, a step before."""
    level, node = value.level, value.node
    if node is None:
        outside = level.given(value)
        if outside is not None:
            yield outside
        position = level.position(value)
        if position is not None and level.call is not None and level.call.kind in LOOPING:
            yield from (result for body in rounds(level) if (result := body.result(position)) is not None)
        return
    passed = passed_on(value, passes)
    if passed is not None:
        yield passed
    for body in level.levels_under(node):
        call = body.call
        if call is None or call.kind not in RETURNING:
            continue
        result = body.result(value.index)
        if result is not None:
            yield result
        started = level.input(node, value.index) if call.kind == "loop" else None
        if started is not None:  # a loop may run no round
            yield started


def rounds(level: Level) -> Iterator[Level]:
    """Iterate over the body of a level's loop, as it runs each round."""
    node = level.calling_node
    for body in level.caller.levels_under(node) if node is not None and level.caller is not None else ():
        if body.call is not None and body.call.kind == "loop":
            yield body


def reached(value: Value, passes: Collection[str] = SAME_ELEMENTS) -> Iterator[Value]:
    """Iterate over all values that one becomes unchanged, itself first.

    Args:
        value: where to begin.
        passes: ops that pass on their first input.
    """
    seen, todo = {value}, [value]
    while todo and len(seen) < _MAX_REACHED:
        at = todo.pop()
        yield at
        fresh = [one for one in _after(at, passes) if one not in seen]
        seen.update(fresh)
        todo += fresh


def _after(value: Value, passes: Collection[str]) -> Iterator[Value]:
    level = value.level
    for output in given_out(value):
        yield output
        if level.call is not None and level.call.kind == "loop":  # the next round begins with it
            yield from Use(output.level, output.level.nodes[output.name], output.index).arguments()
    for use in level.uses(value):
        yield from use.arguments()
        if use.op in passes and (use.position == 0 or use.op == "IdentityN"):
            yield use.output(use.position)


def given_out(value: Value) -> Iterator[Value]:
    """Iterate over the outputs of the calling node that are a value of a body."""
    level = value.level
    node = level.calling_node
    if node is None or level.caller is None or level.call is None or level.call.kind not in RETURNING:
        return
    for number in level.returned(value):
        yield Value(level.caller, node.name, number)
