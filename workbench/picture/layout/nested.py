"""Edges of a scene, cut at the borders of the frames that they pass.

Each frame is laid out alone. An edge between boxes of different frames becomes one link in each frame on its way; where
it passes a border the frame has a port, and the link outside ends at that port of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.picture.layout.layered import turned_edges
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

Item = Node | Frame


@dataclass(frozen=True, slots=True)
class Port:
    """Where lines pass a frame's border.

    Attributes:
        frame: id of the frame.
        source: id of the box whose lines pass here: they are one line at this place.
        control: whether these are control edges.
        enters: whether the lines come from outside.
        first: whether it is at the border where the flow begins; lines against the flow enter at the other one.
    """

    frame: str
    source: str
    control: bool
    enters: bool
    first: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of a link: a box or a frame of the level, a port of that frame, or a port of the level itself.

    Attributes:
        item: id of the box or frame; empty for a port of the level.
        port: of the frame `item`, or of the level.
    """

    item: str = ""
    port: Port | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A piece of one or more edges, in one level.

    Attributes:
        source: where it begins.
        target: where it ends.
        turned: whether it points against the flow.
    """

    source: End
    target: End
    turned: bool = False


@dataclass(slots=True)
class Level:
    """What is directly in a frame, or in none.

    Attributes:
        items: boxes and frames.
        links: pieces of edges, each once.
        ports: of the frame itself.
    """

    items: list[Item] = field(default_factory=list)
    links: dict[Link, None] = field(default_factory=dict)
    ports: dict[Port, None] = field(default_factory=dict)


class Nesting:
    """The levels of a scene, and the links that each edge consists of.

    Attributes:
        levels: by the frame's id; None for what is in no frame.
        ways: for each edge the (frame, link) pairs from its source to its target. Edges between a frame and what is in
            it, and those with an unknown end, have none.
    """

    def __init__(self, scene: Scene) -> None:
        self.levels: dict[str | None, Level] = {None: Level()}
        self._frame_of: dict[str, str | None] = {}
        everything: list[Item] = [*scene.frames, *scene.nodes]
        for item in everything:
            self.levels.setdefault(item.frame, Level()).items.append(item)
            self._frame_of[item.id] = item.frame
        for frame in scene.frames:
            self.levels.setdefault(frame.id, Level())
        self.ways: dict[Edge, list[tuple[str | None, Link]]] = {}
        met = {edge: found for edge in scene.edges if (found := self._meet(edge)) is not None}
        turned = self._turned(met)
        for edge, (level, source, target) in met.items():
            self.ways[edge] = self._way(edge, level, (level, source, target) in turned)

    def _around(self, id: str) -> list[str | None]:
        """Return the frames around a box, the innermost first; None is the outermost."""
        found: list[str | None] = [self._frame_of[id]]
        while found[-1] is not None:
            found.append(self._frame_of.get(found[-1]))
        return found

    def _meet(self, edge: Edge) -> tuple[str | None, str, str] | None:
        """Return the innermost level that both ends are in, and its items that hold them."""
        if edge.source not in self._frame_of or edge.target not in self._frame_of:
            return None
        sources, targets = self._around(edge.source), self._around(edge.target)
        common = {*sources}
        level = next(frame for frame in targets if frame in common)
        source, target = (
            id if frames[0] == level else frames[frames.index(level) - 1] or ""
            for id, frames in ((edge.source, sources), (edge.target, targets))
        )
        return (level, source, target) if source != target else None

    def _turned(self, met: dict[Edge, tuple[str | None, str, str]]) -> set[tuple[str | None, str, str]]:
        """Return which pairs of items have to be linked against the flow, so that there is no cycle."""
        pairs: dict[str | None, dict[tuple[str, str], None]] = {}
        for level, source, target in met.values():
            pairs.setdefault(level, {})[source, target] = None
        found = set()
        for level, known in pairs.items():
            index = {item.id: at for at, item in enumerate(self.levels[level].items)}
            edges = [(index[source], index[target]) for source, target in known]
            for (source, target), back in zip(known, turned_edges(len(index), edges), strict=True):
                if back:
                    found.add((level, source, target))
        return found

    def _way(self, edge: Edge, level: str | None, turned: bool) -> list[tuple[str | None, Link]]:
        """Return the links of an edge, and add them and their ports to the levels."""
        up, source = self._climb(edge.source, level, edge, enters=False, first=turned)
        down, target = self._climb(edge.target, level, edge, enters=True, first=not turned)
        found: list[tuple[str | None, Link]] = [
            (frame, Link(end, End(port=port), turned)) for frame, end, port in up
        ]
        found.append((level, Link(source, target, turned)))
        found += [(frame, Link(End(port=port), end, turned)) for frame, end, port in reversed(down)]
        for frame, link in found:
            self.levels[frame].links[link] = None
        return found

    def _climb(
        self, id: str, level: str | None, edge: Edge, *, enters: bool, first: bool
    ) -> tuple[list[tuple[str, End, Port]], End]:
        """Return the (frame, end in it, port) from a box up to a level, and the end in that level."""
        found: list[tuple[str, End, Port]] = []
        end = End(id)
        frame = self._frame_of[id]
        while frame is not None and frame != level:
            port = Port(frame, edge.source, edge.control, enters, first)
            self.levels[frame].ports[port] = None
            found.append((frame, end, port))
            end = End(frame, port)
            frame = self._frame_of[frame]
        return found, end


def joined(pieces: Sequence[Sequence[tuple[int, int]]]) -> tuple[tuple[int, int], ...]:
    """Return one polyline of several that follow each other, without corners that are none."""
    found: list[tuple[int, int]] = []
    for point in (point for piece in pieces for point in piece):
        if found and found[-1] == point:
            continue
        if len(found) > 1 and _straight(found[-2], found[-1], point):
            found[-1] = point
        else:
            found.append(point)
    return tuple(found)


def _straight(one: tuple[int, int], middle: tuple[int, int], other: tuple[int, int]) -> bool:
    return any(one[axis] == middle[axis] == other[axis] for axis in (0, 1))
