"""Which tensors are probed: those that are named, or all steps from the inputs to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.disk import dtypes
from workbench.errors import UnknownName
from workbench.findings import Finding
from workbench.graph.level import Level, Value, descend
from workbench.model import MetaGraph, Signature
from workbench.names import CALL_SEPARATOR, count, parse_tensor
from workbench.probing.steps import ENTERED, path_steps
from workbench.surgery.exposing.inner_tensors import InnerTensor, InnerTensors

MOST = 300
"""How many steps are shown where no tensor is named."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor that is probed.

    Attributes:
        address: as it was written.
        value: where it is.
    """

    address: str
    value: Value

    @property
    def op(self) -> str:
        """The op that makes it; empty for an argument of a function."""
        node = self.value.node
        return "" if node is None else str(node.op)

    @property
    def no_value(self) -> str:
        """Why its value can't be shown, whatever runs; empty if it can."""
        if self._dtype in (dtypes.RESOURCE, dtypes.VARIANT):
            return f"It is a {self.dtype}, which has no numbers to show."
        return "" if self._dtype != dtypes.INVALID else "Its dtype is not known."

    @property
    def dtype(self) -> str:
        """The name of its dtype in the graph; empty if that is not known."""
        return dtypes.name(self._dtype) if self._dtype != dtypes.INVALID else ""

    @property
    def _dtype(self) -> int:
        tensor = self.value.tensor
        if tensor is not None:
            return dtypes.base(tensor.dtype)
        argument = self.value.level.body.arguments.get(self.value.name)
        return dtypes.INVALID if argument is None else int(argument.type)


def find_places(
    meta: MetaGraph, signature: Signature, tensors: Sequence[str], most: int | None = MOST
) -> tuple[list[Place], list[str]]:
    """Return the tensors to probe, and notes on what is left out.

    Args:
        meta: the MetaGraph.
        signature: that is run; keys of its outputs may be named.
        tensors: as written: `node:0`, `CALL::node:0`, `LOOP[body]::node:0`, `IF[then_branch]::node:0`, a key of an
            output; none for every step.
        most: how many steps there may be; None for any number.

    Raises:
        UnknownName: a tensor is not there; the hint has the nearest.
    """
    if tensors:
        lookup = InnerTensors(meta, signature)
        return [Place(text, _named(lookup, text)) for text in tensors], []
    root = Level.of(meta)
    steps = path_steps(meta, signature)
    places = []
    for step in steps[:most]:
        value = value_at(root, step.address)
        if value is not None:
            places.append(Place(step.address, value))
    left = 0 if most is None else len(steps) - most
    if left <= 0:
        return places, []
    return places, [f"{left:,} of {count(len(steps), 'step')} are left out: name tensors to see them."]


def _named(lookup: InnerTensors, text: str) -> Value:
    """Return the value that a text names.

    Raises:
        UnknownName: there is none.
    """
    found = lookup.find(text)
    if isinstance(found, InnerTensor):
        return found.value
    value = value_at(lookup.root, text.removeprefix("%"))
    if value is None:
        raise _unknown(found)
    return value


def value_at(root: Level, text: str) -> Value | None:
    """Return the tensor that an address names, in branches and frames and among arguments too, or None.

    A call of several bodies need not say which: the first that contains the rest of the address is taken.
    """
    *path, last = text.split(CALL_SEPARATOR)
    parsed = parse_tensor(last)
    for level in descend(root, path) if parsed is not None else ():
        if parsed is None or _is_outside(level):
            continue
        node = level.nodes.get(parsed.node)
        if node is not None:
            types = level.meta.output_types(node)
            return (
                Value(level, parsed.node, parsed.index)
                if types is None or parsed.index < len(types)
                else None
            )
        if parsed.node in level.body.arguments:
            return Value(level, parsed.node, 0)
    return None


def _is_outside(level: Level) -> bool:
    """Return whether a node runs the function in a way that can't be followed, such as a dataset does."""
    return any(call.kind not in {*ENTERED, "condition"} for call in level.calls)


def _unknown(finding: Finding) -> UnknownName:
    return UnknownName(finding.message, where=finding.where.removeprefix("model@"), hint=finding.hint)
