"""Where a value comes from: back through Identity and its like, into calls and out of arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.disk.schema import Message
from workbench.graph.functions import calls
from workbench.graph.scope import Scope
from workbench.model.op_classes import CALLS, SAME_ELEMENTS
from workbench.names import input_tensor

Bodies = Callable[[str], Scope | None]
_MAX_STEPS = 1_000


class Frame:
    """A place that was entered by a call: what its arguments stand for, in the place of the call."""

    __slots__ = ("arguments", "scope")

    def __init__(self, scope: Scope, arguments: dict[str, tuple[Frame, str]] | None = None) -> None:
        self.scope = scope
        self.arguments = arguments or {}


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a node, and the place it is in."""

    frame: Frame
    node: Message
    index: int


def resolve(frame: Frame, entry: str) -> Output | None:
    """The output that a data input names; through arguments to what the call is given. None if the trail ends."""
    for _ in range(_MAX_STEPS):
        if entry.startswith("^"):
            return None
        scope = frame.scope
        if scope.function is None:
            name, index = _main(entry)
        else:
            name, _, rest = entry.partition(":")
            outer = frame.arguments.get(name)
            if outer is not None:
                frame, entry = outer
                continue
            ranges = scope.ranges(name) if name in scope.nodes else None
            arg, _, number = rest.partition(":")
            if ranges is None or arg not in ranges or not (number or "0").isdecimal():
                return None
            index = ranges[arg].first + int(number or 0)
        node = scope.nodes.get(name)
        return None if node is None else Output(frame, node, index)
    return None


def entered(output: Output, bodies: Bodies) -> tuple[Frame, str] | None:
    """For an output of a call: the body, and what it returns there. None if it can't be followed."""
    frame, node, index = output.frame, output.node, output.index
    found = calls(node, frame.scope.meta.functions)
    body = bodies(found[0][1]) if len(found) == 1 and node.op in CALLS else None
    if body is None or body.function is None or index >= len(body.function.signature.output_arg):
        return None
    data = [entry for entry in node.input if not entry.startswith("^")]
    arguments = {arg: (frame, entry) for arg, entry in zip(body.arguments, data, strict=False)}
    entry = body.function.ret.get(body.function.signature.output_arg[index].name)
    return None if entry is None else (Frame(body, arguments), entry)


def origin(frame: Frame, entry: str, bodies: Bodies) -> Output | None:
    """The output that makes a value, and not merely passes it on; None if the trail ends."""
    for _ in range(_MAX_STEPS):
        output = resolve(frame, entry)
        if output is None:
            return None
        node = output.node
        if node.op in SAME_ELEMENTS and len(node.input) > (output.index if node.op == "IdentityN" else 0):
            frame, entry = output.frame, node.input[output.index if node.op == "IdentityN" else 0]
        elif node.op in CALLS:
            inner = entered(output, bodies)
            if inner is None:
                return output
            frame, entry = inner
        else:
            return output
    return None


def _main(entry: str) -> tuple[str, int]:
    tensor = input_tensor(entry)
    return tensor.node, tensor.index
