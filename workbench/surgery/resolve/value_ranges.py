"""Value ranges of a wire: given and expected, as far as the graphs show them.

Read off the ops next to the wire: a decoder gives 0-255, what a scaling makes of that is followed; a network that
begins with a scaling, or takes a mean off, says what it expects. Nothing is guessed from names.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.graph.level import Level, Value
from workbench.graph.trace import origin, returned_by
from workbench.model import MetaGraph
from workbench.model.op_classes import IMAGE_DECODERS
from workbench.surgery.resolve.first_ops import INTO, MOVES, STEPS, Range, first_ops, values

_SQUASHED: Mapping[str, Range] = {"Sigmoid": "0-1", "Softmax": "0-1", "Tanh": "-1-1"}
_UINT8 = 4


def given_range(meta: MetaGraph, tensor: str, *, squashed: bool = True) -> Range | None:
    """Return the value range of an output, if the ops before it show it.

    Args:
        meta: the MetaGraph.
        tensor: of its main graph.
        squashed: also count what a sigmoid, softmax or tanh gives.
    """
    value = Level.of(meta).value(tensor)
    shifted = False
    for _ in range(STEPS):
        node = value.node if value is not None else None
        if value is None or node is None:
            return None
        level = value.level
        if node.op in IMAGE_DECODERS or (node.op == "Cast" and attr(node, "SrcT").type == _UINT8):
            return None if shifted else "0-255"
        if node.op in _SQUASHED:
            return _SQUASHED[node.op] if squashed and not shifted else None
        if node.op in ("Mul", "RealDiv", "Div"):
            if not _is_scaling(node, level):
                return None
            return "-1-1" if shifted else "0-1"
        if node.op in ("Sub", "Add", "AddV2"):
            shifted, value = True, _other_than_constant(node, level)
        elif node.op in MOVES:
            value = level.input(node, value.index if node.op == "IdentityN" else MOVES[node.op])
        else:
            value = returned_by(value, INTO)
        value = None if value is None else origin(value, passes=(), into=())
    return None


def wanted_range(meta: MetaGraph, tensor: str) -> Range | None:
    """Return the value range an input expects, by the first ops on it.

    Arguments as for `given_range`.
    """
    return first_ops(meta, tensor).range


# -- constants


def _is_scaling(node: NodeDef, level: Level) -> bool:
    """Return whether a product or quotient scales 0-255 to about 0-1."""
    factor = _factor(node, level)
    return factor is not None and 1 / 256.5 <= factor <= 1 / 127


def _factor(node: NodeDef, level: Level) -> float | None:
    """Return the one factor by which a product or quotient scales, or None."""
    for position in (0, 1):
        found = values(level.input(node, position))
        if len(found) == 1 and found[0] != 0:
            return found[0] if node.op == "Mul" else 1 / found[0]
    return None


def _other_than_constant(node: NodeDef, level: Level) -> Value | None:
    """Return the operand beside a constant."""
    for position in (1, 0):
        if values(level.input(node, position)):
            return level.input(node, 1 - position)
    return None
