"""Why sizes of a tensor are unknown: the input or op that they come from."""

from __future__ import annotations

from workbench import names
from workbench.explaining.view import View, address_of, quoted
from workbench.graph.level import Value
from workbench.graph.shape_inference.rules import rule_of
from workbench.graph.trace import returned_by
from workbench.model import shapes
from workbench.model.op_classes import IMAGE_DECODERS, LOOPS, PLACEHOLDERS
from workbench.model.shapes import Shape
from workbench.names import show

SIZED_BY_VALUES = IMAGE_DECODERS | frozenset(
    [
        "Bincount",
        "BooleanMask",
        "DecodeRaw",
        "DynamicPartition",
        "NonMaxSuppressionV2",
        "NonMaxSuppressionV3",
        "NonMaxSuppressionV4",
        "NonMaxSuppressionV5",
        "ParseExample",
        "ParseExampleV2",
        "StringSplit",
        "StringSplitV2",
        "Unique",
        "UniqueV2",
        "UniqueWithCounts",
        "Where",
    ]
)
"""Ops whose output has a size that depends on the values of their inputs, so that only the run knows it."""
_MOST_STEPS = 1_000


def why_unknown(view: View, value: Value) -> tuple[str, str] | None:
    """Return a sentence on why a shape is not fully known, and the node that it names; None if it is known."""
    shape = view.shape(value)
    if not _is_open(shape):
        return None
    what = (
        "Its rank is unknown" if shape is None else f"The size shown as ? in {shapes.text(shape)} is unknown"
    )
    if shape is not None and shape.count(None) > 1:
        what = f"The sizes shown as ? in {shapes.text(shape)} are unknown"
    end, found = _source(view, value)
    here = end.level is value.level and end.name == value.name
    address = address_of(end.level, end.name)
    if not found:
        verb = "it comes" if what.startswith(("Its", "The size ")) else "they come"
        far = f"{verb} from further away than {_MOST_STEPS:,} ops, by way of {quoted(address)}."
        return f"{what}: {far}", address
    return f"{what}: {_reason(view, end, None if here else quoted(address))}", address


def _is_open(shape: Shape) -> bool:
    return shape is None or None in shape


def _source(view: View, value: Value) -> tuple[Value, bool]:
    """Return the value at which the open size begins, and True; or the furthest one followed, and False."""
    seen = {value}
    for _ in range(_MOST_STEPS):
        before = _before(view, value)
        if before is None or before in seen:
            return value, True
        seen.add(before)
        value = before
    return value, False


def _before(view: View, value: Value) -> Value | None:
    """Return the value a step before whose open size this one has, or None at the end of the trail."""
    node = value.node
    if node is None:
        return value.level.given(value)
    if node.op in PLACEHOLDERS or node.op in SIZED_BY_VALUES or node.op in LOOPS:
        return None
    inner = returned_by(value)
    if inner is not None:
        return inner
    if value.level.levels_under(node) or rule_of(node.op) is None:
        return None
    made = _list_behind(view, value)
    if made is not None:
        return made
    for position in range(len(node.input)):
        found = value.level.input(node, position)
        if found is None:
            continue
        facts = view.facts(found)
        open_value = facts is not None and facts.value is not None and None in facts.value
        if _is_open(view.shape(found)) or open_value:
            return found
    return None


def _list_behind(view: View, value: Value) -> Value | None:
    """Return the node that made the list of tensors that a node takes: its length is the size of the stack."""
    node = value.node
    for position in range(len(node.input) if node is not None else 0):
        assert node is not None
        found = value.level.input(node, position)
        facts = view.facts(found) if found is not None else None
        for site in sorted(facts.lists) if facts is not None else ():
            function, _, name = site.rpartition(names.CALL_SEPARATOR)
            if function == value.level.body.name and name in value.level.nodes and name != node.name:
                return Value(value.level, name)
    return None


def _reason(view: View, value: Value, name: str | None) -> str:
    """Return why the size is open that begins at a value; a name of None is the node in question itself."""
    node = value.node
    if node is None:
        return f"the argument {name or quoted(value.name)} does not fix it."
    if node.op in PLACEHOLDERS:
        placeholder = f"the placeholder {name}" if name else "this placeholder"
        if view.shape(value) is None:
            return f"{placeholder} takes a tensor of any rank."
        return f"{placeholder} leaves it open. Whoever calls the model decides, with each call."
    subject = f"{name or 'this node'} ({show(node.op)})"
    if node.op in IMAGE_DECODERS:
        return f"{subject} decodes an image, and its size is in the file. Only the run knows it."
    if node.op in SIZED_BY_VALUES:
        return f"{subject} has an output whose size depends on values. Only the run knows it."
    if node.op in LOOPS:
        return f"{subject} is a loop, and the graph does not fix this size over its rounds."
    if rule_of(node.op) is None and not value.level.levels_under(node):
        return f"{subject} declares no shape, and the workbench has no rule for its op."
    return f"{subject} makes it from values that are known only when the graph runs."
