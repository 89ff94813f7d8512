"""Placing boxes of a scene, frame by frame.

Each frame is laid out alone and is then a box in what is around it; lines pass its border at its ports.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.picture.layout import engines
from workbench.picture.layout.boxes import box_lines, box_size
from workbench.picture.layout.geometry import Box, Detail, Direction, Layout, Line
from workbench.picture.layout.grid import Grid, Room, snap
from workbench.picture.layout.nested import End, Item, Link, Nesting, Port, joined
from workbench.picture.layout.placed import count_crossings, place_labels, place_titles
from workbench.picture.layout.request import MANY_INPUTS, Request
from workbench.picture.scene.scene import Frame, Node, Scene

_PAD = {"full": 2, "compact": 1, "tiny": 1}
_FRAME_X, _FRAME_Y = 3, 2
_TITLE = 8  # cells of a frame's border beside its title

Point = tuple[int, int]


@dataclass(slots=True)
class _Inner:
    """The layout of one frame, its border included, or of what is in no frame, from (0, 0).

    Attributes:
        boxes: with frames before what is in them, and everything that is in those.
        routes: the corners of each link of this level.
        at: for each frame in it, at any depth, where it begins.
        ports: for each port of this frame, its cell across the flow.
        width: in cells.
        height: in cells.
        engine: who laid it out.
    """

    boxes: list[Box] = field(default_factory=list)
    routes: dict[Link, list[Point]] = field(default_factory=dict)
    at: dict[str, Point] = field(default_factory=dict)
    ports: dict[Port, int] = field(default_factory=dict)
    width: int = 0
    height: int = 0
    engine: str = ""


def place(scene: Scene, direction: Direction, detail: Detail, engine: str | None) -> Layout:
    """Lay out a scene; see `layout.lay_out`."""
    began = time.monotonic()
    placer = _Placer(scene, direction, detail, engine)
    whole = placer.inner(None)
    lines = placer.lines(scene, whole)
    boxes = whole.boxes
    width = whole.width
    if detail == "full":
        lines = place_labels(boxes, lines)
        boxes, lines, more = _shifted(boxes, lines)
        width += more
    boxes = place_titles(boxes, lines)
    written = [line.label_at[0] + len(line.edge.label) for line in lines if line.label_at is not None]
    return Layout(
        scene,
        tuple(boxes),
        tuple(lines),
        max([width, *written]),
        whole.height,
        detail,
        direction,
        whole.engine,
        count_crossings(lines),
        time.monotonic() - began,
    )


def _shifted(boxes: list[Box], lines: list[Line]) -> tuple[list[Box], list[Line], int]:
    """Return boxes and lines with room on the left for labels there, and how much that is."""
    left = -min([line.label_at[0] for line in lines if line.label_at is not None], default=0)
    if left <= 0:
        return boxes, lines, 0
    moved = []
    for line in lines:
        label_at = None if line.label_at is None else (line.label_at[0] + left, line.label_at[1])
        moved.append(Line(line.edge, tuple((x + left, y) for x, y in line.points), label_at))
    return [replace(box, x=box.x + left) for box in boxes], moved, left


class _Placer:
    def __init__(self, scene: Scene, direction: Direction, detail: Detail, engine: str | None) -> None:
        self.down = direction == "down"
        self.detail = detail
        self.engine = engine
        self.marked = scene.marked
        self.nesting = Nesting(scene)
        self.inners: dict[str | None, _Inner] = {}

    def lines(self, scene: Scene, whole: _Inner) -> list[Line]:
        """Return a line for each edge, through the borders of frames."""
        found = []
        for edge in scene.edges:
            pieces = []
            for frame, link in self.nesting.ways.get(edge, ()):
                dx, dy = whole.at[frame] if frame is not None else (0, 0)
                pieces.append([(x + dx, y + dy) for x, y in self.inners[frame].routes[link]])
            if pieces:
                found.append(Line(edge, joined(pieces)))
        return found

    def inner(self, frame: Frame | None) -> _Inner:
        """Return the layout of what is in a frame, the frame's border included."""
        id = frame.id if frame is not None else None
        level = self.nesting.levels[id]
        for item in level.items:
            if isinstance(item, Frame):
                self.inner(item)
        lines = {
            item.id: box_lines(item, self.detail, self.marked)
            for item in level.items
            if isinstance(item, Node)
        }
        ends = self._ends(level.links)
        sizes = [self._size(item, lines, ends.get(item.id, 1)) for item in level.items]
        places: list[Item | Port] = [*level.items, *level.ports]
        grid, engine = self._grid(places, sizes, list(level.links), framed=frame is not None)
        found = self.inners[id] = self._turned(grid)
        found.engine = engine
        for item, size, where in zip(level.items, sizes, grid.places, strict=False):
            self._put(found, item, size, where if self.down else where[::-1], lines)
        found.routes = {
            link: list(route) if self.down else [point[::-1] for point in route]
            for link, route in zip(level.links, grid.routes, strict=True)
        }
        found.ports = {
            port: where[0] + 1
            for port, where in zip(level.ports, grid.places[len(level.items) :], strict=True)
        }
        if frame is not None:
            self._pad(found, frame)
        return found

    def _turned(self, grid: Grid) -> _Inner:
        wide, high = grid.size if self.down else grid.size[::-1]
        return _Inner(width=wide, height=high)

    def _put(
        self, found: _Inner, item: Item, size: Point, at: Point, lines: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Add a box, and if it is a frame what is in it."""
        (x, y), (wide, high) = at, size
        if self.detail == "tiny" and not self.down and isinstance(item, Node):
            y, high = y + 1, high - 2  # it has no border above and below: only rows that lines end at
        found.boxes.append(Box(item.id, item, x, y, wide, high, lines.get(item.id, ())))
        inner = self.inners.get(item.id) if isinstance(item, Frame) else None
        if inner is None:
            return
        found.engine = found.engine or inner.engine
        found.boxes += [replace(box, x=box.x + x, y=box.y + y) for box in inner.boxes]
        found.at[item.id] = (x, y)
        found.at.update({id: (dx + x, dy + y) for id, (dx, dy) in inner.at.items()})

    def _pad(self, found: _Inner, frame: Frame) -> None:
        """Widen a frame's layout by its border across the flow, and to the width of its title."""
        pad = _FRAME_X if self.down else _FRAME_Y
        if self.down:
            missing = max(len(frame.title) + _TITLE - found.width - 2 * pad, 0)
            dx, dy = pad + missing // 2, 0
            found.width += 2 * pad + missing
        else:
            dx, dy = 0, pad
            found.height += 2 * pad
            found.width = max(found.width, len(frame.title) + _TITLE)
        found.boxes = [replace(box, x=box.x + dx, y=box.y + dy) for box in found.boxes]
        found.routes = {link: [(x + dx, y + dy) for x, y in route] for link, route in found.routes.items()}
        found.at = {id: (x + dx, y + dy) for id, (x, y) in found.at.items()}
        found.ports = {port: cell + dx + dy for port, cell in found.ports.items()}

    def _ends(self, links: Mapping[Link, None]) -> Counter[str]:
        """Return how many lines may have to end side by side at each box: on its fuller side.

        Lines that leave a box with the flow are one line.
        """
        sides: Counter[tuple[str, bool]] = Counter()
        for link in links:
            sides[link.target.item, not link.turned] += 1
            if link.turned:
                sides[link.source.item, True] += 1
        turned = {link.target.item for link in links if link.turned}
        found: Counter[str] = Counter()
        for (id, _), count in sides.items():
            found[id] = max(found[id], min(count + (id in turned), MANY_INPUTS))
        return found

    def _size(self, item: Item, lines: Mapping[str, Sequence[str]], ends: int) -> Point:
        """Return (width, height) of a box in cells, its border included."""
        if isinstance(item, Frame):
            inner = self.inners[item.id]
            return inner.width, inner.height
        wide, high = box_size(item, lines[item.id], self.detail, self.marked and item.owner is not None)
        if self.down:
            return max(wide, 2 * ends + 1), high
        return wide, max(high, ends + 2 + (ends > 1))

    def _grid(
        self, places: Sequence[Item | Port], sizes: Sequence[Point], links: Sequence[Link], *, framed: bool
    ) -> tuple[Grid, str]:
        room = Room(_PAD[self.detail] if self.down else 4)
        if framed:
            before = _FRAME_Y if self.down else _FRAME_X
            room = replace(room, before=before, behind=before)
        if not places:
            return Grid([], [], (0, room.before + room.behind)), ""
        request = self._request(places, sizes, links)
        lengths = [size[1 if self.down else 0] for size in sizes]
        lengths += [1] * (len(places) - len(sizes))
        found = engines.answer(request, self.engine)
        return snap(request, found, lengths, room), found.engine

    def _request(
        self, places: Sequence[Item | Port], sizes: Sequence[Point], links: Sequence[Link]
    ) -> Request:
        index: dict[object, int] = {
            place if isinstance(place, Port) else place.id: at for at, place in enumerate(places)
        }
        across = [size[0 if self.down else 1] - 2 for size in sizes]
        across += [1] * (len(places) - len(sizes))
        nets: dict[End, int] = {}
        return Request(
            across,
            [
                (index[link.source.item or link.source.port], index[link.target.item or link.target.port])
                for link in links
            ],
            [link.turned for link in links],
            [nets.setdefault(link.source, len(nets)) for link in links],
            [self._cell(link.source) for link in links],
            [self._cell(link.target) for link in links],
            {index[port]: -1 if port.first else 1 for port in places if isinstance(port, Port)},
            *((3, 3, 2) if self.down else (1, 3, 1)),
        )

    def _cell(self, end: End) -> int | None:
        """Return the cell of a frame, without its border, at which a line has to pass it; None for any."""
        if not end.item or end.port is None:
            return None
        return self.inners[end.item].ports[end.port] - 1
