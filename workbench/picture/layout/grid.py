"""From an engine's rough answer to character cells.

Every line gets a row or column of its own.

The engine says what is before what; here each layer and each stretch of line across the flow gets the lowest
row that is free above it, so that no row is wasted and no two edges run over each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.picture.layout.request import Answer, Request

Point = tuple[int, int]
_LONG = 40


@dataclass(frozen=True, slots=True)
class Grid:
    """Places in cells, across and along the flow.

    Attributes:
        places: (across, along) of each box's first cell.
        routes: corners of each edge, from the border cell of the source to the cell before the target's border.
        size: cells (across, along).
    """

    places: list[Point]
    routes: list[list[Point]]
    size: Point


@dataclass(frozen=True, slots=True)
class Room:
    """Free cells along the flow.

    Attributes:
        pad: before a box that edges lead to, the arrowhead's included.
        before: before the first box.
        behind: behind the last one.
    """

    pad: int
    before: int = 0
    behind: int = 0


def snap(request: Request, answer: Answer, lengths: Sequence[int], room: Room) -> Grid:
    """Return an engine's answer on the grid.

    Boxes pinned to the beginning and the end are in the first and the last row.

    Args:
        request: what was asked.
        answer: what the engine said.
        lengths: cells each box takes along the flow.
        room: free cells.
    """
    routes = [_straight(route) for route in answer.routes]
    low = min(
        [*(start - 1 for start in answer.starts), *(at for route in routes for at, _ in route)], default=0
    )
    starts = [start - 1 - low for start in answer.starts]
    routes = [[(across - low, along) for across, along in route] for route in routes]
    ends = [start + size + 2 for start, size in zip(starts, request.across, strict=True)]
    width = max([*ends, *(across + 1 for route in routes for across, _ in route)], default=0)
    spans = list(zip(starts, ends, strict=True))
    stretches = _stretches(request.edges, routes)
    shape = _Shape(spans, lengths, room, _upward(request, routes), request.pins)
    rows, begins, depth = _stack(answer, stretches, shape, width)
    placed = [
        _corners(edge, route, rows, begins, lengths, request.edges[edge]) for edge, route in enumerate(routes)
    ]
    return Grid(list(zip(starts, begins, strict=True)), placed, (width, depth))


def _straight(route: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return a route without corners that rounding made needless.

    First across, then along, in turn.
    """
    found: list[tuple[int, float]] = []
    for across, along in route:
        if (len(found) > 1 and found[-1][0] == found[-2][0] == across) or (
            len(found) > 1 and found[-1][1] == found[-2][1] == along and found[-1][0] != across
        ):
            found[-1] = across, along
        elif not found or found[-1] != (across, along):
            found.append((across, along))
    return found


def _upward(request: Request, routes: Sequence[Sequence[tuple[int, float]]]) -> set[int]:
    """Return the boxes at which an edge against the flow ends, from behind."""
    return {
        target
        for (_, target), route in zip(request.edges, routes, strict=True)
        if len(route) > 1 and route[-1][1] < route[-2][1]
    }


@dataclass(slots=True)
class _Stretch:
    """Parts of edges that run across the flow on one row.

    One edge's, or those of several that fork or join.
    """

    along: float
    first: int
    last: int
    edges: list[int]


def _stretches(
    edges: Sequence[tuple[int, int]], routes: Sequence[Sequence[tuple[int, float]]]
) -> list[_Stretch]:
    """Return all parts that run across the flow.

    Touching parts of edges with a common end, at one place, are one.
    """
    levels: dict[float, list[_Stretch]] = {}
    for edge, route in enumerate(routes):
        for (across, along), (across_too, along_too) in pairwise(route):
            if along == along_too and across != across_too:
                first, last = sorted((across, across_too))
                stretch = _Stretch(along, first, last, [edge])
                levels.setdefault(along, []).append(stretch)
    found: list[_Stretch] = []
    for level in levels.values():
        level.sort(key=lambda one: (one.first, one.last, one.edges))
        joined: list[_Stretch] = []
        for one in level:
            for other in joined:
                touching = one.first <= other.last and other.first <= one.last
                if touching and _common_end(edges, one.edges, other.edges):
                    other.first, other.last = min(one.first, other.first), max(one.last, other.last)
                    other.edges += one.edges
                    break
            else:
                joined.append(one)
        found += joined
    return found


def _common_end(edges: Sequence[tuple[int, int]], some: Sequence[int], others: Sequence[int]) -> bool:
    sources, targets = {edges[one][0] for one in others}, {edges[one][1] for one in others}
    return any(edges[one][0] in sources or edges[one][1] in targets for one in some)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides the rows of boxes.

    Attributes:
        spans: the first cell of each box across the flow, and the one after its last.
        lengths: cells of each box along the flow.
        room: free cells.
        upward: boxes that an edge against the flow leads to.
        pins: see `Request`.
    """

    spans: Sequence[tuple[int, int]]
    lengths: Sequence[int]
    room: Room
    upward: set[int]
    pins: Mapping[int, int]


def _stack(
    answer: Answer, stretches: Sequence[_Stretch], shape: _Shape, width: int
) -> tuple[dict[tuple[int, float], int], list[int], int]:
    """Return the row of each stretch, the first row of each box, and the depth.

    A stretch is known by its edge and its place along the flow.
    """
    layers: dict[int, list[int]] = {}
    for box, layer in enumerate(answer.layers):
        layers.setdefault(layer, []).append(box)
    events: list[tuple[float, int, int]] = [
        (min(answer.along[box][0] for box in boxes), 0, layer) for layer, boxes in layers.items()
    ]
    events += [(stretch.along, 1, number) for number, stretch in enumerate(stretches)]
    entered = any(where < 0 for where in shape.pins.values())
    free = [1 if entered else shape.room.before] * (width + 1)
    rows: dict[tuple[int, float], int] = {}
    begins = [0] * len(shape.spans)
    for along, kind, which in sorted(events):
        if kind:
            stretch = stretches[which]
            row = max(free[stretch.first : stretch.last + 1])
            free[stretch.first : stretch.last + 1] = [row + 1] * (stretch.last + 1 - stretch.first)
            rows.update(dict.fromkeys(((edge, along) for edge in stretch.edges), row))
        elif shape.pins.get(layers[which][0], 0) == 0:
            _set_layer(layers[which], shape, 0 if entered else shape.room.before, free, begins)
    depth = max(free, default=0) + shape.room.behind
    for box, where in shape.pins.items():
        begins[box] = 0 if where < 0 else depth - 1
    return rows, begins, depth


def _set_layer(boxes: Sequence[int], shape: _Shape, start: int, free: list[int], begins: list[int]) -> None:
    """Place the boxes of one layer, their middles in line.

    Beside a long frame, their beginnings are in line.
    """
    deep = max(shape.lengths[box] for box in boxes)
    inset = {box: (deep - shape.lengths[box]) // 2 if deep <= _LONG else 0 for box in boxes}
    top = 0
    for box in boxes:
        have = max(free[slice(*shape.spans[box])])
        top = max(top, have + (shape.room.pad if have > start else 0) - inset[box])
    for box in boxes:
        first, last = shape.spans[box]
        begins[box] = top + inset[box]
        below = begins[box] + shape.lengths[box] + (1 if box in shape.upward else 0)
        free[first:last] = [below] * (last - first)


def _corners(
    edge: int,
    route: Sequence[tuple[int, float]],
    rows: dict[tuple[int, float], int],
    begins: Sequence[int],
    lengths: Sequence[int],
    ends: tuple[int, int],
) -> list[Point]:
    """Return the corners in cells, from the source's border to the target's."""
    source, target = ends
    forth_at_start = len(route) < 2 or route[1][1] >= route[0][1]
    forth_at_end = len(route) < 2 or route[-1][1] >= route[-2][1]
    first = begins[source] + lengths[source] - 1 if forth_at_start else begins[source]
    last = begins[target] - 1 if forth_at_end else begins[target] + lengths[target]
    found: list[Point] = []
    for at, (across, along) in enumerate(route):
        row = first if at == 0 else last if at == len(route) - 1 else rows[edge, along]
        if not found or found[-1] != (across, row):
            found.append((across, row))
    return found
