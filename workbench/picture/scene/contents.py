"""What is inside a closed box, in a few words: `8 ops: 2 Conv2D, 3 Relu …`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from workbench.model.op_classes import NO_VALUE, PASS_THROUGH, PLACEHOLDERS, VARIABLE_READS
from workbench.names import count, elide, show
from workbench.picture.scene.labels import MAX_WIDTH

if TYPE_CHECKING:
    from workbench.graph.level import Level
    from workbench.picture.scene.flat import Item

_UNSEEN = PASS_THROUGH | NO_VALUE | PLACEHOLDERS | VARIABLE_READS | {"Const", "VarHandleOp"}
_MOST = 20_000
_PLUMBING = frozenset(
    {"Add", "AddV2", "Sub", "Mul", "RealDiv", "Reshape", "Cast", "Pack", "StridedSlice", "Shape", "Squeeze"}
    | {"ExpandDims", "Transpose", "ConcatV2", "Identity", "GatherV2", "Fill", "Range", "Less", "LogicalAnd"}
    | {"TensorListGetItem", "TensorListSetItem"}
)


def contents(ops: Counter[str], width: int = MAX_WIDTH) -> str:
    """Return how many ops there are and the most telling of them: `8 ops: 2 Conv2D, 3 Relu …`.

    Args:
        ops: how often each op is inside.
        width: the most characters.
    """
    start = f"{count(sum(ops.values()), 'op')}: "
    return f"{start}{summary(ops, max(width - len(start), 8))}" if ops else "no ops"


def summary(ops: Counter[str], width: int = MAX_WIDTH) -> str:
    """Return the ops of a box, the most telling first: `2 Conv2D, 3 Relu6 …`."""
    ranked = sorted(ops.items(), key=lambda pair: (pair[0] in _PLUMBING, -pair[1], pair[0]))
    text = ""
    for at, (op, number) in enumerate(ranked):
        word = show(op) if number == 1 else f"{number:,} {show(op)}"
        longer = f"{text}, {word}" if text else word
        more = 2 if at + 1 < len(ranked) else 0
        if len(longer) > width - more and text:
            return f"{text} …"
        text = longer
    return elide(text, width, even=True)


def of_bodies(item: Item) -> str:
    """Return what the bodies that a node runs have inside, those that they run included."""
    if item.node is None:
        return ""
    ops: Counter[str] = Counter()
    todo: list[Level] = item.level.levels_under(item.node)
    while todo and sum(ops.values()) < _MOST:
        level = todo.pop()
        ops.update(node.op for node in level.nodes.values() if node.op not in _UNSEEN)
        for node in level.nodes.values():
            todo += level.levels_under(node)
    return contents(ops)
