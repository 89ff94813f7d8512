"""Layouts hold what a picture needs, on models, on random graphs, for both engines; and they can be cut off."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.picture.geometry import layout_faults
from tests.picture.graphs import hub
from tests.timing import FOREVER, ends
from tests.zoo.example import Example
from workbench.model import open_model
from workbench.picture.layout.geometry import CutOff, Detail, Direction, Layout
from workbench.picture.layout.layout import SMALL, lay_out, lay_out_within
from workbench.picture.layout.placed import count_crossings
from workbench.picture.render.canvas import Canvas
from workbench.picture.scene.build import build_scene
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

ENGINES = ("graphlay", "own")
MODELS = ("keras_dense", "keras_lstm", "keras_attention", "tf2_nested_functions", "v1_while", "v1_map_fn")


def scene_of(count: int, pairs: list[tuple[int, int]], frames: tuple[Frame, ...] = ()) -> Scene:
    nodes = tuple(Node(f"n{at}", "Op" * (at % 5 + 1), f"name_{at}") for at in range(count))
    edges = tuple(Edge(f"n{source}", f"n{target}", "float32 [?,4]") for source, target in pairs)
    return Scene(nodes, edges, frames=frames)


@st.composite
def nested_scenes(draw: st.DrawFn) -> Scene:
    """Boxes in opened scopes, those in others, with edges from any box to any other."""
    scene = draw(scenes())
    count = draw(st.integers(1, 5))
    around = [draw(st.sampled_from([None, *range(at)])) for at in range(count)]
    frames = tuple(
        Frame(
            f"f{at}", "scope" * (at + 1), f"f{at}", frame=None if outer is None else f"f{outer}", scope=True
        )
        for at, outer in enumerate(around)
    )
    homes = st.sampled_from([None, *(frame.id for frame in frames)])
    nodes = tuple(replace(node, frame=draw(homes)) for node in scene.nodes)
    return Scene(nodes, scene.edges, frames=frames)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    count = draw(st.integers(1, 24))
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    pairs = draw(st.lists(ends, max_size=40, unique=True))
    forward = draw(st.booleans())
    kept = {(min(pair), max(pair)) if forward else pair for pair in pairs if pair[0] != pair[1]}
    return scene_of(count, sorted(kept))


@pytest.mark.parametrize("engine", ENGINES)
@given(scene=scenes(), detail=st.sampled_from(["full", "compact", "tiny"]))
def test_no_line_touches_a_box_or_runs_over_another(engine: str, scene: Scene, detail: str) -> None:
    assert layout_faults(lay_out(scene, detail=detail, engine=engine)) == []  # type: ignore[arg-type]


@given(scene=scenes(), detail=st.sampled_from(["full", "compact", "tiny"]))
def test_to_the_right_as_well(scene: Scene, detail: Literal["full", "compact", "tiny"]) -> None:
    layout = lay_out(scene, direction="right", detail=detail, engine="graphlay")
    assert layout_faults(layout) == []


@pytest.mark.parametrize("engine", ENGINES)
@given(
    scene=nested_scenes(),
    detail=st.sampled_from(["full", "compact", "tiny"]),
    direction=st.sampled_from(["down", "right"]),
)
def test_lines_pass_the_borders_of_opened_scopes(
    engine: str, scene: Scene, detail: Detail, direction: Direction
) -> None:
    layout = lay_out(scene, detail=detail, direction=direction, engine=engine)
    assert len(layout.lines) == len(scene.edges)
    assert layout_faults(layout) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_tiny_box_is_where_its_lines_end(engine: str) -> None:
    layout = lay_out(
        scene_of(6, [(0, 1), (1, 2), (2, 5), (3, 5), (4, 5)]), direction="right", detail="tiny", engine=engine
    )
    boxes = {box.id: box for box in layout.boxes}
    for line in layout.lines:
        for id, (x, y) in ((line.edge.source, line.points[0]), (line.edge.target, line.points[-1])):
            box = boxes[id]
            assert box.y <= y < box.y + box.h
            assert x in (box.x + box.w - 1, box.x - 1)
            if box.h == 1:
                assert y == box.text_at("tiny")[1]
    assert [boxes[f"n{at}"].h for at in range(6)] == [1, 1, 1, 1, 1, 4]
    drawn = Canvas(layout).text()
    assert "[Op]" in drawn and drawn.count("[OpOpOp]") == 1, drawn


@given(scene=scenes())
def test_data_flows_down(scene: Scene) -> None:
    for engine in ENGINES:
        layout = lay_out(scene, engine=engine)
        graph = nx.DiGraph([(edge.source, edge.target) for edge in scene.edges])
        component = {id: at for at, ids in enumerate(nx.strongly_connected_components(graph)) for id in ids}
        looped = {edge for edge in scene.edges if component[edge.source] == component[edge.target]}
        places = {box.id: box for box in layout.boxes}
        for line in layout.lines:
            if line.edge not in looped:
                assert places[line.edge.source].y < places[line.edge.target].y


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_scene_gives_the_same_layout(engine: str) -> None:
    scene = scene_of(24, [(a, b) for a in range(24) for b in range(a + 1, 24) if (a * b) % 3 == 1])
    assert len(scene.nodes) + len(scene.edges) > SMALL  # so the last is laid out in a process
    one, other = lay_out(scene, engine=engine), lay_out(scene, engine=engine)
    assert (one.boxes, one.lines) == (other.boxes, other.lines)
    if engine == "graphlay":
        elsewhere = lay_out_within(scene, 30, engine=engine)
        assert isinstance(elsewhere, Layout)
        assert (elsewhere.boxes, elsewhere.lines) == (one.boxes, one.lines)


def test_a_chain_is_a_straight_line() -> None:
    for engine in ENGINES:
        layout = lay_out(scene_of(9, [(at, at + 1) for at in range(8)]), engine=engine)
        assert all(len(line.points) == 2 for line in layout.lines)
        assert layout.crossings == 0


def test_crossings_are_counted_where_lines_cross() -> None:
    # three above, three below, all linked: no plane drawing without a crossing
    layout = lay_out(scene_of(6, [(a, b) for a in range(3) for b in range(3, 6)]))
    assert layout.crossings == count_crossings(layout.lines) > 0
    fork = lay_out(scene_of(5, [(0, 1), (0, 2), (0, 3), (0, 4)]))
    assert fork.crossings == 0


def test_a_bus_into_a_hub_keeps_the_hub_narrow() -> None:
    scene = build_scene(hub(60), max_boxes=200)
    layout = lay_out(scene, detail="compact")
    assert layout_faults(layout) == []
    (box,) = [box for box in layout.boxes if box.lines[0].startswith("AddN")]
    assert box.w < 60


def test_labels_are_beside_their_lines_and_on_nothing() -> None:
    layout = lay_out(scene_of(6, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (3, 5)]))
    written = [line for line in layout.lines if line.label_at is not None]
    assert written
    taken = {
        (x, y)
        for box in layout.boxes
        for x in range(box.x, box.x + box.w)
        for y in range(box.y, box.y + box.h)
    }
    for line in written:
        assert line.label_at is not None
        x, y = line.label_at
        cells = {(at, y) for at in range(x, x + len(line.edge.label))}
        assert not cells & taken
        taken |= cells
        assert x >= 0 and x + len(line.edge.label) <= layout.width


def test_a_frame_holds_what_is_in_it() -> None:
    frames = (Frame("f", "While  loop", "f"), Frame("g", "body", "f", frame="f"))
    inner = [Node("a", "Add", frame="g"), Node("b", "Mul", frame="g")]
    outer = [Node("x", "Input"), Node("y", "Output")]
    edges = (Edge("x", "f"), Edge("a", "b"), Edge("f", "y"))
    layout = lay_out(Scene((*inner, *outer), edges, frames=frames))
    assert layout_faults(layout) == []
    places = {box.id: box for box in layout.boxes}
    for inside, around in (("a", "g"), ("b", "g"), ("g", "f")):
        box, frame = places[inside], places[around]
        assert frame.x < box.x and box.x + box.w < frame.x + frame.w
        assert frame.y < box.y and box.y + box.h < frame.y + frame.h
    assert [box.id for box in layout.boxes].index("f") < [box.id for box in layout.boxes].index("a")


def test_nothing_to_draw() -> None:
    layout = lay_out(Scene((), ()))
    assert (layout.boxes, layout.width, layout.height) == ((), 0, 0)


def test_a_layout_that_takes_too_long_is_cut_off_and_says_so() -> None:
    scene = scene_of(400, [(a, b) for a in range(400) for b in range(a + 1, min(a + 20, 400))])
    found = lay_out_within(scene, 0.2)
    assert isinstance(found, CutOff)
    assert "400 boxes" in found.message and "0.2 s" in found.message and "focus" in found.message
    with ends():
        assert isinstance(lay_out_within(scene, FOREVER, stop=lambda: True), CutOff)


def test_without_graphlay_our_own_engine_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_of(3, [(0, 1), (1, 2)])
    assert lay_out(scene).engine == "graphlay"
    monkeypatch.setitem(sys.modules, "graphlay", None)  # importing it raises ImportError
    assert lay_out(scene).engine == "own"


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, zoo: Callable[[str], Example]) -> None:
    meta = open_model(zoo(name).path).meta
    scene = build_scene(meta)
    opened = build_scene(meta, expanded={node.opens for node in scene.nodes if node.opens})
    for one in (scene, opened, build_scene(meta, show_control=True)):
        for engine in ENGINES:
            assert layout_faults(lay_out(one, engine=engine)) == []
        assert layout_faults(lay_out(one, direction="right", detail="compact")) == []
