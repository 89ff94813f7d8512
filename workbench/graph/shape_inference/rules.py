"""The table of ops: a rule for each gives the facts of a node's outputs from those of its inputs.

A rule follows the rows of a batch as well. Where a constant holds the old size of the batch, it asks for another
value (`Op.need`) or for the rows to be repeated (`Op.spread`); where rows would mix, it raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from workbench.disk import optable
from workbench.disk.schema import AttrValue, NodeDef, OpDef
from workbench.graph.shape_inference.sizes import (
    BATCH,
    Facts,
    Rows,
    Size,
    text,
)
from workbench.model.shapes import Shape

_EMPTY = AttrValue()


class Refused(Exception):
    """The error for a node that can't take any number of rows.

    Args:
        code: of the finding.
        reason: a sentence, whose subject is not the node.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Pin(NamedTuple):
    """An input that pins the old size of the batch, and what it should be.

    Attributes:
        position: among the node's data inputs.
        value: the integers that it should be, None for one that stays as it is; or None.
        axis: the dimension along which its rows must be repeated; or None.
        rank: of the input, for `axis`.
        squeezed: the dimensions that a Squeeze removes from now on, which are not that of the batch; or None.
        op: the op that the node becomes, of the same inputs; or None.
        lifted: how many dimensions of 1 the input gets behind its first one.
        masks: attrs of the node that become other numbers.
    """

    position: int
    value: tuple[Size, ...] | None = None
    axis: int | None = None
    rank: int = 0
    squeezed: tuple[int, ...] | None = None
    op: str | None = None
    lifted: int = 0
    masks: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Context:
    """What rules share while one graph is analysed.

    Attributes:
        batch: the size that the batch was fixed at; None where it was free, or where there is no batch.
        items: by the node that makes a tensor list, the shape of its items; None before one is known.
        lengths: by the node that makes a tensor list, how many items it has.
        changed: whether `items` has changed since it was last asked.
    """

    batch: int | None = None
    items: dict[str, Facts] = field(default_factory=dict)
    lengths: dict[str, Size] = field(default_factory=dict)
    changed: bool = False


@dataclass(slots=True)
class Op:
    """A node with the facts of its inputs.

    Attributes:
        node: the node.
        op_def: of its op, for the defaults of attrs; or None.
        inputs: facts of its data inputs.
        site: the node's name with that of its function.
        context: shared by all nodes.
        declared: the shape that the node declares of each output, under the old batch.
        outputs: the number of outputs.
        pins: what `need` and `spread` asked for.
        warnings: what is worth a warning.
    """

    node: NodeDef
    op_def: OpDef | None
    inputs: list[Facts]
    site: str
    context: Context
    declared: Sequence[Shape] = ()
    outputs: int = 1
    pins: list[Pin] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def batch(self) -> int | None:
        """The size that the batch was fixed at, or None."""
        return self.context.batch

    def attr(self, name: str) -> AttrValue:
        """Return an attr of the node: its own, or the op's default."""
        return optable.attr(self.node, self.op_def, name) or _EMPTY

    def input(self, position: int) -> Facts:
        """Return the facts of an input; nothing is known of one that is missing."""
        return self.inputs[position] if -len(self.inputs) <= position < len(self.inputs) else Facts()

    def ints(self, position: int) -> tuple[int, ...] | None:
        """Return the integers that an input is, or None if one of them is unknown."""
        value = self.input(position).value
        if value is None:
            return None
        found = [one for one in value if isinstance(one, int)]
        return tuple(found) if len(found) == len(value) else None

    def scalar(self, position: int) -> int | None:
        """Return the integer that an input is, or None."""
        found = self.ints(position)
        return found[0] if found is not None and len(found) == 1 else None

    def axes(self, position: int, facts: Facts) -> frozenset[int] | None:
        """Return the dimensions of a tensor that an input names, counted from the first; None if they are unknown.

        Where the tensor has kept a batch that the source has squeezed away, the input gets numbers that skip it.
        """
        found, rank = self.ints(position), facts.rank
        if found is not None and facts.kept and facts.axis == 0 and any(one >= 0 for one in found):
            found = tuple(one if one < 0 else one + 1 for one in found)
            self.need(position, found)
        if found is None or (rank is None and any(one < 0 for one in found)):
            return None
        return frozenset(one if one >= 0 else one + (rank or 0) for one in found)

    # -- what pins the batch

    def need(self, position: int, value: tuple[Size, ...]) -> None:
        """Ask for other integers at an input; None for those that stay."""
        self.pins.append(Pin(position, value))

    def spread(self, position: int, axis: int) -> Facts:
        """Ask for the only row of an input to be repeated for each row of the batch.

        Args:
            position: of the input, which has the old size of the batch along an axis.
            axis: the axis.

        Raises:
            Refused: its rows may differ, so that no single row represents all.
        """
        facts = self.input(position)
        assert facts.sizes is not None
        size = facts.sizes[axis]
        if facts.axis is not None:
            raise Refused("reshape-rows", "it combines each row of the batch with each other row")
        if not isinstance(size, int) or size != self.batch:
            raise Refused(
                "reshape-pinned",
                f"{self.named(position)} is {text(facts.sizes)}, and the size {size} is not that of the batch, "
                f"which was {self.batch}",
            )
        if size != 1 and not (facts.uniform or (facts.alike and axis == 0)):
            raise Refused(
                "reshape-pinned",
                f"{self.named(position)} has {size} rows of its own, which may differ: there is none for further rows",
            )
        self.pins.append(Pin(position, axis=axis, rank=len(facts.sizes)))
        sizes = (*facts.sizes[:axis], BATCH, *facts.sizes[axis + 1 :])
        self.inputs[position] = facts.reshaped(sizes)
        return self.inputs[position]

    def lift(self) -> None:
        """Ask for dimensions of 1 behind the batch, where the source had squeezed the batch away.

        What was `[c]` for one row is `[batch,c]`, and meets a `[batch,h,w,c]` as `[batch,1,1,c]`.
        """
        real = [facts for facts in self.inputs if facts.axis is not None and not facts.kept]
        if any(facts.axis != 0 for facts in real):
            return
        wanted = max((facts.rank or 0 for facts in real), default=0)
        if not real:
            wanted = 1 + max((facts.rank or 0 for facts in self.inputs if facts.axis is None), default=0)
        for position, facts in enumerate(self.inputs):
            if facts.kept and facts.sizes is not None and facts.axis == 0 and len(facts.sizes) < wanted:
                more = wanted - len(facts.sizes)
                self.pins.append(Pin(position, lifted=more))
                self.inputs[position] = facts.reshaped((facts.sizes[0], *[1] * more, *facts.sizes[1:]))

    def is_batch(self, size: Size) -> bool:
        """Return whether a constant may be the old size of the batch."""
        return isinstance(size, int) and size == self.batch

    def named(self, position: int) -> str:
        """Return an input in words: `its input 1 ('zeros')`."""
        entry = self.node.input[position] if position < len(self.node.input) else ""
        return f"its input {position} ({entry!r})"

    def same_rows(self, positions: Iterable[int]) -> tuple[int, Rows] | None:
        """Return the dimension of the batch that some inputs of one shape have, those without it spread.

        Raises:
            Refused: they have it in different dimensions, or a constant can't be spread.
        """
        listed = list(positions)
        known = {
            (axis, sizes[axis])
            for position in listed
            if (axis := self.input(position).axis) is not None and (sizes := self.input(position).sizes)
        }
        if not known:
            return None
        if len(known) > 1:
            raise Refused("reshape-rows", "the batch is in different dimensions of its inputs")
        ((axis, rows),) = known
        assert isinstance(rows, Rows)
        for position in listed:
            facts = self.input(position)
            if facts.axis is None and facts.sizes is not None and axis < len(facts.sizes):
                if facts.sizes[axis] is None:
                    continue
                if rows != BATCH:
                    raise Refused("reshape-pinned", f"{self.named(position)} has no rows of the batch")
                self.spread(position, axis)
        return axis, rows

    def carried(self) -> bool:
        """Return whether an input has the rows of the batch."""
        return any(self.has_rows(facts) for facts in self.inputs)

    def has_rows(self, facts: Facts) -> bool:
        """Return whether a tensor, or an item of a tensor list, has the rows of the batch."""
        if facts.axis is not None:
            return True
        return any(
            (item := self.context.items.get(site)) is not None and item.axis is not None
            for site in facts.lists
        )

    def known(self, index: int = 0) -> Facts:
        """Return the facts of an output as the node declares it, for one that has no rows of the batch."""
        return Facts(self.declared[index] if index < len(self.declared) else None)


Rule: TypeAlias = Callable[[Op], list[Facts]]
_RULES: dict[str, Rule] = {}


def rule(ops: str) -> Callable[[Rule], Rule]:
    """Register a rule for ops, separated by spaces: a decorator."""

    def registered(made: Rule) -> Rule:
        _RULES.update(dict.fromkeys(ops.split(), made))
        return made

    return registered


def rule_of(op: str) -> Rule | None:
    """Return the rule for an op, or None."""
    return _RULES.get(op)
