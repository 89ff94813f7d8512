"""Our own layered layout, for where graphlay can't be imported: plainer, in Python, for some hundred boxes.

The usual steps (Sugiyama, Tagawa, Toda 1981): turn edges so that there is no cycle, layers by longest path,
long edges through places of their own in each layer, order by barycentres, coordinates by least squares under
the given distances, ports, and a row for each stretch across. Edges of one box share their way as long as they
can, so that a fork is drawn as one line.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workbench.picture.engines import Answer, Request

_SWEEPS = 12
_ROUNDS = 10
_STEP = 10.0
_LINE_WEIGHT = 4.0


@dataclass(slots=True)
class _Spot:
    """A place in a layer: of a box, or of a line that only passes.

    Attributes:
        layer: from 0.
        size: cells across; 1 for a line.
        box: the box's index, or -1.
        up: spots of the layer above that it is linked to.
        down: spots of the layer below.
        x: the column in its middle, where a single line ends.
    """

    layer: int
    size: int
    box: int
    up: list[int] = field(default_factory=list)
    down: list[int] = field(default_factory=list)
    x: float = 0.0

    @property
    def before(self) -> int:
        """Columns left of the middle."""
        return (self.size - 1) // 2

    @property
    def after(self) -> int:
        """Columns right of the middle."""
        return self.size - 1 - self.before


def answer_own(request: Request) -> Answer:
    """Lays out; the same request gives the same answer."""
    count = len(request.across)
    turned = _turned(count, request.edges)
    forward = [
        (target, source) if back else (source, target)
        for (source, target), back in zip(request.edges, turned, strict=True)
    ]
    layers = _layers(count, forward)
    spots, ways = _spots(request, forward, turned, layers)
    rows = _ordered(spots, max(layers, default=-1) + 1)
    _spread_out(request, spots, rows)
    starts = [int(spot.x) - spot.before for spot in spots[:count]]
    routes = _routes(request, spots, ways, forward, turned, starts)
    along = [(layer * _STEP, layer * _STEP + 1) for layer in layers]
    return Answer(layers, starts, routes, along, "own")


def _turned(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Which edges have to be turned so that there is no cycle."""
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


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from the sources; then what feeds others moves down to just above them."""
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
    request: Request, edges: Sequence[tuple[int, int]], turned: Sequence[bool], layers: Sequence[int]
) -> tuple[list[_Spot], list[list[int]]]:
    """All spots, boxes first, and the spots each edge goes through; edges of one box share theirs."""
    spots = [_Spot(layers[box], size, box) for box, size in enumerate(request.across)]
    shared: dict[tuple[int, int, int], int] = {}
    ways: list[list[int]] = []
    linked: set[tuple[int, int]] = set()
    for number, (source, target) in enumerate(edges):
        way = [source]
        for layer in range(layers[source] + 1, layers[target]):
            key = (source, layer, number if turned[number] else -1)
            if key not in shared:
                shared[key] = len(spots)
                spots.append(_Spot(layer, 1, -1))
            way.append(shared[key])
        way.append(target)
        for upper, lower in pairwise(way):
            if (upper, lower) not in linked:
                linked.add((upper, lower))
                spots[upper].down.append(lower)
                spots[lower].up.append(upper)
        ways.append(way)
    return spots, ways


def _ordered(spots: Sequence[_Spot], depth: int) -> list[list[int]]:
    """The spots of each layer from left to right, with few crossings."""
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


def _first_order(spots: Sequence[_Spot], depth: int) -> list[list[int]]:
    """By walking down from the sources, so that what belongs together stays together."""
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


def _crossings(spots: Sequence[_Spot], rows: Sequence[Sequence[int]]) -> int:
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


def _spread_out(request: Request, spots: Sequence[_Spot], rows: Sequence[Sequence[int]]) -> None:
    """Middles across: near those of linked spots, in order, far enough from each other."""
    offsets = []
    for row in rows:
        offset, found = 0.0, []
        for at, spot in enumerate(row):
            if at:
                before = spots[row[at - 1]]
                boxes = before.box >= 0 and spots[spot].box >= 0
                gap = request.box_gap + 2 if boxes else request.line_gap
                offset += before.after + spots[spot].before + 1 + gap
            found.append(offset)
            spots[spot].x = offset
        offsets.append(found)
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
            for spot, x in zip(rows[layer], _in_order(wanted, weights, offsets[layer]), strict=True):
                spots[spot].x = x
    for row, offset_row in zip(rows, offsets, strict=True):  # whole cells, still far enough apart
        low = float("-inf")
        for spot, offset in zip(row, offset_row, strict=True):
            low = max(low, round(spots[spot].x - offset))
            spots[spot].x = low + offset


def _in_order(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The places nearest to `wanted` (least squares) that keep the distances of `offsets` at least.

    Without the offsets the places may only grow: isotonic regression by pooling neighbours.
    """
    pools: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, mass, size = want - offset, weight, 1
        while pools and pools[-1][0] > mean:
            before, heavy, many = pools.pop()
            mean = (before * heavy + mean * mass) / (heavy + mass)
            mass, size = heavy + mass, many + size
        pools.append((mean, mass, size))
    flat = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _routes(
    request: Request,
    spots: Sequence[_Spot],
    ways: Sequence[Sequence[int]],
    edges: Sequence[tuple[int, int]],
    turned: Sequence[bool],
    starts: Sequence[int],
) -> list[list[tuple[int, float]]]:
    """Corners of each edge: straight through the layers, across between them."""
    nets = [-1 - number if turned[number] else source for number, (source, _) in enumerate(edges)]
    leave = _ports(request, spots, starts, [(edges[at][0], nets[at], way[1]) for at, way in enumerate(ways)])
    enter = _ports(request, spots, starts, [(edges[at][1], at, way[-2]) for at, way in enumerate(ways)])
    columns: list[list[int]] = []
    stretches: dict[int, dict[tuple[int, int, int], None]] = {}
    for number, way in enumerate(ways):
        source, target = edges[number]
        xs = [leave[source, nets[number]], *(int(spots[spot].x) for spot in way[1:-1]), enter[target, number]]
        columns.append(xs)
        for at, (x, to_x) in enumerate(pairwise(xs)):
            if x != to_x:
                layer = spots[way[at]].layer
                stretches.setdefault(layer, {})[x, to_x, nets[number]] = None
    rows = {layer: _row_order(list(found)) for layer, found in stretches.items()}
    routes = []
    for number, xs in enumerate(columns):
        layer = spots[edges[number][0]].layer
        route = [(xs[0], layer * _STEP + 1)]
        for at, (x, to_x) in enumerate(pairwise(xs)):
            if x != to_x:
                row = rows[layer + at][x, nets[number]]
                route += [(x, row + (layer + at) * _STEP), (to_x, row + (layer + at) * _STEP)]
        route.append((xs[-1], spots[edges[number][1]].layer * _STEP))
        routes.append(route[::-1] if turned[number] else route)
    return routes


def _ports(
    request: Request,
    spots: Sequence[_Spot],
    starts: Sequence[int],
    ends: Sequence[tuple[int, int, int]],
) -> dict[tuple[int, int], int]:
    """(box, net) → column, for (box, net, spot the line comes from or goes to): in order, about the middle."""
    wanted: dict[int, dict[int, float]] = {}
    for box, net, beside in ends:
        known = wanted.setdefault(box, {})
        known[net] = min(known.get(net, spots[beside].x), spots[beside].x)
    found = {}
    for box, nets in wanted.items():
        order = sorted(nets, key=lambda net: (nets[net], net))
        room = request.across[box]
        gap = max(1, min(request.port_gap, (room - 1) // max(len(order) - 1, 1)))
        first = starts[box] + (room - 1 - gap * (len(order) - 1)) // 2
        for at, net in enumerate(order):
            found[box, net] = min(max(first + at * gap, starts[box]), starts[box] + room - 1)
    return found


def _row_order(stretches: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], float]:
    """(first column, net) → place between two layers, 0 to 10, so that no line runs down another's column.

    What goes left comes from the left first, what goes right from the right first: these do not cross. A line
    that comes down a column must have turned off before another turns down into it.
    """
    nets: dict[tuple[int, int], list[int]] = {}
    for x, to_x, net in stretches:
        nets.setdefault((x, net), []).append(to_x)
    order = sorted(
        nets, key=lambda key: (sum(nets[key]) / len(nets[key]) > key[0], _sided(key[0], nets[key]), key[1])
    )
    starts: dict[int, list[tuple[int, int]]] = {}
    for key in order:
        starts.setdefault(key[0], []).append(key)
    done: dict[tuple[int, int], None] = {}
    on_way: set[tuple[int, int]] = set()
    for key in order:
        todo = [key]
        while todo:
            here = todo[-1]
            on_way.add(here)
            first = [
                other
                for end in nets[here]
                for other in starts.get(end, ())
                if other not in done and other not in on_way and other[1] != here[1]
            ]
            if first:
                todo.append(first[0])
            else:
                todo.pop()
                done[here] = None
    return {key: 1 + 8 * (at + 1) / (len(done) + 1) for at, key in enumerate(done)}


def _sided(x: int, ends: Sequence[int]) -> int:
    return -x if sum(ends) / len(ends) > x else x
