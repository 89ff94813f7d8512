"""Layout engines behind one question: which layer is each box in, where across, and by which way go the edges.

The engines know two directions only: *along* the flow of the data and *across* it. `graphlay` (Rust) answers in
units of which `UNITS` make a cell; `layered.py` is our own, simpler one for where graphlay can't be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UNITS = 8.0
_ALONG = 48.0
MANY_INPUTS = 12
"""Above this many edges into one box they join before it, into a bus."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to lay out.

    Attributes:
        across: cells each box takes across the flow, without its border: edges end there only.
        edges: (source, target), indices of boxes; no loops on one box, no pair twice.
        box_gap: free cells between boxes of a layer.
        line_gap: cells from one line to the next, and to a box.
        port_gap: cells from one line to the next where they end at a box.
    """

    across: Sequence[int]
    edges: Sequence[tuple[int, int]]
    box_gap: int
    line_gap: int
    port_gap: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Where things are, roughly: what is next to what is meant, not the distances along the flow.

    Attributes:
        layers: of each box, from 0.
        starts: first cell of each box across the flow, border left out; may be negative.
        routes: for each edge its corners as (across, along), from the source's border to the target's; across
            in cells, along in any unit that grows with the flow. Consecutive corners share one of the two.
        along: for each box where it begins and ends along the flow, in the unit of the routes.
        engine: who answered.
    """

    layers: list[int]
    starts: list[int]
    routes: list[list[tuple[int, float]]]
    along: list[tuple[float, float]]
    engine: str


def answer(request: Request, engine: str | None = None) -> Answer:
    """Lays out with the named engine, or with graphlay if it is there, else with our own."""
    if engine != "own":
        try:
            import graphlay  # noqa: F401
        except ImportError:
            if engine is not None:
                raise
        else:
            return _graphlay(request)
    from workbench.picture.layered import answer_own

    return answer_own(request)


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
        "tuning": {"coords": {"simplex_max_nodes": 40_000, "simplex_max_pivots": 200_000}},
    }
    found = graphlay.layout(graph, options=options)
    starts, along = [], []
    for node, size in zip(found.nodes, request.across, strict=True):
        starts.append(_cell(node["center"]["x"] - size * UNITS / 2))
        half = node["size"]["height"] / 2
        along.append((node["center"]["y"] - half, node["center"]["y"] + half))
    routes = [[(_cell(point["x"]), point["y"]) for point in edge["points"]] for edge in found.edges]
    return Answer([node["rank"] for node in found.nodes], starts, routes, along, "graphlay")


def max_fan_in(request: Request) -> int:
    """The most edges that end at one box."""
    counts: dict[int, int] = {}
    for _, target in request.edges:
        counts[target] = counts.get(target, 0) + 1
    return max(counts.values(), default=0)


def _cell(units: float) -> int:
    return int(units // UNITS + (1 if units % UNITS >= UNITS / 2 else 0))
