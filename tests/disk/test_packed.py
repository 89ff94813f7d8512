"""Functions with their bodies apart: the bytes and the message are those of the model with the bodies in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protos import function, node
from workbench.disk import schema
from workbench.disk.serialized.packed import PackedBody, PackedModel
from workbench.model import MetaGraph


def body(names: list[str]) -> PackedBody:
    made = PackedBody()
    for name in names:
        made.add().CopyFrom(node(name, "Const", dtype=1))
    return made


def model(*functions: schema.FunctionDef, rich: bool = True) -> schema.SavedModel:
    """A model with something before and behind everything that is on the way to a body."""
    made = schema.SavedModel(saved_model_schema_version=1)
    meta = made.meta_graphs.add()
    meta.graph_def.library.function.extend(functions)
    if rich:
        meta.meta_info_def.tags.append("serve")
        meta.graph_def.node.add(name="x", op="Placeholder")
        meta.graph_def.library.gradient.add(function_name="f", gradient_func="g")
        meta.graph_def.versions.producer = 1882
        meta.saver_def.save_tensor_name = "save"
        meta.signature_def["serving_default"].inputs["x"].name = "x:0"
    return made


def head(name: str) -> schema.FunctionDef:
    made = function(name, ["x"], returns={"y": "n0:output:0"})
    made.attr["_construction_context"].s = b"kEagerRuntime"
    return made


def with_body(name: str, names: list[str]) -> schema.FunctionDef:
    made = head(name)
    made.node_def.extend(node(one, "Const", dtype=1) for one in names)
    return made


MANY = [f"n{number}" for number in range(1000)]


@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_bytes_and_message_are_those_of_the_whole(count: int, rich: bool) -> None:
    names = MANY[:count]
    before, after = with_body("before", ["a"]), with_body("after", [])
    whole = model(before, with_body("packed", names), after, rich=rich)
    packed = PackedModel(model(before, head("packed"), after, rich=rich), {"packed": body(names)})
    assert packed.serialize() == whole.SerializeToString(deterministic=True)
    assert packed.unpack() == whole
    assert packed.serialize() == whole.SerializeToString(deterministic=True)


def test_functions_share_a_body() -> None:
    shared = body(MANY[:300])
    packed = PackedModel(model(head("f"), head("g")), {"f": shared, "g": shared})
    whole = model(with_body("f", MANY[:300]), with_body("g", MANY[:300]))
    assert packed.serialize() == whole.SerializeToString(deterministic=True)
    assert packed.unpack() == whole


def test_a_body_counts_and_gives_its_nodes() -> None:
    made = body(MANY[:600])
    assert len(made) == 600
    assert [one.name for one in made] == MANY[:600] == [one.name for one in made]
    assert made.ops == {"Const": 600}


def test_a_view_counts_ops_without_unpacking() -> None:
    message = model(head("f"), with_body("g", ["a", "b"]))
    packed = PackedModel(message, {"f": body(MANY[:300])})
    (meta,) = message.meta_graphs
    view = MetaGraph(meta, packed=packed)
    assert view.ops == {"Placeholder": 1, "Const": 302}
    assert list(view.nodes) == ["x"] and view.signature().inputs["x"].tensor == "x:0"
    assert view.tags == ("serve",) and view.node_tensor("x") is not None
    assert packed.bodies, "nobody looked at a function yet"


@pytest.mark.parametrize(
    "look",
    [
        lambda view: view.functions["f"],
        lambda view: view.graph.library.function[0],
        lambda view: view.proto.graph_def.library.function[0],
    ],
)
def test_who_looks_at_a_function_finds_its_nodes(look: Callable[[MetaGraph], Any]) -> None:
    message = model(head("f"))
    (meta,) = message.meta_graphs
    view = MetaGraph(meta, packed=PackedModel(message, {"f": body(MANY[:300])}))
    assert [one.name for one in look(view).node_def] == MANY[:300]
    assert view.ops == {"Placeholder": 1, "Const": 300}
