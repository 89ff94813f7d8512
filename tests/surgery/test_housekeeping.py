"""Clear-devices, retag, drop-metagraph and prune: what is removed, what stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protos import Func, Shape, const, function, graph, meta_graph, node
from tests.surgery.tiny import Tiny, doubler
from tests.surgery.tools import Refused, changed, codes, draft_of, made
from workbench.checks.check import check_model
from workbench.describe.plan import plan_json, plan_text
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint.bundle import write
from workbench.model import Model, open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.clear_devices import ClearDevices
from workbench.surgery.operations.drop_metagraph import DropMetagraph
from workbench.surgery.operations.prune import Prune
from workbench.surgery.operations.retag import Retag
from workbench.surgery.plan import Plan
from workbench.surgery.pruning.drop_optimizers import drop_optimizers, numbers_by_key, without_keys
from workbench.surgery.pruning.shrink_saver import CannotShrink, shrink_saver

FLOAT, STRING, RESOURCE = (dtypes.enum(name) for name in ("float32", "string", "resource"))


# -- clear-devices


def test_devices_of_nodes_functions_and_objects_are_cleared(tmp_path: Path) -> None:
    model = doubler(tmp_path / "m")
    graph_def = model.meta.graph_def
    graph_def.node[0].device = "/device:GPU:0"
    graph_def.node[1].attr["_class"].list.s.append(b"loc:@x")
    body = function("f", ["x"], node("n", "Identity", "x", T=FLOAT), returns={"y": "n:output:0"})
    body.node_def[0].device = "/job:worker/device:CPU:1"
    graph_def.library.function.append(body)
    objects = model.meta.object_graph_def
    objects.nodes.add().user_object.identifier = "_generic_user_object"
    objects.nodes.add().variable.device = "/device:GPU:0"
    objects.nodes[1].variable.experimental_distributed_variable_components.add().device = "/device:GPU:1"
    objects.nodes.add().resource.device = "/device:CPU:0"
    draft = made(open_model(model.save()), ClearDevices())
    assert b"/device" not in draft.serialize()
    assert list(draft.meta.nodes["y"].attr["_class"].list.s) == [b"loc:@x"], "colocation stays"
    (told,) = [one.message for one in draft.findings if one.code == "clear-devices-done"]
    assert told.startswith("5 device strings removed: ") and "/device:GPU:0 (2)" in told
    assert list(draft.references) == ["serving_default"]
    again = made(open_model(doubler(tmp_path / "n").save()), ClearDevices())
    assert codes(again.findings) == ["clear-devices-nothing"]
    assert list(again.references) == ["serving_default"], "a result without a change is verified as well"


# -- tag sets


def tagged(folder: Path, *tag_sets: str, values: bool = True) -> Model:
    """A MetaGraph for each tag set, each with a variable and a saver of its own key; one checkpoint."""
    made = Tiny(folder)
    del made.proto.meta_graphs[:]
    for tags in tag_sets:
        made.meta = made.proto.meta_graphs.add()
        made.meta.meta_info_def.tags.extend(tags.split(","))
        made.meta.graph_def.versions.producer = 1882
        made.placeholder()
        variable(made, tags)
        made.node("y", "AddV2", "x", f"{tags}/read", T="float32").signature(x_in="x:0", y_out="y:0")
        saver(made, [tags])
    made.save()
    tensors = {tags: (FLOAT, (4,), np.float32([at] * 4).tobytes()) for at, tags in enumerate(tag_sets)}
    write(folder / "variables/variables", {**tensors, "nobody": (FLOAT, (1,), bytes(4))})
    return open_model(folder, tag_sets[0])


def variable(model: Tiny, name: str) -> None:
    """A resource variable with initialiser and read, and its VariableDef."""
    model.node(name, "VarHandleOp", dtype="float32", shape=(4,), shared_name=name.encode())
    model.node(f"{name}/read", "ReadVariableOp", name, dtype="float32")
    model.const(f"{name}/value", 0.0).node(
        f"{name}/init", "AssignVariableOp", name, f"{name}/value", dtype="float32"
    )
    told = schema.VariableDef(
        variable_name=f"{name}:0", initializer_name=f"{name}/init", snapshot_name=f"{name}/read:0",
        initial_value_name=f"{name}/value:0", is_resource=True,
    )  # fmt: skip
    model.meta.collection_def["variables"].bytes_list.value.append(told.SerializeToString())


def saver(model: Tiny, names: list[str]) -> None:
    """TF1's saver of some variables, under keys of the same names."""
    nodes = model.meta.graph_def.node
    filename = node("save/filename", "PlaceholderWithDefault", "save/default", dtype=STRING)
    filename.attr["shape"].shape.SetInParent()
    nodes.extend([const("save/default", "model"), filename])
    for op in ("SaveV2", "RestoreV2"):
        nodes.append(const(f"save/{op}/names", *names))
        nodes.append(const(f"save/{op}/slices", *[""] * len(names)))
    lists = [["save/filename", f"save/{op}/names", f"save/{op}/slices"] for op in ("SaveV2", "RestoreV2")]
    reads = [f"{name}/read" for name in names]
    nodes.append(node("save/SaveV2", "SaveV2", *lists[0], *reads, dtypes=[FLOAT] * len(names)))
    nodes.append(node("save/control", "Identity", "save/filename", "^save/SaveV2", T=STRING))
    nodes.append(node("save/RestoreV2", "RestoreV2", *lists[1], dtypes=[FLOAT] * len(names)))
    for at, name in enumerate(names):
        source = f"save/RestoreV2:{at}" if at else "save/RestoreV2"
        nodes.append(node(f"save/Assign_{at}", "AssignVariableOp", name, source, dtype=FLOAT))
    nodes.append(node("save/restore_all", "NoOp", *(f"^save/Assign_{at}" for at in range(len(names)))))
    model.meta.saver_def.filename_tensor_name = "save/filename:0"
    model.meta.saver_def.save_tensor_name = "save/control:0"
    model.meta.saver_def.restore_op_name = "save/restore_all"
    model.meta.saver_def.version = 2


def test_another_tag_set(tmp_path: Path) -> None:
    model = tagged(tmp_path / "m", "serve", "train")
    draft = made(model, Retag("gpu, serve"))
    assert [list(one.meta_info_def.tags) for one in draft.proto.meta_graphs] == [["gpu", "serve"], ["train"]]
    taken = changed(model, Retag("train"))
    assert isinstance(taken, Refused) and codes(taken.findings) == ["retag-taken"]
    assert codes(made(model, Retag("serve")).findings) == ["retag-same"]


def test_other_metagraphs_are_removed_with_their_values(tmp_path: Path) -> None:
    model = tagged(tmp_path / "m", "train", "serve", "eval,gpu")
    model = open_model(model.path, "serve")
    draft = made(model, DropMetagraph(["gpu,eval", "train"]), Retag("only"))
    assert [list(one.meta_info_def.tags) for one in draft.proto.meta_graphs] == [["only"]]
    assert commit(draft, tmp_path / "out", verify=False).published
    result = open_model(tmp_path / "out")
    assert result.bundle is not None and result.bundle.keys() == ["serve"]
    assert result.bundle.array("serve").tolist() == [1, 1, 1, 1] and not result.bundle.verify()
    assert result.bundle.shards[0].stat().st_size == 16
    assert [one.key for one in result.meta.variables] == ["serve"]


def test_values_that_another_metagraph_reads_stay(tmp_path: Path) -> None:
    draft = made(tagged(tmp_path / "m", "serve", "train", "eval"), DropMetagraph(["train"]))
    assert draft.workspace.bundle().keys() == ["eval", "serve"]  # type: ignore[union-attr]


def test_a_checkpoint_that_is_read_by_other_keys_stays(tmp_path: Path) -> None:
    """Keys that the graph computes."""
    model = tagged(tmp_path / "m", "serve", "train")
    (names,) = [
        one for one in model.proto.meta_graphs[0].graph_def.node if one.name == "save/RestoreV2/names"
    ]
    names.op = "Placeholder"
    del names.attr["value"]
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    draft = made(open_model(tmp_path / "m", "serve"), DropMetagraph(["train"]))
    assert "checkpoint-kept" in codes(draft.findings) and draft.checkpoint.how == "copy"


@pytest.mark.parametrize(
    ("tags", "code"),
    [("serve", "metagraph-chosen"), ("trian", "metagraph-unknown"), ("", "metagraph-unknown")],
)
def test_metagraphs_that_can_not_be_removed(tmp_path: Path, tags: str, code: str) -> None:
    for tag_sets in (("serve", "train"), ("serve",)):
        found = changed(tagged(tmp_path / str(len(tag_sets)), *tag_sets), DropMetagraph([tags]))
        assert isinstance(found, Refused) and codes(found.findings) == [code]


# -- prune


def trained(folder: Path) -> Model:
    """`y = x + w`; a slot of `w`, a step, gradients, a summary and an unused function are left of training."""
    model = Tiny(folder).placeholder()
    for name in ("w", "w/slot", "step"):
        variable(model, name)
    model.node("y", "AddV2", "x", "w/read", T="float32").signature(x_in="x:0", y_out="y:0")
    model.node("gradient", "Mul", "y", "w/slot/read", T="float32")
    model.node("train", "AssignAddVariableOp", "w", "gradient", dtype="float32")
    model.node("summary", "HistogramSummary", "save/default", "y", T="float32")
    saver(model, ["step", "w", "w/slot"])
    collections = model.meta.collection_def
    model.meta.graph_def.library.function.append(function("unused", ["x"], returns={"y": "x"}))
    collections["train_op"].node_list.value.append("train")
    collections["summaries"].node_list.value.append("summary:0")
    collections["both"].node_list.value.extend(["y:0", "gradient:0"])
    collections["numbers"].int64_list.value.append(3)
    model.save()
    tensors = {
        name: (FLOAT, (4,), np.float32([at] * 4).tobytes()) for at, name in enumerate(["step", "w", "w/slot"])
    }
    write(folder / "variables/variables", tensors)  # type: ignore[arg-type]
    return open_model(folder)


def test_what_is_left_of_training_is_removed(tmp_path: Path) -> None:
    draft = made(trained(tmp_path / "m"), Prune())
    assert commit(draft, tmp_path / "out", verify=False).published
    result = open_model(tmp_path / "out")
    meta = result.meta
    assert [(one.name, one.key) for one in meta.variables] == [("w", "w")]
    assert {
        "x",
        "y",
        "w",
        "w/read",
        "w/init",
        "w/value",
        "save/restore_all",
        "save/control",
    } <= meta.nodes.keys()
    assert not {"gradient", "train", "summary", "step", "w/slot", "save/Assign_0"} & meta.nodes.keys()
    restore = meta.nodes["save/RestoreV2"]
    assert list(restore.attr["dtypes"].list.type) == [FLOAT]
    assert list(meta.nodes["save/Assign_1"].input) == ["w", "save/RestoreV2"]
    assert list(meta.nodes["save/SaveV2"].input)[3:] == ["w/read"]
    assert list(meta.nodes["save/restore_all"].input) == ["^save/Assign_1"]
    assert not meta.functions
    collections = meta.proto.collection_def
    assert sorted(collections) == ["both", "numbers", "variables"]
    assert list(collections["both"].node_list.value) == ["y:0"]
    assert len(collections["variables"].bytes_list.value) == 1
    assert result.bundle is not None and result.bundle.keys() == ["w"]
    assert result.bundle.array("w").tolist() == [1, 1, 1, 1]
    assert result.bundle.shards[0].stat().st_size == 16
    told = {one.code: one.message for one in draft.findings}
    assert (
        "2 variables, 1 function removed" in told["prune-done"]
        and "2 values (32 bytes)" in told["checkpoint-pruned"]
    )


def test_a_model_that_says_not_what_it_is_for_stays(tmp_path: Path) -> None:
    model = trained(tmp_path / "m")
    del model.proto.meta_graphs[0].signature_def["serving_default"]
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    found = changed(open_model(tmp_path / "m"), Prune())
    assert isinstance(found, Refused) and codes(found.findings) == ["prune-no-signature"]


def test_nothing_is_removed_twice(tmp_path: Path) -> None:
    draft = made(trained(tmp_path / "m"), Prune(), Prune())
    assert codes(draft.findings) == ["checkpoint-pruned", "prune-done", "prune-nothing"]
    assert [one.key for one in draft.meta.variables] == ["w"]


def test_a_variable_that_a_function_opens_by_name_stays(tmp_path: Path) -> None:
    model = trained(tmp_path / "m")
    meta = model.proto.meta_graphs[0]
    opened = node("open", "VarHandleOp", dtype=FLOAT, shared_name="w/slot")
    meta.graph_def.library.function.append(function("f", [], opened))
    meta.graph_def.node.append(node("call", "StatefulPartitionedCall", f=Func("f"), Tin=[], Tout=[]))
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    draft = made(open_model(tmp_path / "m"), Prune())
    assert sorted(one.name for one in draft.meta.variables) == ["w", "w/slot"]


def test_a_variable_that_is_read_by_another_node_stays(tmp_path: Path) -> None:
    """A signature reads it by a second node of the same `shared_name`, the saver restores the first."""
    model = trained(tmp_path / "m")
    nodes = model.proto.meta_graphs[0].graph_def.node
    nodes.append(node("again", "VarHandleOp", dtype=FLOAT, shared_name="step", shape=Shape((4,))))
    nodes.append(node("again/read", "ReadVariableOp", "again", dtype=FLOAT))
    (y,) = [one for one in nodes if one.name == "y"]
    y.input[0] = "again/read"
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    draft = made(open_model(tmp_path / "m"), Prune())
    assert {one.name for one in draft.meta.variables} == {"step", "w", "again"}


def test_variables_stay_where_the_saver_can_not_leave_them_out(tmp_path: Path) -> None:
    model = trained(tmp_path / "m")
    (names,) = [one for one in model.proto.meta_graphs[0].graph_def.node if one.name == "save/SaveV2/names"]
    names.op = "Placeholder"
    del names.attr["value"]
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    draft = made(open_model(tmp_path / "m"), Prune())
    assert {"prune-saver", "checkpoint-kept"} <= set(codes(draft.findings))
    assert len(draft.meta.variables) == 3 and "gradient" not in draft.meta.nodes


def test_without_any_variable_there_is_no_checkpoint(tmp_path: Path) -> None:
    model = trained(tmp_path / "m")
    meta = model.proto.meta_graphs[0]
    (y,) = [one for one in meta.graph_def.node if one.name == "y"]
    y.input[1] = "x"
    (tmp_path / "m/saved_model.pb").write_bytes(model.proto.SerializeToString())
    draft = made(open_model(tmp_path / "m"), Prune())
    assert not draft.meta.variables and draft.checkpoint.how == "drop"
    assert not draft.meta.proto.HasField("saver_def") and "variables" not in draft.meta.proto.collection_def


def test_optimizers_are_removed_with_what_only_they_hold() -> None:
    """Root: w, an optimizer with a slot of w, a list of variables that the checkpoint does not know."""
    meta, tracked = schema.MetaGraphDef(), schema.TrackableObjectGraph()
    objects = meta.object_graph_def.nodes
    children = {0: {"w": 1, "optimizer": 2, "variables": 5}, 2: {"rate": 4}, 5: {"0": 4, "1": 1, "2": 6}}
    for number in range(7):
        one = objects.add()
        for name, child in children.get(number, {}).items():
            one.children.add(local_name=name, node_id=child)
        if number in (1, 3, 4, 6):
            one.variable.name = str(number)
        else:
            kind = {2: "optimizer", 5: "trackable_list_wrapper"}.get(number, "_generic_user_object")
            one.user_object.identifier = kind
    objects[2].slot_variables.add(original_variable_node_id=1, slot_name="m", slot_variable_node_id=3)
    for key in (None, "rate", "w", "m", None):
        one_ = tracked.nodes.add()
        if key is not None:
            one_.attributes.add(name="VARIABLE_VALUE", checkpoint_key=key)
    tracked.nodes[0].children.add(local_name="w", node_id=2)
    tracked.nodes[0].children.add(local_name="optimizer", node_id=4)
    tracked.nodes[4].children.add(local_name="rate", node_id=1)
    tracked.nodes[4].slot_variables.add(original_variable_node_id=2, slot_name="m", slot_variable_node_id=3)
    assert numbers_by_key(meta.object_graph_def, tracked) == {"w": 1, "rate": 4, "m": 3}
    assert drop_optimizers(meta, tracked) == {2, 3, 4}
    assert [(one.local_name, one.node_id) for one in objects[5].children] == [("0", 1), ("1", 6)]
    assert [one.local_name for one in objects[0].children] == ["w", "variables"]
    assert {objects[number].WhichOneof("kind") for number in (2, 3, 4)} == {"user_object"}
    left = without_keys(tracked, {"rate", "m"})
    assert [one.checkpoint_key for each in left.nodes for one in each.attributes] == ["w"]
    assert not left.nodes[4].slot_variables and tracked.nodes[4].slot_variables
    assert drop_optimizers(meta, tracked) == set()


# -- the saver of TF2 format


def functional() -> schema.MetaGraphDef:
    """A saver of `a` and `b` in functions, as TensorFlow 2.21 writes it."""
    texts = [const("names", "a", "b"), const("slices", "", "")]
    reads = [
        one
        for name in "ab"
        for one in (
            node(f"announce_{name}", "DisableCopyOnRead", name),
            node(f"read_{name}", "ReadVariableOp", name, f"^announce_{name}", dtype=FLOAT),
            node(f"same_{name}", "Identity", f"read_{name}:value:0", T=FLOAT),
        )
    ]
    lists = ["names:output:0", "slices:output:0"]
    save = node("save", "SaveV2", "file", *lists, "same_a:output:0", "same_b:output:0", dtypes=[FLOAT, FLOAT])
    done = node("done", "Identity", "file", "^save", T=STRING)
    saving = function(
        "save_f", ["file:7", "a:20", "b:20"], *texts, *reads, save, done, returns={"r": "done:output:0"}
    )
    saving.attr["_input_shapes"].list.SetInParent()
    saving.arg_attr[1].attr["_user_specified_name"].s = b"a"
    saving.arg_attr[2].attr["_user_specified_name"].s = b"b"
    restore = node("restore", "RestoreV2", "file", *lists, dtypes=[FLOAT, FLOAT])
    assigns = [
        node(f"set_{name}", "AssignVariableOp", name, f"restore:tensors:{at}", dtype=FLOAT)
        for at, name in enumerate("ab")
    ]
    end = node("end", "Identity", "file", "^set_a", "^set_b", T=STRING)
    restoring = function(
        "restore_f", ["file:7", "a:20", "b:20"], *texts, restore, *assigns, end, returns={"r": "end:output:0"}
    )
    for key in ("set_a", "set_b"):
        restoring.control_ret[key] = key
        restoring.signature.control_output.append(key)
    call = {"Tin": [STRING, RESOURCE, RESOURCE], "Tout": [STRING]}
    nodes = (
        node("file", "Placeholder", dtype=STRING),
        node("a", "VarHandleOp", dtype=FLOAT),
        node("b", "VarHandleOp", dtype=FLOAT),
        node("saved", "StatefulPartitionedCall", "file", "a", "b", f=Func("save_f"), **call),
        node("restored", "StatefulPartitionedCall", "file", "a", "b", f=Func("restore_f"), **call),
    )
    made: schema.MetaGraphDef = meta_graph(graph(*nodes, functions=[saving, restoring]))
    return made


def test_a_functional_saver_leaves_out_a_key() -> None:
    meta = functional()
    shrink_saver(meta, {"a"}, ())
    functions = {one.signature.name: one for one in meta.graph_def.library.function}
    for one in functions.values():
        assert [arg.name for arg in one.signature.input_arg] == ["file", "b"]
        assert not {"read_a", "same_a", "announce_a", "set_a", "names"} & {each.name for each in one.node_def}
    nodes = {one.name: one for one in functions["restore_f"].node_def}
    assert list(nodes["set_b"].input) == ["b", "restore:tensors:0"]
    assert list(nodes["end"].input) == ["file", "^set_b"]
    assert list(functions["restore_f"].control_ret) == ["set_b"]
    assert list(functions["restore_f"].signature.control_output) == ["set_b"]
    assert functions["save_f"].arg_attr[1].attr["_user_specified_name"].s == b"b"
    assert 2 not in functions["save_f"].arg_attr and "_input_shapes" not in functions["save_f"].attr
    for one in meta.graph_def.node[3:]:
        assert list(one.input) == ["file", "b"] and list(one.attr["Tin"].list.type) == [STRING, RESOURCE]


@pytest.mark.parametrize(
    ("keys", "protected", "why"),
    [({"a", "b"}, (), "nothing would be left"), ({"a"}, {"set"}, "needs a value of it")],
)
def test_a_saver_that_can_not_leave_out_a_key_stays(keys: set[str], protected: Any, why: str) -> None:
    meta = functional()
    meta.graph_def.node.append(const("names", "a", "b"))
    meta.graph_def.node.append(const("slices", "", ""))
    meta.graph_def.node.append(node("restore", "RestoreV2", "file", "names", "slices", dtypes=[FLOAT, FLOAT]))
    meta.graph_def.node.append(node("set", "AssignVariableOp", "a", "restore", dtype=FLOAT))
    before = meta.SerializeToString(deterministic=True)
    with pytest.raises(CannotShrink, match=why):
        shrink_saver(meta, keys, protected)
    assert meta.SerializeToString(deterministic=True) == before


# -- with TensorFlow


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["v1_adam_slots", "tf2_optimizer"])
def test_a_trained_model(name: str, zoo: Any, tmp_path: Path, child: Child) -> None:
    """All four in one commit: verified in both loaders, smaller, and what is left restores."""
    model = open_model(zoo(name).path)
    draft = made(model, ClearDevices(), Prune(), Retag("serve,small"))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out", "serve,small")
    assert len(result.meta.variables) == 2
    assert result.bundle is not None and model.bundle is not None
    assert len(set(result.bundle) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}) == 2
    assert result.bundle.nbytes < model.bundle.nbytes / 2 and not result.bundle.verify()


@pytest.mark.needs_tf
def test_one_of_several_metagraphs(zoo: Any, tmp_path: Path, child: Child) -> None:
    model = open_model(zoo("v1_tag_sets").path, "serve")
    others = [one.tags_text for one in model.meta_graphs if one.tags_text != "serve"]
    draft = made(model, DropMetagraph(others), Retag("only"))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert [one.tags_text for one in open_model(tmp_path / "out").meta_graphs] == ["only"]


@pytest.mark.needs_tf
def test_a_join_of_trained_models(zoo: Any, tmp_path: Path, child: Child) -> None:
    """The result lists its variables, those of the optimizer among them."""
    joined = Plan.join(a=zoo("tf2_optimizer").path, b=zoo("v1_partitioned").path, wires=["y=x"])
    draft = draft_of(replace(joined, steps=(*joined.steps, Prune())))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out")
    assert result.meta.has_object_graph and result.bundle is not None
    assert not [key for key in result.bundle if "optimizer" in key.lower()]
    assert "tracked-key" not in {found.code for found in check_model(result).findings}, "nor does its graph"


def test_a_model_without_signatures_is_described(tmp_path: Path) -> None:
    """Its draft has an empty signature, so that every face can show what is done."""
    path = Tiny(tmp_path / "m").placeholder().node("y", "Neg", "x", T="float32").save()
    draft = made(open_model(path), ClearDevices())
    assert (draft.signature.key, dict(draft.signature.inputs)) == ("", {})
    assert plan_text(draft).files and plan_json(draft)["after"]["outputs"] == {}
