"""What a layout engine is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MANY_INPUTS = 12
"""Above this many edges into one box they join before it, into a bus."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to lay out.

    Attributes:
        across: cells each box takes across the flow, without its border: edges end there only.
        edges: (source, target), indices of boxes; no loops on one box.
        turned: for each edge whether it points against the flow. Without these there is no cycle.
        nets: for each edge a number: edges of one number leave their box as one line.
        leave_at: for each edge the cell of the source at which it has to leave, from 0; None for any.
        enter_at: for each edge the cell of the target at which it has to enter, from 0; None for any.
        pins: boxes that are in a layer of their own before (-1) or behind (1) all others.
        box_gap: free cells between boxes of a layer.
        line_gap: cells from one line to the next, and to a box.
        port_gap: cells from one line to the next where they end at a box.
    """

    across: Sequence[int]
    edges: Sequence[tuple[int, int]]
    turned: Sequence[bool]
    nets: Sequence[int]
    leave_at: Sequence[int | None]
    enter_at: Sequence[int | None]
    pins: Mapping[int, int]
    box_gap: int
    line_gap: int
    port_gap: int

    @property
    def forward(self) -> list[tuple[int, int]]:
        """The edges from what is before to what is behind it, whichever way the data flows."""
        return [pair[::-1] if back else pair for pair, back in zip(self.edges, self.turned, strict=True)]

    def fixed(self, edge: int, *, upper: bool) -> int | None:
        """Return the cell of the upper or lower box at which an edge has to end, or None."""
        leaves = upper != self.turned[edge]
        return self.leave_at[edge] if leaves else self.enter_at[edge]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rough places: what is next to what, not the distances along the flow.

    Attributes:
        layers: of each box, from 0.
        starts: first cell of each box across the flow, border left out; may be negative.
        routes: for each edge its corners as (across, along), from the source's border to the target's; across
            in cells, along in any unit that grows with the flow. Consecutive corners share one of the two.
        along: for each box where it begins and ends along the flow, in the unit of the routes.
        engine: who answered.
    """

    layers: list[int]
    starts: list[int]
    routes: list[list[tuple[int, float]]]
    along: list[tuple[float, float]]
    engine: str
