"""Adapters on the wires of a join: how they are written, what is built, what is refused, and that it is verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.surgery.adapters.test_language import CALLS, TEXTS, TRICKY
from tests.surgery.tiny import Shape, doubler, typed
from workbench.disk import schema
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.adapters.language import Call, print_calls
from workbench.surgery.recipe import load, save
from workbench.surgery.resolve.join import look_up, split_wire
from workbench.surgery.step import parse_step, print_step, to_json

N = None
PICTURES, SMALL = (N, 32, 32, 3), (N, 28, 28, 1)
SHRINK = "resize 28 28 | color RGB>GRAY | scale 1/255"


def joined(
    tmp_path: Path, have: tuple[str, Shape], want: tuple[str, Shape], *wires: Any, **more: Any
) -> wb.Plan:
    """Models `a` and `b` that pass on `x` as `y`, of these types."""
    a, b = typed(tmp_path / "a", *have), typed(tmp_path / "b", *want)
    return wb.Plan.join(a=a, b=b, wires=wires, **more)


def found(plan: wb.Plan, *codes: str) -> list[str]:
    return [str(one) for one in wb.check(plan) if not codes or one.code in codes]


def nodes(draft: wb.Draft) -> dict[str, tuple[str, list[str]]]:
    return {node.name: (node.op, list(node.input)) for node in draft.meta.proto.graph_def.node}


# -- how it is written


@given(TRICKY, TRICKY, st.lists(CALLS, max_size=3).map(tuple))
def test_a_printed_wire_is_parsed_to_the_same(source: str, target: str, calls: tuple[Call, ...]) -> None:
    wire = wb.Connect(source, target, print_calls(calls))
    assert parse_step(print_step(wire)) == wire
    if calls:
        assert wb.Plan.join("a", "b", wires=str(wire)).wires == (wire,)


@given(TEXTS.filter(lambda text: "=" not in text), TEXTS)
def test_a_wire_without_adapters_is_parsed_to_the_same(source: str, target: str) -> None:
    wire = wb.Connect(source, target)
    assert wb.Plan.join("a", "b", wires=str(wire)).wires == (wire,)


def test_the_ways_to_write_a_wire() -> None:
    wire = wb.Connect("pixels", "in put", "pad 3 3 value=1 | scale 1/255")
    texts = ["pixels | pad 3 3 value=1 | scale 1/255 = 'in put'", "pixels|x=y", "a::b:0 | cast int8 = %c:0"]
    wires = wb.Plan.join(
        "a", "b", wires=[texts[0], ("pixels", "in put", wire.through), wire, *texts[1:]]
    ).wires
    assert wires[:3] == (wire,) * 3
    assert wires[3:] == (wb.Connect("pixels|x", "y"), wb.Connect("a::b:0", "%c:0", "cast int8"))
    assert str(wb.Connect("a | b", "c")) == "'a | b' = c"
    assert str(wb.Connect("h@a=b", "c", "squeeze")) == "h@a=b | squeeze = c"
    assert str(wb.Connect("a=b", "=", "squeeze")) == "'a=b' | squeeze = '='"
    assert to_json(wb.Connect("a", "b")) == {"operation": "connect", "source": "a", "target": "b"}
    assert wb.Connect("a", "b", "  ") == wb.Connect("a", "b")
    assert to_json(wire)["through"] == "pad 3 3 value=1 | scale 1/255"


def test_a_wire_of_the_command_line_with_adapters(tmp_path: Path) -> None:
    plan = joined(tmp_path, ("float32", (N, 4)), ("float32", (N, 4)))
    models = {source.handle: open_model(source.path) for source in plan.sources}
    assert split_wire("a@y | scale 2 offset=1 = b@x", plan, models) == wb.Connect(
        "a@y", "b@x", "scale 2 offset=1"
    )
    with pytest.raises(wb.UsageError, match="is not a wire with adapters"):
        split_wire("y | scale 2=x", plan, models)


def test_a_recipe_is_replayed(tmp_path: Path) -> None:
    plan = joined(tmp_path, ("uint8", PICTURES), ("float32", SMALL), ("y", "x", SHRINK))
    join = look_up(plan)
    save(plan, join, tmp_path / "plan.json")
    again = load(tmp_path / "plan.json")
    assert again.wires == (wb.Connect("a@y", "b@x", SHRINK),)
    assert wb.apply(again).serialize() == wb.apply(plan).serialize()
    recipe = json.loads(wb.apply(plan).recipe)
    assert recipe["steps"] == [{"operation": "connect", "source": "a@y", "target": "b@x", "through": SHRINK}]
    plain = json.loads(wb.apply(joined(tmp_path, ("int8", ()), ("int8", ()), "y=x")).recipe)
    assert plain["steps"] == [{"operation": "connect", "source": "a@y", "target": "b@x"}]


# -- what is built


def test_nodes_of_adapters_stand_between(tmp_path: Path) -> None:
    draft = wb.apply(joined(tmp_path, ("uint8", PICTURES), ("float32", SMALL), ("y", "x", SHRINK)))
    built = nodes(draft)
    assert built["connect_0/resize/ResizeBilinear"][1][0] == "a/y"
    assert built["b/x"] == ("Identity", ["connect_0/scale/Mul"])
    assert {name.partition("/")[0] for name in built} == {"a", "b", "connect_0"}
    assert draft.findings == []


def test_an_input_whose_size_only_the_run_can_tell(tmp_path: Path) -> None:
    plan = joined(tmp_path, ("float32", (N, N)), ("float32", (N, 4)), ("y", "x", "scale 2"))
    assert nodes(wb.apply(plan))["b/x"] == ("EnsureShape", ["connect_0/scale/Mul"])
    kept = nodes(wb.apply(joined(tmp_path, ("float32", (N, N)), ("float32", (N, 4)), ("y", "x", "scale 2"),
                                 keep_signatures=True)))  # fmt: skip
    assert kept["b/x"] == ("PlaceholderWithDefault", ["b/x/shape"])
    assert kept["b/x/shape"] == ("EnsureShape", ["connect_0/scale/Mul"])


def test_one_output_feeds_inputs_through_different_chains(tmp_path: Path) -> None:
    a, b = typed(tmp_path / "a", "int32", (N, 4)), typed(tmp_path / "b", "float32", (N, 4))
    c = typed(tmp_path / "connect_1", "int64", (N, 4))
    wires = ["a@y | cast float32 | scale 1/2 = b@x", "a@y | cast int64 = connect_1@x"]
    draft = wb.apply(wb.Plan.join(a, b, c, wires=wires))
    built = nodes(draft)
    assert built["b/x"][1] == ["connect_0/scale/Mul"]
    assert built["connect_1/x"][1] == ["connect_1_1/cast/Cast"]  # connect_1/ is a model's


def test_conversions_that_lose_nothing_are_inserted_and_reported(tmp_path: Path) -> None:
    plan = joined(tmp_path, ("uint8", (28, 28)), ("float32", (N, 28, 28, 1)), ("y", "x", "expand -1"))
    assert found(plan, "adapt-implied") == []  # 28 rows: not one image for certain
    plan = joined(
        tmp_path,
        ("string", ()),
        ("float32", (N, 2, 2, 1)),
        ("y", "x", "decode-image channels=1 | resize 2 2"),
    )
    assert found(plan, "adapt-implied") == [
        "info adapt-implied a@y | decode-image channels=1 | resize 2 2 = b@x: `expand` is inserted: it follows by "
        "necessity and loses nothing."
    ]


@pytest.mark.parametrize(
    ("have", "want", "through", "problem"),
    [
        (("float32", (N, 4)), ("uint8", (N, 4)), "scale 255", "The chain makes float32 [?,4]; it must make uint8"),
        (("float32", (N, 4)), ("float32", (N, 4)), "decode-image", "`decode-image` has float32 [?,4]; it takes"),
        (("float32", (N, 4)), ("float32", (N, 4)), "scale 2 | argmax", "The chain makes int64 [?]; it must"),
        (("float32", (N, 4)), ("float32", (N, 4)), "top-k 4", "The chain gives 2 tensors; an input takes one."),
        (("float32", (N, 4)), ("float32", (N, 4)), "scalee 2", "There is no adapter 'scalee'."),
        (("float32", (N, 4)), ("float32", (N, 4)), "scale 'a", "A quote is not closed in"),
        (("string", (N,)), ("int64", (N,)), "lookup @no-such", "`lookup @no-such`: no-such: The file"),
    ],
)  # fmt: skip
def test_a_chain_that_does_not_fit_is_refused(
    tmp_path: Path, have: tuple[str, Shape], want: tuple[str, Shape], through: str, problem: str
) -> None:
    (one,) = wb.check(joined(tmp_path, have, want, ("y", "x", through)))
    assert (one.code, one.severity) == ("adapt-chain", "error")
    assert one.message.startswith(problem)


def test_a_sparse_output_has_no_adapters(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a")
    sparse = made.meta.signature_def["serving_default"].outputs["y"]
    sparse.coo_sparse.values_tensor_name = sparse.coo_sparse.indices_tensor_name = "y:0"
    sparse.coo_sparse.dense_shape_tensor_name = "y:0"
    plan = wb.Plan.join(a=made.save(), b=typed(tmp_path / "b", "float32"), wires="y | scale 2 = x")
    assert [one.code for one in wb.check(plan)] == ["R3-kind"]


def vocabulary(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("red\ngreen\nblue\n")
    return tmp_path / "words.txt"


@pytest.mark.parametrize("format", ["tf1", "tf2"])
def test_a_table_of_a_wire_has_its_file_and_is_filled(tmp_path: Path, format: Any) -> None:
    wire = ("y", "x", f"lookup @{vocabulary(tmp_path)}")
    draft = wb.apply(joined(tmp_path, ("string", (N,)), ("int64", (N,)), wire, format=format))
    assets = draft.meta.proto.asset_file_def
    assert [(one.filename, one.tensor_info.name) for one in assets] == [
        ("words.txt", "connect_0/lookup/asset:0")
    ]
    assert [one.relative for one in draft.files] == ["assets/words.txt"]
    (main_op,) = draft.meta.proto.collection_def["saved_model_main_op"].node_list.value
    assert nodes(draft)[main_op] == ("NoOp", ["^connect_0/lookup/fill"])
    roots = draft.meta.proto.object_graph_def.nodes[:1]
    children = {child.local_name for root in roots for child in root.children}
    assert ("connect_0" in children) == (format == "tf2")


def test_a_file_of_two_wires_is_copied_once(tmp_path: Path) -> None:
    words = vocabulary(tmp_path)
    types = {"s": "string", "i": "int64", "j": "int64"}
    paths = [typed(tmp_path / name, dtype, (N,)) for name, dtype in types.items()]
    wires = [f"s@y | lookup @{words} = i@x", f"s@y | lowercase | lookup @{words} = j@x"]
    draft = wb.apply(wb.Plan.join(*paths, wires=wires))
    assert [one.relative for one in draft.files] == ["assets/words.txt"]
    assert [one.filename for one in draft.meta.proto.asset_file_def] == ["words.txt"] * 2


# -- that it is verified


@pytest.mark.needs_tf
@pytest.mark.parametrize("format", ["tf1", "tf2"])
def test_wires_with_adapters_are_verified(tmp_path: Path, child: Child, format: Any) -> None:
    words = vocabulary(tmp_path)
    types: dict[str, tuple[str, Shape]] = {
        "image": ("uint8", PICTURES), "net": ("float32", SMALL), "number": ("int64", (N,)),
        "classes": ("float32", (N, 5)), "text": ("string", (N,)), "ids": ("int64", (N,)),
    }  # fmt: skip
    paths = {name: typed(tmp_path / name, *own) for name, own in types.items()}
    wires = [
        f"image@y | {SHRINK} = net@x",
        "number@y | one-hot 5 = classes@x",
        f"text@y | lookup @{words} = ids@x",
    ]
    report = commit(
        wb.apply(wb.Plan.join(wires=wires, format=format, **paths)), tmp_path / "result", child=child
    )
    assert report.verdict == "verified", report.reason
    picture = np.random.default_rng(1).integers(0, 255, (2, 32, 32, 3)).astype(np.uint8)
    given = {"x": picture, "number_x": [3, 0], "text_x": ["blue", "pink"]}
    result = wb.open_model(tmp_path / "result")
    for loader in ("v1", "v2"):
        got: Any = wb.run(result, given, loader=loader)
        assert got["y"].shape == (2, 28, 28, 1) and 0.2 < got["y"].mean() < 0.8
        assert got["classes_y"].tolist() == [[0, 0, 0, 1, 0], [1, 0, 0, 0, 0]]
        assert got["ids_y"].tolist() == [2, -1]
    words.unlink()  # found again among the assets of the result
    assert wb.verify(tmp_path / "result", sources=paths).verdict == "verified"


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("through", "factor", "verdict"),
    [
        ("scale 1/2", 0.50004, "differs"),
        ("resize 2 2 | scale 1/2", 0.50004, "verified"),  # a resize may differ by 1e-4
        ("resize 2 2 | scale 1/2", 0.501, "differs"),
    ],
)
def test_a_result_may_differ_from_its_wires_by_what_the_adapters_allow(
    tmp_path: Path, child: Child, through: str, factor: float, verdict: str
) -> None:
    size = (N, 4, 4, 1) if "resize" in through else (N, 2, 2, 1)
    draft = wb.apply(joined(tmp_path, ("float32", size), ("float32", (N, 2, 2, 1)), ("y", "x", through)))
    proto = schema.SavedModel.FromString(draft.serialize())
    for node in proto.meta_graphs[0].graph_def.node:
        if node.name == "connect_0/scale/by":
            node.attr["value"].tensor.tensor_content = np.float32(factor).tobytes()
    draft.__dict__["parts_of_message"] = [proto.SerializeToString(deterministic=True)]  # what is written
    report = commit(draft, tmp_path / "result", child=child)
    assert report.verdict == verdict, report.reason
    assert report.verification is not None
    note = "Output y is equal within the tolerance of the adapters that lead to it."
    assert (note in report.verification.notes) == (verdict == "verified")


@pytest.mark.needs_tf
def test_wires_between_kept_frozen_and_inner_tensors_are_verified(
    tmp_path: Path, sample_models: Path, child: Child
) -> None:
    """A tensor inside calls of a model with an object graph, with variables kept and as constants."""
    net = sample_models / "digits_tf2"
    inner = "StatefulPartitionedCall::StatefulPartitionedCall::add:0"
    scores = typed(tmp_path / "scores", "float32", (N, 10))

    for number, options in enumerate([{"keep_signatures": True}, {"freeze": True}]):
        wires = [f"net@{inner} | softmax = scores@x", f"net@{inner} | argmax | one-hot 10 = again@x"]
        plan = wb.Plan.join(net=net, scores=scores, again=scores, wires=wires, **options)
        report = commit(wb.apply(plan), tmp_path / f"result_{number}", child=child)
        assert report.verdict == "verified", report.reason
