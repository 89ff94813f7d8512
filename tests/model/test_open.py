"""Opening the sample models, and models written down by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protos import Func, Shape, function, graph, meta_graph, node, write
from workbench.checks.open_model import examine
from workbench.disk import dtypes, schema
from workbench.errors import UnknownName, WorkbenchError
from workbench.model import MetaGraph, open_model
from workbench.model import model as model_


def test_a_v1_model(sample_models: Path) -> None:
    model = open_model(sample_models / "digits")
    meta = model.meta
    assert (model.format, len(model.meta_graphs), meta.tags) == ("pb", 1, ("serve",))
    assert not meta.has_object_graph
    assert meta.callables == ()
    signature = meta.signature()
    assert signature.key == "serving_default"
    assert signature.inputs["myInput"].shape == (None, 784)
    assert signature.outputs["myOutput"].dtype == dtypes.FLOAT
    assert {v.key: (v.shape, v.nbytes, v.trainable, v.shard) for v in meta.variables} == {
        "softmax/weights": ((784, 10), 31360, True, 0),
        "softmax/bias": ((10,), 40, True, 0),
    }
    assert examine(model) == []


def test_a_v2_model(sample_models: Path) -> None:
    meta = open_model(sample_models / "digits_tf2").meta
    assert meta.has_object_graph
    assert [found.path for found in meta.callables] == ["__call__"]
    assert {v.name: (v.key, v.trainable) for v in meta.variables} == {
        "weights": ("weights/.ATTRIBUTES/VARIABLE_VALUE", True),
        "bias": ("bias/.ATTRIBUTES/VARIABLE_VALUE", True),
    }
    assert meta.init_op == "NoOp"


def test_a_model_without_variables(sample_models: Path) -> None:
    model = open_model(sample_models / "image_base64")
    assert model.bundle is None
    assert model.bundle_problem is None
    assert model.meta.variables == ()


def test_tensors(sample_models: Path) -> None:
    meta = open_model(sample_models / "digits").meta
    found = meta.tensor("myInput")
    assert found is not None
    assert (found.name, found.dtype, found.shape) == ("myInput:0", dtypes.FLOAT, (None, 784))
    assert meta.tensor("myInput:1") is None
    assert meta.tensor("nothing") is None
    assert meta.tensor("^myInput") is None


def test_opening_reads_only_the_graph(sample_models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes((sample_models / "digits" / "saved_model.pb").read_bytes())
    model = open_model(folder)
    assert [finding.code for finding in examine(model)] == ["no-checkpoint"]
    weights = next(v for v in model.meta.variables if v.name == "softmax/weights")
    assert (weights.key, weights.nbytes, weights.shard) == ("softmax/weights", 31360, None)


def two(tmp_path: Path) -> Path:
    one = graph(node("x", "Placeholder", dtype=1))
    metas = [meta_graph(one, tags) for tags in (("train",), ("serve", "gpu"))]
    return write(tmp_path / "two", *metas)


def test_tag_sets(tmp_path: Path) -> None:
    path = two(tmp_path)
    assert open_model(path, "gpu, serve").meta.tags == ("serve", "gpu")
    assert open_model(path, ["train"]).meta.tags == ("train",)
    with pytest.raises(UnknownName) as caught:
        open_model(path, "serve")
    assert "serve,gpu" in str(caught.value)
    model = open_model(path)
    assert len(model.meta_graphs) == 2
    with pytest.raises(UnknownName) as caught:
        _ = model.meta
    assert "train" in str(caught.value)


def test_serve_is_taken_where_there_is_one(tmp_path: Path) -> None:
    one = graph(node("x", "Placeholder", dtype=1))
    path = write(tmp_path / "m", meta_graph(one, ("train",)), meta_graph(one, ("serve",)))
    assert open_model(path).meta.tags == ("serve",)


def test_the_empty_tag_set_can_be_chosen(tmp_path: Path) -> None:
    one = graph(node("x", "Placeholder", dtype=1))
    path = write(tmp_path / "m", meta_graph(one, ("train",)), meta_graph(one, ()))
    assert open_model(path, "").meta.tags == ()


def test_unknown_signature(sample_models: Path) -> None:
    meta = open_model(sample_models / "digits").meta
    with pytest.raises(UnknownName, match="Did you mean serving_default"):
        meta.signature("serving_defualt")


def test_which_signature_is_meant() -> None:
    one = graph(node("x", "Placeholder", dtype=1))
    assert MetaGraph(meta_graph(one, only=({"x": "x:0"}, {}))).signature().key == "only"
    with pytest.raises(UnknownName, match="no signature"):
        MetaGraph(meta_graph(one)).signature()
    with pytest.raises(UnknownName, match="several"):
        MetaGraph(meta_graph(one, a=({}, {}), b=({}, {}))).signature()


def test_a_placeholder_says_its_shape_itself() -> None:
    shaped = node("x", "Placeholder", dtype=1, shape=Shape((None, 3)))
    meta = meta_graph(graph(shaped), serving_default=({"x": "x:0"}, {}))
    found = MetaGraph(meta).tensor("x:0")
    assert found is not None and found.shape == (None, 3)


@pytest.mark.parametrize(("producer", "shape"), [(21, None), (22, ())])
def test_old_graphs_wrote_a_scalar_for_an_unknown_shape(producer: int, shape: object) -> None:
    scalar = node("x", "Placeholder", dtype=1, shape=Shape(()))
    found = MetaGraph(meta_graph(graph(scalar, producer=producer))).tensor("x")
    assert found is not None and found.shape == shape


def test_an_unknown_op_gets_from_the_signature_what_nothing_else_tells() -> None:
    meta = meta_graph(graph(node("x", "Nobody>Knows")), serving_default=({}, {"y": "x:0"}))
    meta.signature_def["serving_default"].outputs["y"].tensor_shape.CopyFrom(
        schema.TensorShapeProto(dim=[schema.TensorShapeProto.Dim(size=5)])
    )
    view = MetaGraph(meta)
    assert view.unknown_ops == ("Nobody>Knows",)
    found = view.tensor("x:0")
    assert found is not None and (found.dtype, found.shape) == (dtypes.FLOAT, (5,))
    other = view.tensor("x:3")
    assert other is not None and (other.dtype, other.shape) == (0, None)


def test_an_op_only_the_model_knows_has_known_outputs_and_is_unknown_to_tensorflow() -> None:
    meta = meta_graph(graph(node("x", "Mine")))
    op = meta.meta_info_def.stripped_op_list.op.add(name="Mine")
    op.output_arg.add(name="out", type=9)
    view = MetaGraph(meta)
    assert view.unknown_ops == ("Mine",)
    found = view.tensor("x")
    assert found is not None and found.dtype == dtypes.INT64


def test_an_op_may_be_a_function() -> None:
    body = function("double", ["x"], node("y", "Add", "x", "x"), returns={"out": "y:z:0"})
    view = MetaGraph(meta_graph(graph(node("call", "double", "a"), functions=[body])))
    assert view.unknown_ops == ()
    found = view.tensor("call")
    assert found is not None and found.dtype == dtypes.FLOAT
    assert view.tensor("call:1") is None
    assert view.ops == {"double": 1, "Add": 1}


def test_init_op_precedence() -> None:
    meta = meta_graph(graph(node("x", "NoOp")))
    meta.collection_def["legacy_init_op"].node_list.value.append("legacy")
    assert MetaGraph(meta).init_op == "legacy"
    meta.collection_def["saved_model_main_op"].node_list.value.append("main")
    assert MetaGraph(meta).init_op == "main"
    meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "init"
    assert MetaGraph(meta).init_op == "init"


def graphdef(tmp_path: Path, *nodes: object) -> Path:
    path = tmp_path / "frozen.pb"
    path.write_bytes(graph(*nodes).SerializeToString())
    return path


def test_a_graphdef_has_one_signature(tmp_path: Path) -> None:
    path = graphdef(
        tmp_path,
        node("x", "Placeholder", dtype=1, shape=Shape((None, 2))),
        node("unused", "PlaceholderWithDefault", "c", dtype=1),
        node("c", "Const", dtype=1),
        node("loose", "Const", dtype=1),
        node("check", "Assert", "ok", "x"),
        node("say", "Print", "x", "x", T=1),
        node("group", "NoOp", "^y"),
        node("y", "Tanh", "x", T=1),
        node("parts", "Unpack", "y", T=1, num=schema.AttrValue(i=2)),
    )
    model = open_model(path)
    assert model.format == "graphdef"
    assert model.meta.tags == ()
    signature = model.meta.signature()
    assert list(signature.inputs) == ["unused", "x"]
    assert signature.inputs["x"].shape == (None, 2)
    assert list(signature.outputs) == ["parts", "parts:1"]
    assert signature.outputs["parts:1"].tensor == "parts:1"


def inputs_of(tmp_path: Path, *nodes: object) -> list[str]:
    made = [node("c", "Const", dtype=1), node("x", "Placeholder", dtype=1), *nodes]
    return list(open_model(graphdef(tmp_path, *made)).meta.signature().inputs)


def with_default(name: str, default: str) -> object:
    return node(name, "PlaceholderWithDefault", default, dtype=1)


def test_an_input_does_not_vanish_behind_a_computed_default(tmp_path: Path) -> None:
    nodes = [node("h", "Tanh", "x", T=1), with_default("d", "h"), node("y", "Tanh", "d", T=1)]
    assert inputs_of(tmp_path, *nodes) == ["x"]
    signature = open_model(tmp_path / "frozen.pb").meta.signature()
    assert list(signature.outputs) == ["y"]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        # one after the other
        ([with_default("d", "x"), with_default("e", "d"), node("y", "Tanh", "e", T=1)], ["x"]),
        # the first has a constant default: it may be left out, and must not vanish either
        ([with_default("d", "c"), with_default("e", "d"), node("y", "Add", "e", "x", T=1)], ["d", "x"]),
        # side by side: one alone would leave a way
        (
            [with_default("d", "x"), with_default("e", "x"), node("y", "Add", "d", "e", T=1)],
            ["x"],
        ),
        # for one output only
        ([with_default("d", "x"), node("y", "Tanh", "d", T=1), node("z", "Tanh", "x", T=1)], ["x"]),
        # the last node: an output
        ([with_default("y", "x")], ["x"]),
        # a state whose default has the batch's size: the output follows from the input all the same
        (
            [
                node("s", "Shape", "x", T=1, out_type=3),
                node("zeros", "Fill", "s", "c", T=1),
                with_default("state", "zeros"),
                node("y", "Add", "x", "state", T=1),
            ],
            ["state", "x"],
        ),
        # both at once: only the one that takes the place of the input is none
        (
            [
                with_default("state", "x"),
                with_default("d", "x"),
                node("y", "Add", "d", "state", T=1),
                node("z", "Add", "x", "state", T=1),
            ],
            ["x"],
        ),
        # a default that follows from nothing that is fed
        (
            [
                node("r", "Tanh", "c", T=1),
                with_default("keras_learning_phase", "c"),
                with_default("rate", "r"),
                node("y", "AddN", "x", "keras_learning_phase", "rate", T=1),
            ],
            ["keras_learning_phase", "rate", "x"],
        ),
        # in a loop it follows from itself
        (
            [
                node("in", "Enter", "x", T=1),
                node("m", "Merge", "in", "again", T=1),
                with_default("d", "m"),
                node("again", "NextIteration", "d", T=1),
                node("y", "Exit", "d", T=1),
            ],
            ["x"],
        ),
    ],
)
def test_which_placeholders_with_a_default_are_inputs(
    tmp_path: Path, nodes: list[object], expected: list[str]
) -> None:
    assert inputs_of(tmp_path, *nodes) == expected


def test_many_placeholders_with_defaults_take_no_time_out_of_proportion(tmp_path: Path) -> None:
    chain = [with_default(f"d{number}", f"d{number - 1}" if number else "x") for number in range(3000)]
    assert inputs_of(tmp_path, *chain, node("y", "Tanh", "d2999", T=1)) == ["x"]


def test_a_node_used_only_as_a_control_input_is_still_a_sink(tmp_path: Path) -> None:
    path = graphdef(
        tmp_path, node("x", "Placeholder", dtype=1), node("y", "Tanh", "x", T=1), node("z", "NoOp", "^y")
    )
    assert list(open_model(path).meta.signature().outputs) == ["y"]


def test_what_a_branch_or_a_loop_holds_is_no_sink(tmp_path: Path) -> None:
    path = graphdef(
        tmp_path,
        node("x", "Placeholder", dtype=1),
        node("training", "Placeholder", dtype=10),
        node("cond/Switch", "Switch", "training", "training", T=10),
        node("cond/switch_t", "Identity", "cond/Switch:1", T=10),
        node("cond/one", "Const", "^cond/switch_t", dtype=1),
        node("x/Switch", "Switch", "x", "training", T=1),
        node("cond/Merge", "Merge", "x/Switch", "cond/one", T=1, N=schema.AttrValue(i=2)),
        node("loop/Enter", "Enter", "x", T=1),
        node("loop/inside", "Tanh", "loop/Enter", T=1),
        node("loop/Exit", "Exit", "loop/Enter", T=1),
        node("y", "Add", "cond/Merge", "loop/Exit", T=1),
    )
    assert list(open_model(path).meta.signature().outputs) == ["y"]


def test_a_graph_with_nothing_outside_of_branches_still_has_sinks(tmp_path: Path) -> None:
    path = graphdef(
        tmp_path,
        node("x", "Placeholder", dtype=10),
        node("Switch", "Switch", "x", "x", T=10),
        node("y", "Identity", "Switch:1", T=10),
    )
    assert list(open_model(path).meta.signature().outputs) == ["y"]


def test_a_graphdef_that_was_not_frozen(tmp_path: Path) -> None:
    path = graphdef(tmp_path, node("w", "VarHandleOp", dtype=1), node("y", "ReadVariableOp", "w", dtype=1))
    model = open_model(path)
    assert not model.meta.is_frozen
    (finding,) = examine(model)
    assert finding.code == "no-values" and "1 variable" in finding.message


def codes(meta: object, tmp_path: Path) -> list[str]:
    return [finding.code for finding in examine(open_model(write(tmp_path / "m", meta)))]


def test_findings_of_a_graph_that_names_what_is_not_there(tmp_path: Path) -> None:
    call = node("call", "PartitionedCall", "x", f=Func("gone"), Tin=[1], Tout=[1])
    twice = [node("x", "Placeholder", dtype=1)] * 2
    meta = meta_graph(
        graph(*twice, node("y", "Tanh", "nowhere", T=1), call, node("", "NoOp")),
        serving_default=({"x": "x:0"}, {"y": "y:7", "z": "gone:0"}),
    )
    found = codes(meta, tmp_path)
    expected = {"duplicate-node", "dangling-input", "missing-function", "nameless-node", "signature-tensor"}
    assert set(found) == expected
    assert found.count("signature-tensor") == 2


def test_many_dangling_inputs_are_counted(tmp_path: Path) -> None:
    nodes = [node(f"n{i}", "Tanh", f"gone{i}", T=1) for i in range(50)]
    found = examine(open_model(write(tmp_path / "m", meta_graph(graph(*nodes)))))
    assert len(found) == 6
    assert "45 more" in found[-1].message


def test_an_asset_may_not_leave_the_folder(tmp_path: Path) -> None:
    meta = meta_graph(graph(node("x", "Const", dtype=7)))
    meta.asset_file_def.add(filename="../secret").tensor_info.name = "x:0"
    meta.asset_file_def.add(filename="vocab.txt").tensor_info.name = "x:0"
    model = open_model(write(tmp_path / "m", meta))
    outside, missing = model.meta.assets
    assert outside.path is None and isinstance(outside.problem, WorkbenchError)
    assert missing.nbytes is None
    assert [finding.code for finding in examine(model)] == ["asset-outside", "missing-asset"]


def test_old_models_list_assets_in_a_collection(tmp_path: Path) -> None:
    meta = meta_graph(graph(node("x", "Const", dtype=7)))
    asset = schema.AssetFileDef(filename="a/vocab.txt")
    asset.tensor_info.name = "x:0"
    entry = meta.collection_def["saved_model_assets"].any_list.value.add()
    entry.value = asset.SerializeToString()
    meta.collection_def["saved_model_assets"].any_list.value.add().value = b"\xff"
    folder = write(tmp_path / "m", meta)
    (folder / "assets" / "a").mkdir(parents=True)
    (folder / "assets" / "a" / "vocab.txt").write_text("one\n")
    (found,) = open_model(folder).meta.assets
    assert (found.filename, found.nbytes, found.tensor) == ("a/vocab.txt", 4, "x:0")


def test_a_recipe_that_can_not_be_read_is_a_finding(sample_models: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", meta_graph(graph(node("x", "NoOp"))))
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "workbench.json").write_text("{not json")
    (folder / "assets.extra" / "workbench-proof.json").write_text("[1, 2]")
    assert [finding.code for finding in examine(open_model(folder))] == ["origin-unreadable"] * 2
    assert open_model(sample_models / "digits").origin is None


def test_a_released_message_is_made_again(sample_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_, "LARGE", 0)
    model = open_model(sample_models / "digits_tf2")
    meta, data = model.meta, model.proto.SerializeToString(deterministic=True)
    names, variables = list(meta.nodes), meta.variables
    model.release()
    assert meta.beside is meta.proto, "a model that somebody else may work with stays as it is"
    model.may_release = True
    model.release()
    beside = meta.beside
    assert not beside.graph_def.node and not beside.graph_def.library.function
    assert meta.signature().inputs["myInput"].shape == (None, 784)
    assert (meta.tags, meta.producer, meta.has_object_graph) == (
        ("serve",),
        beside.graph_def.versions.producer,
        True,
    )
    assert meta.variables is variables
    assert meta.beside is beside, "nothing of this needs the graph"
    assert list(meta.nodes) == names and meta.functions
    assert meta.beside is meta.proto
    assert model.meta is meta and model.proto.SerializeToString(deterministic=True) == data


def test_a_small_message_is_not_released(sample_models: Path) -> None:
    model = open_model(sample_models / "digits")
    model.may_release = True
    proto = model.proto
    model.release()
    assert model.proto is proto
