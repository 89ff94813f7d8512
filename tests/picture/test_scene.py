"""What is drawn: calls opened, plumbing folded, scopes closed, the seam found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.picture.geometry import scene_faults
from tests.picture.graphs import chain, hub, meta_of
from tests.zoo.example import Example
from workbench.errors import UnknownName
from workbench.model import open_model
from workbench.picture.scene.build import build_scene, find_seam
from workbench.picture.scene.scene import Node, Scene
from workbench.surgery.draft import apply
from workbench.surgery.plan import Plan


def titles(scene: Scene) -> list[str]:
    return [node.title for node in scene.nodes]


@pytest.fixture(scope="module")
def merged(sample_models: Path) -> Scene:
    plan = Plan.join(
        img=sample_models / "image_base64", digits=sample_models / "digits", wires=["pixels=myInput"]
    )
    meta = apply(plan).meta
    owners = {"img": "img", "digits": "digits"}
    assert find_seam(meta, owners) == {"digits/myInput"}
    return build_scene(meta, owners=owners, seam=find_seam(meta, owners))


def frames_of(scene: Scene, node: Node) -> list[str]:
    """The frames around a box, innermost first."""
    found, frames = [], {frame.id: frame for frame in scene.frames}
    at = node.frame
    while at is not None:
        found.append(at)
        at = frames[at].frame
    return found


def test_the_story_in_one_picture(merged: Scene) -> None:
    assert titles(merged) == [
        "base64_input", "DecodeBase64", "DecodePng", "Cast", "Mul", "ExpandDims", "ResizeBilinear", "Squeeze",
        "Reshape", "Identity", "MatMul", "AddV2", "Softmax", "myOutput",
    ]  # fmt: skip
    assert not scene_faults(merged)
    assert merged.owners == ("img", "digits")
    assert [node.owner for node in merged.nodes] == ["img"] * 9 + ["digits"] * 5
    assert [node.title for node in merged.nodes if node.seam] == ["Identity"]
    (seam,) = [edge for edge in merged.edges if edge.seam]
    assert (seam.source, seam.target, seam.label) == ("img/pixels", "digits/myInput", "float32 [1,784]")


def test_weights_and_constants_are_told_where_they_are_used(merged: Scene) -> None:
    facts = {node.title: node.facts for node in merged.nodes}
    assert facts["MatMul"] == (("variable", "softmax/weights float32 [784,10]"),)
    assert facts["ResizeBilinear"] == (("constant", "size = [28, 28]"),)
    assert facts["Mul"] == (("constant", "y = 0.003922"),)
    matmul = next(node for node in merged.nodes if node.title == "MatMul")
    assert "digits/softmax/weights" in matmul.folded
    assert [node.title for node in merged.search("softmax/weights")] == ["MatMul"]


def test_the_savers_nodes_are_not_there(merged: Scene) -> None:
    assert not any("save/" in node.path or "Initializer" in node.path for node in merged.nodes)


def test_an_input_that_is_an_output_too() -> None:
    def build(graph):
        graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1

    meta = meta_of(build, {"x": "x:0"}, {"y": "x:0"})
    scene = build_scene(meta)
    assert [(node.kind, node.title) for node in scene.nodes] == [("input", "x"), ("output", "y")]
    assert len(scene.edges) == 1


def test_frames_stand_in_the_order_of_the_data() -> None:
    meta = chain(1200, scope="block_{}/layer_{}/")
    opened = build_scene(meta, expanded={f"block_{number}" for number in range(12)})
    assert [frame.title for frame in opened.frames] == [f"block_{number}" for number in range(12)]


def test_a_large_chain_is_collapsed_level_by_level() -> None:
    meta = chain(1200, scope="block_{}/layer_{}/")  # 12 blocks of 20 layers of 5 nodes
    scene = build_scene(meta)
    assert titles(scene) == ["x", *(f"block_{number}" for number in range(12)), "y"]
    assert [node.count for node in scene.nodes][1:13] == [100] * 12
    block = scene.nodes[2]
    opened = build_scene(meta, expanded={block.opens or ""})
    inside = [node for node in opened.nodes if node.inside == (block.opens,)]
    assert len(inside) == 20 and all(node.kind == "scope" and node.count == 5 for node in inside)
    closed = build_scene(meta, expanded={block.opens or ""}, collapsed={inside[0].inside[-1]})
    assert titles(closed) == titles(scene)


def test_names_that_say_nothing_are_cut_into_stretches() -> None:
    scene = build_scene(chain(1200))
    assert 10 < len(scene.nodes) < 60
    assert not scene_faults(scene)
    middle = [node.title for node in scene.nodes if node.kind == "scope"]
    assert middle[0].startswith("part 1 of ")
    # stretches follow each other: collapsing them made no loop
    order = {node.id: at for at, node in enumerate(scene.nodes)}
    assert all(order[edge.source] < order[edge.target] for edge in scene.edges)


def test_few_boxes_are_not_collapsed() -> None:
    scene = build_scene(chain(28, scope="a_{}/b_{}/"))
    assert len(scene.nodes) == 30 and not any(node.kind == "scope" for node in scene.nodes)


def test_focus_is_a_neighbourhood() -> None:
    meta = chain(1200, scope="block_{}/layer_{}/")
    scene = build_scene(meta, focus="block_2/layer_41/Relu_205", hops=2)
    assert [node.path.rpartition("_")[2] for node in scene.nodes] == ["203", "204", "205", "206", "207"]
    with pytest.raises(UnknownName) as raised:
        build_scene(meta, focus="Relu_9999")
    assert "Relu" in str(raised.value)


def test_focus_on_what_is_folded_is_its_consumer(sample_models: Path) -> None:
    scene = build_scene(open_model(sample_models / "digits").meta, focus="softmax/weights", hops=0)
    assert titles(scene) == ["MatMul"]


def test_labels_are_unique_on_a_hub() -> None:
    scene = build_scene(hub(120))
    assert not scene_faults(scene)


def test_an_unknown_signature_root_and_function_are_named(sample_models: Path) -> None:
    meta = open_model(sample_models / "digits").meta
    for options in ({"signature": "nope"}, {"roots": ["nope"]}, {"function": "nope"}):
        with pytest.raises(UnknownName):
            build_scene(meta, **options)  # type: ignore[arg-type]


def test_roots_may_be_given(sample_models: Path) -> None:
    scene = build_scene(open_model(sample_models / "digits").meta, roots=["MatMul"])
    assert titles(scene) == ["myInput", "MatMul"]


def test_dense_layers_read_as_a_book_has_them(zoo: Callable[[str], Example]) -> None:
    scene = build_scene(open_model(zoo("keras_dense").path).meta)
    assert [node.title for node in scene.nodes if node.kind == "op"] == [
        "MatMul", "BiasAdd", "Relu", "MatMul", "BiasAdd",
    ]  # fmt: skip
    assert [" ".join(text.split()[-2:]) for node in scene.nodes for _, text in node.facts] == [
        "float32 [4,6]", "float32 [6]", "float32 [6,4]", "float32 [4]",
    ]  # fmt: skip


def test_functions_are_called_by_the_names_they_were_given(zoo: Callable[[str], Example]) -> None:
    scene = build_scene(open_model(zoo("tf2_nested_functions").path).meta)
    labels = {node.label for node in scene.nodes} | {frame.title for frame in scene.frames}
    assert sorted(frame.title for frame in scene.frames) == ["fourth", "fourth", "second", "third"]
    assert {"Sin", "MatMul", "Sub"} <= labels
    assert not any("PartitionedCall" in label for label in labels)


def test_a_loop_is_a_box_that_opens_into_frames(zoo: Callable[[str], Example]) -> None:
    meta = open_model(zoo("keras_lstm").path).meta
    closed = build_scene(meta)
    (loop,) = [node for node in closed.nodes if node.kind == "call"]
    assert loop.title == "While" and loop.opens == loop.id
    scene = build_scene(meta, expanded={loop.id})
    assert not scene_faults(scene)
    assert [frame.title for frame in scene.frames if frame.frame == loop.id] == ["body", "cond"]
    body = next(frame for frame in scene.frames if frame.title == "body")
    weights = [
        text
        for node in scene.nodes
        if body.id in frames_of(scene, node)
        for label, text in node.facts
        if label == "variable"
    ]
    assert len(weights) == 3  # kernel, recurrent kernel and bias, told inside although they come as arguments
    assert {edge.target for edge in scene.edges} & {loop.id}


def test_v1_loops_are_cycles(zoo: Callable[[str], Example]) -> None:
    scene = build_scene(open_model(zoo("v1_while").path).meta)
    assert titles(scene).count("Merge") == 2
    edges = {(edge.source, edge.target) for edge in scene.edges}
    assert ("while/NextIteration_1", "while/Merge_1") in edges


def test_control_edges_only_when_asked(zoo: Callable[[str], Example]) -> None:
    meta = open_model(zoo("tf2_prints").path).meta
    hidden, shown = build_scene(meta), build_scene(meta, show_control=True)
    assert not any(edge.control for edge in hidden.edges)
    assert any(edge.control for edge in shown.edges)
    assert any("control inputs are hidden" in note for note in hidden.notes)
    assert len(shown.nodes) > len(hidden.nodes)


@pytest.mark.exhaustive
def test_blocks_of_a_network_are_found_by_their_names(zoo: Callable[[str], Example]) -> None:
    scene = build_scene(open_model(zoo("keras_mobilenet_v2").path).meta)
    blocks = [node.title for node in scene.nodes if node.title.startswith("block_")]
    assert blocks == [f"block_{number}" for number in range(1, 17)]
    assert not scene_faults(scene)
    whole = build_scene(open_model(zoo("keras_mobilenet_v2").path).meta, max_boxes=1000)
    assert not any(node.kind == "scope" for node in whole.nodes)
    assert sum(node.title in ("Conv2D", "DepthwiseConv2dNative") for node in whole.nodes) == 52


def test_what_was_cut_off_is_not_taken_for_a_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.picture.scene.flat.MAX_ITEMS", 30)
    scene = build_scene(chain(100))
    assert any("Only the 30 nodes nearest" in note for note in scene.notes)
    assert sum("Relu" in node.title for node in scene.nodes) > 20


def test_focus_on_a_closed_box_of_a_group_shows_what_is_in_it() -> None:
    """Boxes alike are put in groups `conv0*` that are in no name: what is in a box is known, not guessed from names."""
    meta = chain(600, "net/conv{0}_block{1}_")
    box = next(node for node in build_scene(meta).nodes if node.id == "net/conv0*/conv0_block1*")
    near = build_scene(meta, focus=box.id, hops=1)
    assert [node.path for node in near.nodes] == [
        "net/conv0_block0_Relu_4",
        *(f"net/conv0_block1_Relu_{number}" for number in range(5, 10)),
        "net/conv0_block2_Relu_10",
    ]


def test_only_the_ways_between_two_nodes() -> None:
    def build(graph: Any) -> None:
        graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
        for name, *inputs in (
            ("a", "x"),
            ("b", "a"),
            ("c", "a"),
            ("d", "b"),
            ("side", "x"),
            ("y", "d", "c", "side"),
        ):
            one = graph.node.add(name=name, op="AddN" if len(inputs) > 1 else "Relu")
            one.attr["T"].type = 1
            if len(inputs) > 1:
                one.attr["N"].i = len(inputs)
            one.input.extend(inputs)

    meta = meta_of(build, {"in": "x:0"}, {"out": "y:0"})

    def drawn(**ends: str) -> set[str]:
        return {node.id for node in build_scene(meta, **ends).nodes if node.kind == "op"}  # type: ignore[arg-type]

    assert drawn(source="a", target="y") == {"a", "b", "c", "d", "y"}
    assert drawn(source="b", target="y") == {"b", "d", "y"}
    assert drawn(source="b") == {"b", "d", "y"}
    assert drawn(target="d") == {"a", "b", "d"}
    assert "Only what is on the way from b to y is drawn." in build_scene(meta, source="b", target="y").notes
    with pytest.raises(UnknownName, match="No data flows from 'd' to 'c'"):
        build_scene(meta, source="d", target="c")
    with pytest.raises(UnknownName, match="nothing called 'q'"):
        build_scene(meta, source="q")


def test_a_box_is_named_by_its_title() -> None:
    meta = chain(400, "block_{0}/part_{1}/")
    near = build_scene(meta, source="block_1", target="block_2", max_boxes=60)
    numbers = [int(node.id.rpartition("_")[2]) for node in near.nodes if node.kind == "op"]
    assert numbers == list(range(100, 300))
    with pytest.raises(UnknownName):
        build_scene(meta, source="block_9")
