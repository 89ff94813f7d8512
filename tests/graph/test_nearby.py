"""Facts of single tensors agree with those of a whole analysis, and stay near where a graph is long."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.graph.test_shape_inference import looped
from tests.protos import Shape, graph, meta_graph, node
from workbench.graph.level import Level, Value
from workbench.graph.nearby import NearbyFlow
from workbench.graph.shape_inference.flow import BatchFlow
from workbench.graph.shape_inference.sizes import Facts
from workbench.model import MetaGraph

FLOAT = 1
MODELS = sorted(path.parent for path in wb.sample_models().glob("**/saved_model.pb"))


def whole(meta: MetaGraph) -> dict[tuple[str, ...], Facts]:
    """The facts of every tensor of the main graph and of the functions that it calls directly."""
    batch = BatchFlow(meta, None)
    main = batch.follow({}, meta.nodes)
    found = {("", name, str(index)): facts for (name, index), facts in main.facts.items()}
    for (call, label), key in main.calls.items():
        for (name, index), facts in batch.flows[key].facts.items():
            found[f"{call}[{label}]", name, str(index)] = facts
    return found


def single(meta: MetaGraph) -> dict[tuple[str, ...], Facts]:
    """The same, each asked for alone, the last nodes first."""
    nearby, root = NearbyFlow(meta), Level.of(meta)
    levels = {"": root}
    for one in root.nodes.values():
        for level in root.levels_under(one):
            assert level.call is not None
            levels[f"{one.name}[{level.call.label}]"] = level
    found = {}
    for (path, name, index), _ in reversed(whole(meta).items()):
        facts = nearby.facts(Value(levels[path], name, int(index)))
        if facts is not None:
            found[path, name, index] = facts
    return found


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_what_is_asked_alone_is_what_the_whole_graph_gives(folder: Path) -> None:
    (meta, *_) = wb.open_model(folder).meta_graphs
    assert single(meta) == whole(meta)


@pytest.mark.parametrize("declared", [True, False])
def test_loops_too(declared: bool) -> None:
    assert single(looped(declared)) == whole(looped(declared))


def chain(length: int) -> MetaGraph:
    """A placeholder of 3 rows, then so many Identity nodes; every tenth declares only a vector of any size."""
    nodes = [node("n0", "Placeholder", dtype=FLOAT, shape=Shape([3, 4]))]
    for at in range(1, length):
        declared = {"_output_shapes": [Shape([None, 4])]} if at % 10 == 0 else {}
        nodes.append(node(f"n{at}", "Identity", f"n{at - 1}", T=FLOAT, **declared))
    return MetaGraph(meta_graph(graph(*nodes)))


def test_beyond_the_nearest_ancestors_declared_shapes_count() -> None:
    meta = chain(100)
    nearby, root = NearbyFlow(meta, most=9), Level.of(meta)
    assert nearby.facts(Value(root, "n99")) == Facts((None, 4)), "n90 is 9 away, and counts as declared"
    assert nearby.facts(Value(root, "n95")) == Facts((None, 4)), "what is known stays"
    assert nearby.facts(Value(root, "n8")) == Facts((3, 4))
    assert nearby.facts(Value(root, "n15")) == Facts((3, 4)), "from n8, which is known"
    assert NearbyFlow(meta).facts(Value(root, "n99")) == Facts((3, 4))


def test_a_long_graph_is_not_followed_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []
    follow = NearbyFlow._node
    monkeypatch.setattr(
        NearbyFlow, "_node", lambda self, flow, one: (followed.append(one.name), follow(self, flow, one))
    )
    meta = chain(3000)
    NearbyFlow(meta, most=50).facts(Value(Level.of(meta), "n2999"))
    assert len(followed) == 50
