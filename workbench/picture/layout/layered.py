"""Our own layered layout, for where graphlay can't be imported.

Plainer, in Python, for some hundred boxes.

The usual steps (Sugiyama, Tagawa, Toda 1981): turn edges so that there is no cycle, layers by longest path,
long edges through places of their own in each layer, order by barycentres, coordinates by least squares under
the given distances. The last steps, ports and rows, are in `routing.py`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise

from workbench.picture.layout.request import Answer, Request
from workbench.picture.layout.routing import Spot, Way, distances, in_order, net_of, route, to_cells

_SWEEPS = 12
_ROUNDS = 10
_LINE_WEIGHT = 4.0


def answer_own(request: Request) -> Answer:
    """Lay out with our own engine; the same request gives the same answer."""
    count = len(request.across)
    forward = request.forward
    layers, _ = pinned(longest_paths(count, forward), request)
    spots, ways = _spots(request, forward, layers)
    rows = _ordered(spots, max(layers, default=-1) + 1)
    _spread_out(request, spots, rows)
    return route(request, Way(spots, ways, forward, request.turned), "own")


def pinned(layers: Sequence[int], request: Request) -> tuple[list[int], int]:
    """Return layers with the pinned boxes before and behind all others, and by how much these moved.

    Args:
        layers: as an engine chose them.
        request: has the pins.
    """
    free = [layer for box, layer in enumerate(layers) if box not in request.pins]
    shift = int(any(where < 0 for where in request.pins.values()) and min(free, default=1) == 0)
    last = max(free, default=0) + shift + 1
    found = [layer + shift for layer in layers]
    for box, where in request.pins.items():
        found[box] = 0 if where < 0 else last
    return found, shift


def passing_places(request: Request) -> int:
    """Return how many places between their layers all edges take, none shared."""
    forward = request.forward
    layers = longest_paths(len(request.across), forward)
    return sum(layers[target] - layers[source] - 1 for source, target in forward)


def turned_edges(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Return which edges have to be turned so that there is no cycle."""
    after: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    has_before = [False] * count
    for number, (source, target) in enumerate(edges):
        after[source].append((target, number))
        has_before[target] = True
    turned = [False] * len(edges)
    state = [0] * count
    for start in sorted(range(count), key=lambda box: (has_before[box], box)):
        if state[start]:
            continue
        state[start] = 1
        todo = [(start, iter(after[start]))]
        while todo:
            box, rest = todo[-1]
            for target, number in rest:
                if state[target] == 1:
                    turned[number] = True
                elif not state[target]:
                    state[target] = 1
                    todo.append((target, iter(after[target])))
                    break
            else:
                state[box] = 2
                todo.pop()
    return turned


def longest_paths(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each box by the longest path from the sources.

    What feeds others then moves down to just above them.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    open_inputs = [0] * count
    for source, target in edges:
        after[source].append(target)
        open_inputs[target] += 1
    layers = [0] * count
    feeds_only = [number == 0 for number in open_inputs]
    order = [box for box in range(count) if not open_inputs[box]]
    for box in order:
        for target in after[box]:
            layers[target] = max(layers[target], layers[box] + 1)
            open_inputs[target] -= 1
            if not open_inputs[target]:
                order.append(target)
    for box in reversed(order):
        if feeds_only[box] and after[box]:
            layers[box] = min(layers[target] for target in after[box]) - 1
    return layers


def _spots(
    request: Request, edges: Sequence[tuple[int, int]], layers: Sequence[int]
) -> tuple[list[Spot], list[list[int]]]:
    """Return all spots, boxes first, and the spots each edge goes through.

    Edges of one box share theirs.
    """
    spots = [Spot(layers[box], size, box) for box, size in enumerate(request.across)]
    shared: dict[tuple[int, int], int] = {}
    ways: list[list[int]] = []
    linked: set[tuple[int, int]] = set()
    for number, (source, target) in enumerate(edges):
        way = [source]
        for layer in range(layers[source] + 1, layers[target]):
            key = (net_of(request, number), layer)
            if key not in shared:
                shared[key] = len(spots)
                spots.append(Spot(layer, 1, -1))
            way.append(shared[key])
        way.append(target)
        for upper, lower in pairwise(way):
            if (upper, lower) not in linked:
                linked.add((upper, lower))
                spots[upper].down.append(lower)
                spots[lower].up.append(upper)
        ways.append(way)
    return spots, ways


def _ordered(spots: Sequence[Spot], depth: int) -> list[list[int]]:
    """Return the spots of each layer from left to right, with few crossings."""
    rows = _first_order(spots, depth)
    best, fewest = [list(row) for row in rows], _crossings(spots, rows)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        downward = sweep % 2 == 0
        for layer in range(1, depth) if downward else range(depth - 2, -1, -1):
            beside = rows[layer - 1 if downward else layer + 1]
            place = {spot: at for at, spot in enumerate(beside)}
            weight = {}
            for at, spot in enumerate(rows[layer]):
                links = [place[other] for other in (spots[spot].up if downward else spots[spot].down)]
                weight[spot] = sum(links) / len(links) if links else float(at)
            rows[layer].sort(key=weight.__getitem__)
        crossings = _crossings(spots, rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _first_order(spots: Sequence[Spot], depth: int) -> list[list[int]]:
    """Return a first order by walking down from the sources.

    What belongs together stays together.
    """
    rows: list[list[int]] = [[] for _ in range(depth)]
    seen = [False] * len(spots)
    for start in sorted(range(len(spots)), key=lambda spot: (bool(spots[spot].up), spots[spot].layer)):
        todo = [start]
        while todo:
            spot = todo.pop()
            if not seen[spot]:
                seen[spot] = True
                rows[spots[spot].layer].append(spot)
                todo.extend(reversed(spots[spot].down))
    return rows


def _crossings(spots: Sequence[Spot], rows: Sequence[Sequence[int]]) -> int:
    total = 0
    for row, below in pairwise(rows):
        place = {spot: at for at, spot in enumerate(below)}
        ends: list[int] = []
        for spot in row:
            links = sorted(place[other] for other in spots[spot].down)
            total += sum(len(ends) - bisect_left(ends, link + 1) for link in links)
            for link in links:
                insort(ends, link)
    return total


def _spread_out(request: Request, spots: Sequence[Spot], rows: Sequence[Sequence[int]]) -> None:
    """Return the middles of spots: near those of linked spots, far enough apart."""
    offsets = [distances(request, [spots[spot] for spot in row]) for row in rows]
    for row, offset_row in zip(rows, offsets, strict=True):
        for spot, offset in zip(row, offset_row, strict=True):
            spots[spot].x = offset
    for turn in range(_ROUNDS):
        order = range(len(rows)) if turn % 2 == 0 else range(len(rows) - 1, -1, -1)
        for layer in order:
            wanted, weights = [], []
            for spot in rows[layer]:
                links = spots[spot].up if turn % 2 == 0 else spots[spot].down
                links = links or [*spots[spot].up, *spots[spot].down]
                near = [spots[other].x for other in links]
                wanted.append(sum(near) / len(near) if near else spots[spot].x)
                weights.append(_LINE_WEIGHT if spots[spot].box < 0 else 1.0)
            for spot, x in zip(rows[layer], in_order(wanted, weights, offsets[layer]), strict=True):
                spots[spot].x = x
    for row in rows:
        to_cells(request, [spots[spot] for spot in row])
