"""A finished layout as data: boxes and lines in character cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.names import count
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

Direction = Literal["down", "right"]
Detail = Literal["full", "compact", "tiny"]
"""How much a box says: `full` has title, subtitle and a line on what is folded into it, `compact` a bordered
title, `tiny` only a mark of a few cells, for an overview."""


@dataclass(frozen=True, slots=True)
class Box:
    """A placed node or frame, in cells.

    `x`, `y` is the top left corner; the border is included.

    Attributes:
        id: of the node or frame.
        item: the node or frame.
        lines: the text inside, a line each, no longer than `w - 4`; of a frame, the title that stands on its border.
        title_x: of a frame, the column in which its title begins.
    """

    id: str
    item: Node | Frame
    x: int
    y: int
    w: int
    h: int
    lines: tuple[str, ...] = ()
    title_x: int = 0

    def text_at(self, detail: Detail) -> tuple[int, int]:
        """Return the cell of its first letter.

        Inside the border, or for a tiny box in its middle row.
        """
        if detail == "tiny":
            return self.x + 1, self.y + (self.h - 1) // 2
        return self.x + 2, self.y + 1


@dataclass(frozen=True, slots=True)
class Line:
    """A placed edge: an orthogonal polyline of cells.

    From the source's border to just before the target's.

    Attributes:
        edge: the edge.
        points: its ends and corners, (x, y); the first is on the source's border, the last is the arrowhead's.
        label_at: where its label may be written, left cell, or None if there is no room.
    """

    edge: Edge
    points: tuple[tuple[int, int], ...]
    label_at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A finished layout.

    Attributes:
        scene: what it is of.
        boxes: frames before what is in them.
        lines: one for each edge.
        width: in cells.
        height: in cells.
        detail: how much the boxes say.
        direction: where the data flows.
        engine: what laid it out, for the curious.
        crossings: how often two lines cross.
        seconds: how long it took.
    """

    scene: Scene
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    detail: Detail = "full"
    direction: Direction = "down"
    engine: str = ""
    crossings: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CutOff:
    """A layout that was ended because it took too long.

    Attributes:
        seconds: the limit.
        boxes: how many there were.
        edges: how many there were.
    """

    seconds: float
    boxes: int
    edges: int

    @property
    def message(self) -> str:
        """What to tell the user."""
        return (
            f"Laying out {count(self.boxes, 'box', 'boxes')} and {count(self.edges, 'edge')} "
            f"was stopped after {self.seconds:g} s. "
            "Collapse scopes, or focus on a node and its neighbours."
        )
