"""Layout engines behind one question: layers, places and routes.

The engines know two directions only: *along* the flow of the data and *across* it. `graphlay` (Rust) answers in
units of which `UNITS` make a cell; `layered.py` is our own, simpler one for where graphlay can't be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from workbench.picture.layout.layered import answer_own, passing_places, pinned
from workbench.picture.layout.request import MANY_INPUTS, Answer, Request
from workbench.picture.layout.routing import Spot, Way, net_of, route, to_cells

UNITS = 8.0
_ALONG = 48.0
_HALF = 0.75  # a line over the middle of a box gets the column of its middle, be the box odd or even
_MANY_PLACES = 8_000


def answer(request: Request, engine: str | None = None) -> Answer:
    """Lay out with the named engine, else with graphlay, else with our own.

    Where very many long edges pass very many layers, ours is plainer and much faster: edges of one box share
    their way from the start.
    """
    if engine == "own":
        return answer_own(request)
    try:
        import graphlay  # noqa: F401
    except ImportError:
        if engine is not None:
            raise
        return answer_own(request)
    if engine is None and passing_places(request) > _MANY_PLACES:
        return answer_own(request)
    return _graphlay(request)


def _graphlay(request: Request) -> Answer:
    import graphlay

    graph = graphlay.Graph()
    ranks = {-1: "first", 1: "last"}
    for box, size in enumerate(request.across):
        rank = {"rank": ranks[request.pins[box]]} if box in request.pins else {}
        graph.node(width=size * UNITS, height=_ALONG, **rank)
    for number, (upper, lower) in enumerate(request.forward):
        graph.edge(upper, lower, **_ports(request, number, upper, lower))
    fan_in = max_fan_in(request)
    options = {
        "direction": "topbottom",
        "spacing": {
            "layer_gap": 64.0,
            "node_gap": (request.box_gap + 2) * UNITS,
            "dummy_gap": request.line_gap * UNITS,
            "port_gap": request.port_gap * UNITS,
            "isolated_gap": (request.box_gap + 2) * UNITS,
            "port_stroke_clear": UNITS,
            "bundle_lane_gap": request.port_gap * UNITS,
        },
        "routing": {
            "port_sides": "facing_only",
            "merge_edges": "both" if fan_in > MANY_INPUTS else "forks",
            "lane_gap": 16.0,
        },
        "tuning": {
            "coords": {"simplex_max_nodes": 40_000, "simplex_max_pivots": 200_000},
            # polish of lines that are drawn anew anyway; on a hub of 300 edges it takes half a minute
            "routing": {"port_relax_rounds": 0, "overlap_repair_rounds": 0},
        },
    }
    found = graphlay.layout(graph, options=options)
    return _rerouted(request, found)


def _half(request: Request, box: int) -> float:
    """Return how far the column of a box's middle begins before its middle; a line's if only lines pass there."""
    if box in request.pins:
        return _HALF
    return 0.5 if request.across[box] % 2 else 1.0


def _ports(request: Request, edge: int, upper: int, lower: int) -> dict[str, Any]:
    """Return where an edge has to end, in graphlay's words."""
    found: dict[str, Any] = {}
    for name, side, box in (("source_port", "bottom", upper), ("target_port", "top", lower)):
        cell = request.fixed(edge, upper=box == upper)
        if cell is not None:
            found[name] = {"offset": {"side": side, "t": (cell + 0.5) / request.across[box]}}
    return found


def _rerouted(request: Request, found: Any) -> Answer:
    """Return graphlay's boxes and passing lines on whole cells, lines drawn anew.

    graphlay keeps lines clear of each other in its own units; on cells they would touch here and there.
    """
    middles = [node["center"]["y"] for node in found.nodes]
    levels = sorted(set(middles))
    layer_at = {y: layer for layer, y in enumerate(levels)}
    layers, shift = pinned([layer_at[y] for y in middles], request)
    levels = [*levels[:shift], *levels, *levels[-1:]]
    spots = [
        Spot(layers[box], size, box, x=node["center"]["x"] / UNITS - _half(request, box))
        for box, (node, size) in enumerate(zip(found.nodes, request.across, strict=True))
    ]
    edges = request.forward
    ways: list[list[int]] = [[] for _ in edges]
    shared: dict[tuple[int, int], int] = {}
    # the longest edge of a box says where its line goes; the shorter ones leave it on the way
    for number in sorted(range(len(edges)), key=lambda at: -spots[edges[at][1]].layer):
        upper, lower = edges[number]
        points = [(point["x"], point["y"]) for point in found.edges[number]["points"]]
        way = [upper]
        for layer in range(spots[upper].layer + 1, spots[lower].layer):
            key = (net_of(request, number), layer)
            if key not in shared:
                shared[key] = len(spots)
                spots.append(Spot(layer, 1, -1, x=_at(points, levels[layer]) / UNITS - _HALF))
            way.append(shared[key])
        ways[number] = [*way, lower]
    rows: list[list[Spot]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for spot in spots:
        rows[spot.layer].append(spot)
    for row in rows:
        row.sort(key=lambda spot: spot.x)
        to_cells(request, row, slack=1)
    _straighten(request, spots, ways, rows)
    return route(request, Way(spots, ways, edges, request.turned), "graphlay")


def _straighten(
    request: Request, spots: Sequence[Spot], ways: Sequence[Sequence[int]], rows: Sequence[Sequence[Spot]]
) -> None:
    """Move pinned boxes into the column of the only thing that they are linked to, where there is room."""
    linked: dict[int, set[int]] = {}
    for way in ways:
        linked.setdefault(way[0], set()).add(way[1])
        linked.setdefault(way[-1], set()).add(way[-2])
    for box in request.pins:
        if len(linked.get(box, ())) == 1:
            (other,) = linked[box]
            spots[box].x = spots[other].x
    for row in rows:
        if any(spot.box in request.pins for spot in row):
            to_cells(request, row, slack=1)


def _at(points: Sequence[tuple[float, float]], y: float) -> float:
    """Return where a line passes a layer."""
    for (x, from_y), (_, to_y) in pairwise(points):
        if min(from_y, to_y) <= y <= max(from_y, to_y) and from_y != to_y:
            return x
    return points[-1][0]


def max_fan_in(request: Request) -> int:
    """Return the most edges that end at one box."""
    counts: dict[int, int] = {}
    for _, target in request.edges:
        counts[target] = counts.get(target, 0) + 1
    return max(counts.values(), default=0)
