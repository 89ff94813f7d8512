"""Layout engines behind one question: layers, places and routes.

The engines know two directions only: *along* the flow of the data and *across* it. `graphlay` (Rust) answers in
units of which `UNITS` make a cell; `layered.py` is our own, simpler one for where graphlay can't be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from workbench.picture.layout.layered import answer_own, passing_places
from workbench.picture.layout.request import MANY_INPUTS, Answer, Request
from workbench.picture.layout.routing import Spot, Way, route, to_cells

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
    for size in request.across:
        graph.node(width=size * UNITS, height=_ALONG)
    for source, target in request.edges:
        graph.edge(source, target)
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


def _rerouted(request: Request, found: Any) -> Answer:
    """Return graphlay's boxes and passing lines on whole cells, lines drawn anew.

    graphlay keeps lines clear of each other in its own units; on cells they would touch here and there.
    """
    middles = [node["center"]["y"] for node in found.nodes]
    levels = sorted(set(middles))
    layer_at = {y: layer for layer, y in enumerate(levels)}
    spots = [
        Spot(layer_at[y], size, box, x=node["center"]["x"] / UNITS - (0.5 if size % 2 else 1.0))
        for box, (node, y, size) in enumerate(zip(found.nodes, middles, request.across, strict=True))
    ]
    turned = [spots[source].layer > spots[target].layer for source, target in request.edges]
    edges = [pair[::-1] if back else pair for pair, back in zip(request.edges, turned, strict=True)]
    ways: list[list[int]] = [[] for _ in edges]
    shared: dict[tuple[int, int], int] = {}
    # the longest edge of a box says where its line goes; the shorter ones leave it on the way
    for number in sorted(range(len(edges)), key=lambda at: -spots[edges[at][1]].layer):
        upper, lower = edges[number]
        points = [(point["x"], point["y"]) for point in found.edges[number]["points"]]
        way = [upper]
        for layer in range(spots[upper].layer + 1, spots[lower].layer):
            key = (-1 - number if turned[number] else upper, layer)
            if key not in shared:
                shared[key] = len(spots)
                spots.append(Spot(layer, 1, -1, x=_at(points, levels[layer]) / UNITS - _HALF))
            way.append(shared[key])
        ways[number] = [*way, lower]
    rows: list[list[Spot]] = [[] for _ in levels]
    for spot in spots:
        rows[spot.layer].append(spot)
    for row in rows:
        row.sort(key=lambda spot: spot.x)
        to_cells(request, row, slack=1)
    return route(request, Way(spots, ways, edges, turned), "graphlay")


def _at(points: Sequence[tuple[float, float]], y: float) -> float:
    """Return where a line passes a layer."""
    for (x, from_y), (_, to_y) in pairwise(points):
        if min(from_y, to_y) <= y <= max(from_y, to_y) and from_y != to_y:
            return x
    return points[-1][0]


def in_loops(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Return for each edge whether it is part of a cycle.

    Then its ends are in one strongly connected component.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        after[source].append(target)
        before[target].append(source)
    finished: list[int] = []
    seen = [False] * count
    for start in range(count):
        todo = [(start, iter(after[start]))] if not seen[start] else []
        seen[start] = True
        while todo:
            box, rest = todo[-1]
            following = next((other for other in rest if not seen[other]), None)
            if following is None:
                finished.append(box)
                todo.pop()
            else:
                seen[following] = True
                todo.append((following, iter(after[following])))
    component = [-1] * count
    for start in reversed(finished):
        stack = [start] if component[start] < 0 else []
        while stack:
            box = stack.pop()
            if component[box] < 0:
                component[box] = start
                stack.extend(other for other in before[box] if component[other] < 0)
    return [component[source] == component[target] for source, target in edges]


def max_fan_in(request: Request) -> int:
    """Return the most edges that end at one box."""
    counts: dict[int, int] = {}
    for _, target in request.edges:
        counts[target] = counts.get(target, 0) + 1
    return max(counts.values(), default=0)
