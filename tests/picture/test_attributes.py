"""The attributes of nodes in words: nodes share them only where they are alike."""

from __future__ import annotations

from typing import Any

from tests.protos import Shape, graph, meta_graph, node
from workbench.disk.schema import AttrValue
from workbench.model import MetaGraph
from workbench.picture.scene.build import build_scene

FLOAT = 1


def rows(*nodes: Any) -> dict[str, dict[str, str]]:
    """The attributes of each box by the node's name."""
    x = node("x", "Placeholder", dtype=FLOAT, shape=Shape([None, 28, 28, 4]))
    last = nodes[-1].name
    meta = MetaGraph(meta_graph(graph(x, *nodes), serving_default=({"x": "x:0"}, {"y": f"{last}:0"})))
    return {one.path: dict(one.attributes) for one in build_scene(meta, whole=True).nodes}


def relu(name: str, before: str, *sizes: int | None) -> Any:
    return node(name, "Relu", before, T=FLOAT, _output_shapes=[Shape(sizes)])


def test_declared_shapes_of_nodes_of_one_op() -> None:
    found = rows(relu("a", "x", None, 2), relu("b", "a", None, 3), relu("c", "b", None, 2))
    assert [found[name]["output 0"] for name in "abc"] == ["float32 [?,2]", "float32 [?,3]", "float32 [?,2]"]


def test_kernels_of_convolutions_that_are_alike_but_for_them() -> None:
    def convolved(name: str, before: str, size: int) -> list[Any]:
        kernel = node(
            f"{name}/kernel", "VariableV2", dtype=FLOAT, shape=Shape([size, size, 4, 4]),
            _output_shapes=[Shape([size, size, 4, 4])],
        )  # fmt: skip
        return [kernel, node(name, "Conv2D", before, f"{name}/kernel", T=FLOAT, padding="SAME")]

    found = rows(*convolved("a", "x", 3), *convolved("b", "a", 5))
    assert [found[name]["kernel size"] for name in "ab"] == ["3×3", "5×5"]


def test_large_attributes_are_not_compared() -> None:
    long = AttrValue(s=b"n" * 3_000)
    found = rows(
        node("a", "Identity", "x", T=FLOAT),
        node("b", "StringFormat", "a", T=AttrValue(list={"type": [FLOAT]}), template=long),
        node("c", "StringFormat", "a", "b", T=AttrValue(list={"type": [FLOAT, 7]}), template=long),
    )
    assert found["b"]["T"] == "[float32]"
    assert found["c"]["T"] == "[float32, string]"
