"""Placing boxes of a scene, frame by frame.

Each frame is laid out alone and is then a box in what is around it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.picture.layout import engines
from workbench.picture.layout.boxes import box_lines, box_size
from workbench.picture.layout.geometry import Box, Detail, Direction, Layout, Line
from workbench.picture.layout.grid import Grid, snap
from workbench.picture.layout.placed import count_crossings, place_labels
from workbench.picture.layout.request import MANY_INPUTS, Request
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

_PAD = {"full": 2, "compact": 1, "tiny": 1}
_FRAME_X, _FRAME_Y = 3, 2


@dataclass(slots=True)
class _Inner:
    """The layout of one frame, or of what is in no frame, from (0, 0)."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    width: int = 0
    height: int = 0
    engine: str = ""


def place(scene: Scene, direction: Direction, detail: Detail, engine: str | None) -> Layout:
    """Lay out a scene; see `layout.lay_out`."""
    began = time.monotonic()
    whole = _Placer(scene, direction, detail, engine).inner(None)
    if detail == "full":
        whole.lines = place_labels(whole.boxes, whole.lines)
        whole = _shifted(whole)
    lines = whole.lines
    written = [line.label_at[0] + len(line.edge.label) for line in lines if line.label_at is not None]
    return Layout(
        scene,
        tuple(whole.boxes),
        tuple(lines),
        max([whole.width, *written]),
        whole.height,
        detail,
        direction,
        whole.engine,
        count_crossings(lines),
        time.monotonic() - began,
    )


def _shifted(whole: _Inner) -> _Inner:
    """Return a layout with room on the left for labels there."""
    left = -min([line.label_at[0] for line in whole.lines if line.label_at is not None], default=0)
    if left <= 0:
        return whole
    moved = _Inner(width=whole.width + left, height=whole.height, engine=whole.engine)
    moved.boxes = [replace(box, x=box.x + left) for box in whole.boxes]
    for line in whole.lines:
        label_at = None if line.label_at is None else (line.label_at[0] + left, line.label_at[1])
        points = tuple((x + left, y) for x, y in line.points)
        moved.lines.append(Line(line.edge, points, label_at))
    return moved


class _Placer:
    def __init__(self, scene: Scene, direction: Direction, detail: Detail, engine: str | None) -> None:
        self.direction = direction
        self.detail = detail
        self.engine = engine
        self.marked = scene.marked
        self.items: dict[str | None, list[Node | Frame]] = {}
        self.frame_of: dict[str, str | None] = {}
        everything: list[Node | Frame] = [*scene.frames, *scene.nodes]
        for item in everything:
            self.items.setdefault(item.frame, []).append(item)
            self.frame_of[item.id] = item.frame
        self.edges: dict[str | None, list[Edge]] = {}
        for edge in scene.edges:
            if edge.source in self.frame_of and edge.target in self.frame_of and edge.source != edge.target:
                self.edges.setdefault(self.frame_of[edge.source], []).append(edge)

    def inner(self, frame: str | None) -> _Inner:
        """Return the layout of what is directly in a frame, and of frames in it."""
        items = self.items.get(frame, [])
        inners = {item.id: self.inner(item.id) for item in items if isinstance(item, Frame)}
        lines = {
            item.id: box_lines(item, self.detail, self.marked) for item in items if isinstance(item, Node)
        }
        edges = self.edges.get(frame, [])
        ports = self._ports(edges)
        sizes = [self._size(item, inners, lines, ports.get(item.id, 1)) for item in items]
        grid, engine = self._grid(items, sizes, edges)
        down = self.direction == "down"
        found = _Inner(width=grid.size[0 if down else 1], height=grid.size[1 if down else 0], engine=engine)
        found.engine = found.engine or next((one.engine for one in inners.values()), "")
        for item, size, where in zip(items, sizes, grid.places, strict=True):
            x, y = where if down else (where[1], where[0])
            wide, high = size
            if self.detail == "tiny" and not down and isinstance(item, Node):
                y, high = y + 1, high - 2  # it has no border above and below: only rows that lines end at
            found.boxes.append(Box(item.id, item, x, y, wide, high, lines.get(item.id, ())))
            if item.id in inners:
                _put_in(found, inners[item.id], x + _FRAME_X, y + _FRAME_Y)
        for edge, route in zip(edges, grid.routes, strict=True):
            points = tuple(point if down else (point[1], point[0]) for point in route)
            found.lines.append(Line(edge, points))
        return found

    def _ports(self, edges: Sequence[Edge]) -> dict[str, int]:
        """Return how many lines may have to end side by side at each box.

        An edge of a loop may end on either side.
        """
        index: dict[str, int] = {}
        for edge in edges:
            for id in (edge.source, edge.target):
                index.setdefault(id, len(index))
        loops = engines.in_loops(len(index), [(index[edge.source], index[edge.target]) for edge in edges])
        ports = Counter(edge.target for edge in edges)
        for edge, looped in zip(edges, loops, strict=True):
            if looped:
                ports[edge.source] += 1
                ports[edge.target] += 1
        return {id: min(count, MANY_INPUTS) for id, count in ports.items()}

    def _size(
        self,
        item: Node | Frame,
        inners: Mapping[str, _Inner],
        lines: Mapping[str, Sequence[str]],
        ports: int,
    ) -> tuple[int, int]:
        if isinstance(item, Frame):
            inner = inners[item.id]
            wide, high = inner.width + 2 * _FRAME_X, inner.height + 2 * _FRAME_Y
            wide = max(wide, len(item.title) + 8)
        else:
            wide, high = box_size(item, lines[item.id], self.detail, self.marked and item.owner is not None)
        if self.direction == "down":
            return max(wide, 2 * ports + 1), high
        return wide, max(high, ports + 2 + (ports > 1))

    def _grid(
        self, items: Sequence[Node | Frame], sizes: Sequence[tuple[int, int]], edges: Sequence[Edge]
    ) -> tuple[Grid, str]:
        down = self.direction == "down"
        index = {item.id: at for at, item in enumerate(items)}
        pairs = [(index[edge.source], index[edge.target]) for edge in edges]
        across = [size[0 if down else 1] - 2 for size in sizes]
        lengths = [size[1 if down else 0] for size in sizes]
        gaps = (3, 3, 2) if down else (1, 3, 1)
        request = Request(across, pairs, *gaps)
        pad = _PAD[self.detail] if down else 4
        if not items:
            return Grid([], [], (0, 0)), ""
        found = engines.answer(request, self.engine)
        return snap(request, found, lengths, pad), found.engine


def _put_in(outer: _Inner, inner: _Inner, dx: int, dy: int) -> None:
    for box in inner.boxes:
        outer.boxes.append(Box(box.id, box.item, box.x + dx, box.y + dy, box.w, box.h, box.lines))
    for line in inner.lines:
        points = tuple((x + dx, y + dy) for x, y in line.points)
        outer.lines.append(Line(line.edge, points))
