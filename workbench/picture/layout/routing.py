"""The last steps of a layered layout, in whole cells.

Ports, ways through the layers, rows between them.

Whoever placed the boxes, the lines are drawn here, so that no line touches a box it does not end at and no two
lines run over each other (save where two change columns with each other and low boxes leave no room to step
aside: seen with our own engine, drawing to the right). Edges of one box leave it as one line and share their
way as long as they can; into a box that very many edges lead to, they come as a bus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

from workbench.picture.layout.request import MANY_INPUTS, Answer, Request

_STEP = 10.0
_JOIN = -1_000_000


@dataclass(slots=True)
class Spot:
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


@dataclass(frozen=True, slots=True)
class Way:
    """Boxes and lines, layer by layer.

    Attributes:
        spots: boxes first, by index; each with its layer and column.
        ways: for each edge the spots it goes through, from the upper end to the lower.
        edges: (upper, lower) box of each edge.
        turned: whether the edge goes against the flow, from its lower end to its upper.
    """

    spots: Sequence[Spot]
    ways: Sequence[Sequence[int]]
    edges: Sequence[tuple[int, int]]
    turned: Sequence[bool]


def distances(request: Request, row: Sequence[Spot], slack: int = 0) -> list[int]:
    """Return the least distance of each spot's middle from the first one's.

    Args:
        request: has the distances between things.
        row: the layer from left to right.
        slack: cells by which lines may come nearer to boxes and to each other.
    """
    found: list[int] = []
    for at, spot in enumerate(row):
        if not at:
            found.append(0)
            continue
        before = row[at - 1]
        gap = request.line_gap - 1 - slack
        if before.box >= 0 or spot.box >= 0:  # a box has a border, which is not in its size
            gap = request.line_gap - slack
        if before.box >= 0 and spot.box >= 0:
            gap = request.box_gap + 2
        found.append(found[-1] + before.after + spot.before + 1 + gap)
    return found


def in_order(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return the places nearest to `wanted` that keep at least these distances.

    Nearest by least squares.

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


def to_cells(request: Request, row: Sequence[Spot], slack: int = 0) -> None:
    """Move the spots of a layer to whole cells that are far enough apart."""
    offsets = distances(request, row, slack)
    places = in_order([spot.x for spot in row], [1.0] * len(row), offsets)
    low = float("-inf")
    for spot, place, offset in zip(row, places, offsets, strict=True):
        low = max(low, (place - offset + 0.5) // 1)
        spot.x = low + offset


def route(request: Request, way: Way, engine: str) -> Answer:
    """Return the answer for boxes and lines in their places, in whole cells."""
    boxes = way.spots[: len(request.across)]
    starts = [int(spot.x) - spot.before for spot in boxes]
    along = [(spot.layer * _STEP, spot.layer * _STEP + 1) for spot in boxes]
    return Answer([spot.layer for spot in boxes], starts, _routes(request, way, starts), along, engine)


def net_of(request: Request, edge: int) -> int:
    """Return the number of the line that an edge is part of where it leaves its upper box."""
    return -1 - edge if request.turned[edge] else request.nets[edge]


Key = tuple[int, int, int]
"""What runs across between two layers as one: (column or `_JOIN`, net or box, 0; behind a detour 1)."""
Runs = dict[Key, tuple[set[int], set[int]]]
"""For each of these the columns above and below."""


def _routes(request: Request, way: Way, starts: Sequence[int]) -> list[list[tuple[int, float]]]:
    """Return the corners of each edge: straight through layers, across between."""
    nets = [net_of(request, number) for number in range(len(way.edges))]
    leave = _leaving(request, way, nets, starts)
    enter = _entering(request, way, nets, starts, leave)
    crowded = _crowded(request, way)
    columns: list[list[int]] = []
    keys_of: list[list[Key]] = []
    runs: dict[int, Runs] = {}
    straight: dict[int, set[int]] = {}
    for number, spots in enumerate(way.ways):
        source, target = way.edges[number]
        xs = [leave[source, nets[number]], *(int(way.spots[spot].x) for spot in spots[1:-1])]
        xs.append(enter[target, number])
        columns.append(xs)
        keys: list[Key] = []
        for at, (x, to_x) in enumerate(pairwise(xs)):
            joins = at == len(xs) - 2 and target in crowded and not way.turned[number]
            keys.append((_JOIN, target, 0) if joins else (x, nets[number], 0))
            layer = way.spots[spots[at]].layer
            if x != to_x:
                from_xs, to_xs = runs.setdefault(layer, {}).setdefault(keys[-1], (set(), set()))
                from_xs.add(x)
                to_xs.add(to_x)
            else:
                straight.setdefault(layer, set()).add(x)
        keys_of.append(keys)
    detours = {layer: _detours(found, straight.get(layer, set())) for layer, found in runs.items()}
    rows = {layer: _row_order(found, detours[layer]) for layer, found in runs.items()}
    routes = []
    for number, xs in enumerate(columns):
        layer = way.spots[way.edges[number][0]].layer
        found: list[tuple[int, float]] = [(xs[0], layer * _STEP + 1)]
        for at, (x, to_x) in enumerate(pairwise(xs)):
            if x == to_x:
                continue
            key, here = keys_of[number][at], (layer + at) * _STEP
            row = rows[layer + at][key] + here
            found.append((x, row))
            if (aside := detours[layer + at].get(key)) is not None:
                found.append((aside, row))
                row = rows[layer + at][(*key[:2], 1)] + here
                found.append((aside, row))
            found.append((to_x, row))
        found.append((xs[-1], way.spots[way.edges[number][1]].layer * _STEP))
        routes.append(found[::-1] if way.turned[number] else found)
    return routes


def _crowded(request: Request, way: Way) -> set[int]:
    """Return the boxes that edges enter as one line, a bus, since they are so many."""
    counts: dict[int, int] = {}
    for number, (_, target) in enumerate(way.edges):
        free = not way.turned[number] and request.enter_at[number] is None
        counts[target] = counts.get(target, 0) + free
    return {target for target, count in counts.items() if count > MANY_INPUTS}


def _leaving(
    request: Request, way: Way, nets: Sequence[int], starts: Sequence[int]
) -> dict[tuple[int, int], int]:
    """Return by (box, net) the column at which the net leaves the box.

    The box's middle, or straight above the place where the net continues.
    """
    goes_to: dict[int, dict[int, set[int]]] = {}
    for number, spots in enumerate(way.ways):
        goes_to.setdefault(spots[0], {}).setdefault(nets[number], set()).add(spots[1])
    found = {}
    for box, known in goes_to.items():
        wanted = {}
        for net, following in known.items():
            (only, *more) = following
            straight = not more and (way.spots[only].box < 0 or len(known) > 1)
            wanted[net] = way.spots[only].x if straight else way.spots[box].x
        found.update(_ports(request, box, starts[box], wanted))
    for number, (box, _) in enumerate(way.edges):
        if (cell := request.fixed(number, upper=True)) is not None:
            found[box, nets[number]] = starts[box] + cell
    return found


def _entering(
    request: Request,
    way: Way,
    nets: Sequence[int],
    starts: Sequence[int],
    leave: dict[tuple[int, int], int],
) -> dict[tuple[int, int], int]:
    """Return by (box, edge) the column at which the edge comes to the box.

    Below where it comes from, if there is room.
    """
    crowded = _crowded(request, way)
    comes_from: dict[int, dict[int, float]] = {}
    bus: dict[tuple[int, int], int] = {}
    for number, spots in enumerate(way.ways):
        source, target = way.edges[number]
        at = way.spots[spots[-2]]
        x = float(leave[source, nets[number]]) if len(spots) == 2 else at.x
        if target in crowded and not way.turned[number]:
            bus[target, number] = int(way.spots[target].x)
        else:
            comes_from.setdefault(target, {})[number] = x
    found = dict(bus)
    for box, known in comes_from.items():
        if box in crowded:  # leave the middle to the bus
            known = {net: min(x, way.spots[box].x - 1) for net, x in known.items()}
        found.update(_ports(request, box, starts[box], known))
    for number, (_, box) in enumerate(way.edges):
        if (cell := request.fixed(number, upper=False)) is not None:
            found[box, number] = starts[box] + cell
    _make_way(request, way, nets, starts, leave, found)
    return found


def _make_way(
    request: Request,
    way: Way,
    nets: Sequence[int],
    starts: Sequence[int],
    leave: dict[tuple[int, int], int],
    enter: dict[tuple[int, int], int],
) -> None:
    """Move ends by one column where another line comes down, if there is room.

    Two lines that change columns with each other could not both turn off first.
    """
    coming: dict[tuple[int, int], set[int]] = {}
    taken: dict[int, set[int]] = {}
    for number, spots in enumerate(way.ways):
        columns = [leave[spots[0], nets[number]], *(int(way.spots[spot].x) for spot in spots[1:-1])]
        for at, column in enumerate(columns):
            coming.setdefault((way.spots[spots[at]].layer, column), set()).add(nets[number])
        taken.setdefault(spots[-1], set()).add(enter[spots[-1], number])
    for number, spots in enumerate(way.ways):
        box, layer = spots[-1], way.spots[spots[-2]].layer
        here = enter[box, number]
        if request.fixed(number, upper=False) is not None:
            continue
        if coming.get((layer, here), set()) <= {nets[number]}:
            continue
        for column in (here + 1, here - 1):
            inside = starts[box] <= column < starts[box] + request.across[box]
            if inside and column not in taken[box] and (layer, column) not in coming:
                enter[box, number] = column
                taken[box].add(column)
                break


def _ports(request: Request, box: int, start: int, wanted: dict[int, float]) -> dict[tuple[int, int], int]:
    """Return by (box, net) a column, as near to the wanted one as order allows."""
    order = sorted(wanted, key=lambda net: (wanted[net], net))
    room = request.across[box]
    gap = max(1, min(request.port_gap, (room - 1) // max(len(order) - 1, 1)))
    offsets = [float(gap * at) for at in range(len(order))]
    places = in_order([wanted[net] for net in order], [1.0] * len(order), offsets)
    last = start + room - 1
    low, found = start, {}
    for at, (net, place) in enumerate(zip(order, places, strict=True)):
        column = min(max(int((place + 0.5) // 1), low), max(last - gap * (len(order) - 1 - at), start))
        found[box, net] = column
        low = column + gap
    return found


def _waits(runs: Runs) -> dict[Key, list[Key]]:
    """Return for each run those that have to come first.

    A line that comes down a column must have turned off before another turns down into it.
    """
    starting: dict[int, list[Key]] = {}
    for key in _sides(runs):
        for x in sorted(runs[key][0]):
            starting.setdefault(x, []).append(key)
    return {
        key: [other for end in sorted(runs[key][1]) for other in starting.get(end, ()) if other != key]
        for key in runs
    }


def _detours(runs: Runs, straight: set[int]) -> dict[Key, int]:
    """Return a free column for each run that has to step aside, and split these runs in two.

    Two lines that change columns with each other can't both turn off first.

    Args:
        runs: between two layers; changed.
        straight: columns of lines that do not run across there.
    """
    taken = {x for ends in runs.values() for columns in ends for x in columns} | straight
    found: dict[Key, int] = {}
    while (key := _in_circle(_waits(runs))) is not None:
        from_xs, to_xs = runs[key]
        middle = round(sum(from_xs) / len(from_xs))
        aside = next(x for far in count(1) for x in (middle + far, middle - far) if x not in taken)
        taken.add(aside)
        found[key] = aside
        runs[key] = from_xs, {aside}
        runs[*key[:2], 1] = {aside}, to_xs
    return found


def _in_circle(waits: Mapping[Key, Sequence[Key]]) -> Key | None:
    """Return a run that waits for itself, by others; not the second half of one that was split, or None."""
    done: set[Key] = set()
    for start in waits:
        way: dict[Key, int] = {start: 0} if start not in done else {}
        while way:
            key, at = next(reversed(way.items()))
            if at == len(waits[key]):
                way.pop(key)
                done.add(key)
                continue
            way[key] = at + 1
            other = waits[key][at]
            if _of_one_line(key, other) or other in done:
                continue
            if other in way:
                circle = list(way)[list(way).index(other) :]
                return next((one for one in circle if not one[2]), None)
            way[other] = 0
    return None


def _of_one_line(key: Key, other: Key) -> bool:
    return key[:2] == other[:2]


def _sides(runs: Runs) -> list[Key]:
    """Return runs in an order with few crossings.

    What goes left comes from the left first, what goes right from the right first: these do not cross.
    """

    def side(key: Key) -> tuple[bool, float, Key]:
        from_xs, to_xs = runs[key]
        first = min(from_xs)
        right = sum(to_xs) / len(to_xs) > sum(from_xs) / len(from_xs)
        return right, -first if right else first, key

    return sorted(runs, key=side)


def _row_order(runs: Runs, detours: Mapping[Key, int]) -> dict[Key, float]:
    """Return for each run its place between two layers, 0 to 10.

    So that no line runs down another's column.

    Args:
        runs: between two layers.
        detours: those that come before their second half.
    """
    waits = _waits(runs)
    for key in detours:
        second = (*key[:2], 1)
        waits[key] = [other for other in waits[key] if other != second]
        waits[second] = [key, *waits[second]]
    done: dict[Key, None] = {}
    on_way: set[Key] = set()
    for key in _sides(runs):
        todo = [key]
        while todo:
            here = todo[-1]
            on_way.add(here)
            before = next((one for one in waits[here] if one not in done and one not in on_way), None)
            if before is not None:
                todo.append(before)
            else:
                todo.pop()
                done[here] = None
    return {key: 1 + 8 * (at + 1) / (len(done) + 1) for at, key in enumerate(done)}
