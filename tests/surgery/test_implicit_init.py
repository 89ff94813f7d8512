"""What `tf.saved_model.load` initialises although no init op names it becomes the init op of every result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.surgery.tiny import Tiny
from tests.surgery.tools import changed, codes, draft_of, flattened, frozen
from workbench.checks.check import check_model
from workbench.disk import dtypes, schema
from workbench.graph.adjacency import Adjacency
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.surgery.draft import Draft
from workbench.surgery.export.init_ops import init_ops
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, ResultOptions, Source

COLLECTION = "table_initializer"


def constant(made: Tiny, name: str, dtype: str, values: list[Any]) -> None:
    made.node(name, "Const", dtype=dtype)
    tensor = made.meta.graph_def.node[-1].attr["value"].tensor
    tensor.dtype = dtypes.enum(dtype)
    tensor.tensor_shape.dim.add(size=len(values))
    (tensor.int64_val if dtype == "int64" else tensor.float_val).extend(values)


def model(folder: Path, *, table: bool = True, local: bool = True, listed: bool = True) -> Path:
    """`y` = the number that a table has for `x` + a local variable of 20: 10 → 21, 11 → 22."""
    made = Tiny(folder).placeholder("x", "int64", (None,))
    constant(made, "keys", "int64", [10, 11])
    constant(made, "values", "float32", [1, 2])
    made.const("default", -1.0).const("twenty", 20.0)
    made.meta.graph_def.node[-1].attr["value"].tensor.tensor_shape.SetInParent()
    made.meta.graph_def.node[-2].attr["value"].tensor.tensor_shape.SetInParent()
    last = "twenty"
    if local:
        made.node("v", "VarHandleOp", dtype="float32", shape=(), shared_name=b"v")
        made.node("v/set", "AssignVariableOp", "v", "twenty", dtype="float32")
        made.node("read", "ReadVariableOp", "v", dtype="float32")
        definition = schema.VariableDef(
            variable_name="v:0", initializer_name="v/set", initial_value_name="twenty:0",
            snapshot_name="read:0", is_resource=True,
        )  # fmt: skip
        if listed:
            data = definition.SerializeToString()
            made.meta.collection_def["local_variables"].bytes_list.value.append(data)
        last = "read"
    if table:
        made.node("table", "HashTableV2", key_dtype="int64", value_dtype="float32", shared_name=b"t")
        made.node("fill", "InitializeTableV2", "table", "keys", "values", Tkey="int64", Tval="float32")
        made.node("found", "LookupTableFindV2", "table", "x", "default", Tin="int64", Tout="float32")
        if listed:
            made.meta.collection_def[COLLECTION].node_list.value.append("fill")
    else:
        made.node("found", "Cast", "x", SrcT="int64", DstT="float32")
    made.node("y", "AddV2", "found", last, T="float32")
    shape = (None,)
    made.signature(x_in=("x:0", "int64", shape), y_out=("y:0", "float32", shape))
    return made.save()


def after(folder: Path) -> Path:
    made = Tiny(folder).placeholder("x", "float32", (None,)).node("y", "AddV2", "x", "x", T="float32")
    return made.signature(x_in=("x:0", "float32", (None,)), y_out=("y:0", "float32", (None,))).save()


EDITS = {
    "signature": lambda path: changed(open_model(path), ChangeSignature(rename={"serving_default": "other"})),
    "flatten": lambda path: flattened(open_model(path)),
    "freeze": lambda path: frozen(open_model(path)),
}


def main_op(meta: Any) -> list[str]:
    """What the init op of a MetaGraphDef runs."""
    (name,) = meta.collection_def["saved_model_main_op"].node_list.value
    (node,) = (one for one in meta.graph_def.node if one.name == name)
    assert node.op == "NoOp"
    return list(node.input)


def test_what_a_loader_runs(tmp_path: Path) -> None:
    meta = open_model(model(tmp_path / "m")).meta
    assert meta.init_op is None and meta.implicit_init == meta.init_ops == ("v/set", "fill")
    proto = meta.proto
    proto.collection_def[COLLECTION].node_list.value.extend(["fill:0", "gone"])
    proto.collection_def["local_variables"].bytes_list.value.append(b"\xff not a VariableDef")
    assert type(meta)(proto).init_ops == ("v/set", "fill")
    proto.collection_def["saved_model_main_op"].node_list.value.append("fill")
    assert type(meta)(proto).init_ops == ("fill",)
    del proto.collection_def["saved_model_main_op"]
    proto.object_graph_def.nodes.add()
    assert type(meta)(proto).init_ops == ()


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_has_it_as_its_init_op(tmp_path: Path, kind: str) -> None:
    edit: Draft = EDITS[kind](model(tmp_path / "m"))
    assert isinstance(edit, Draft), edit.findings
    assert main_op(edit.workspace.meta_graph) == ["^v/set", "^fill"]
    variables = [one.name for one in edit.workspace.meta_graph.graph_def.node if one.op == "VarHandleOp"]
    assert variables == ([] if kind == "freeze" else ["v"])
    assert "implicit-init" in codes(edit.findings)


def test_a_join_has_it_as_its_init_op(tmp_path: Path) -> None:
    sources = (Source("a", model(tmp_path / "a")), Source("b", after(tmp_path / "b")))
    draft = draft_of(Plan(sources, (Connect("y", "x"),)))
    assert main_op(draft.proto.meta_graphs[0]) == ["^a/v/set", "^a/fill"]
    assert {"implicit-init", "tf1-format"} <= set(codes(draft.findings))
    assert not draft.meta.has_object_graph  # no loader would set the variable there


def test_a_table_alone_becomes_an_object(tmp_path: Path) -> None:
    sources = (Source("a", model(tmp_path / "a", local=False)), Source("b", after(tmp_path / "b")))
    draft = draft_of(Plan(sources, (Connect("y", "x"),)))
    names = [one for one in draft.meta.functions if "initialize" in one]
    (body,) = (draft.meta.functions[name] for name in names)
    assert "InitializeTableV2" in {node.op for node in body.node_def}
    assert main_op(draft.proto.meta_graphs[0]) == ["^a/fill"]


def test_an_init_op_that_is_there_is_all_that_runs(tmp_path: Path) -> None:
    path = model(tmp_path / "m")
    proto = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].collection_def["saved_model_main_op"].node_list.value.append("fill")
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    edit = flattened(open_model(path))
    assert list(edit.workspace.meta_graph.collection_def["saved_model_main_op"].node_list.value) == ["fill"]
    assert "implicit-init" not in codes(edit.findings)


def test_a_variable_that_the_saver_restores_keeps_its_value(tmp_path: Path) -> None:
    path = model(tmp_path / "m", table=False)
    proto = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    graph, saver = proto.meta_graphs[0].graph_def, proto.meta_graphs[0].saver_def
    for name, op, inputs in (
        ("file", "Const", []), ("names", "Const", []), ("restore", "RestoreV2", ["file", "names", "names"]),
        ("put", "AssignVariableOp", ["v", "restore"]), ("restore_all", "NoOp", ["^put"]),
    ):  # fmt: skip
        graph.node.add(name=name, op=op, input=inputs)
        if name == "names":
            graph.node[-1].attr["value"].tensor.string_val.append(b"v")
    saver.filename_tensor_name, saver.restore_op_name = "file:0", "restore_all"
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    meta = open_model(path).meta
    assert meta.implicit_init == ("v/set",) and init_ops(meta, set(meta.nodes)) == ()


TABLE_TYPES = {"HashTableV2": ("key_dtype", "value_dtype"), "InitializeTableV2": ("Tkey", "Tval")}
OTHER = [("other", "HashTableV2", []), ("set", "InitializeTableV2", ["other", "keys", "values"])]
EXTRAS = {
    "a table that no signature needs": (OTHER, False),
    "something else": ([("set", "WriteFile", ["name", "name"]), ("name", "CustomName", [])], False),
    "a table that another initialiser needs": (OTHER, True),
    "the same table by its name": (OTHER, True),
    "an op that TensorFlow does not have": ([("set", "CustomSet", ["table"])], True),
}


@pytest.mark.parametrize("kind", EXTRAS)
def test_only_what_is_needed_is_run(tmp_path: Path, kind: str) -> None:
    """What else the collection names may fail, or do something, where no v1 Session runs it."""
    path = model(tmp_path / "m")
    proto = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    meta = proto.meta_graphs[0]
    nodes, needed = EXTRAS[kind]
    for name, op, inputs in nodes:
        meta.graph_def.node.add(name=name, op=op, input=inputs)
        if "by its name" in kind and name == "other":
            meta.graph_def.node[-1].attr["shared_name"].s = b"t"
        if "another" in kind and name == "other":
            values = next(one for one in meta.graph_def.node if one.name == "v/set")
            values.input.append("^find")
            meta.graph_def.node.add(name="find", op="LookupTableFindV2", input=["other", "keys", "default"])
    for one in meta.graph_def.node:
        for key in TABLE_TYPES.get(one.op, ()):
            if key not in one.attr:
                one.attr[key].type = dtypes.FLOAT
    meta.collection_def[COLLECTION].node_list.value.append("set")
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    opened = open_model(path).meta
    assert opened.implicit_init == ("v/set", "fill", "set")
    served = Adjacency(opened.nodes).ancestors(["y"])
    assert init_ops(opened, served) == ("v/set", "fill") + (("set",) if needed else ())
    if not needed:
        sources = (Source("a", path), Source("b", after(tmp_path / "b")))
        draft = draft_of(Plan(sources, (Connect("y", "x"),)))
        assert main_op(draft.proto.meta_graphs[0]) == ["^a/v/set", "^a/fill"]
        assert "a/set" not in draft.meta.nodes
        assert main_op(flattened(open_model(path)).workspace.meta_graph) == ["^v/set", "^fill"]


def test_check_tells_what_only_one_loader_initialises(tmp_path: Path) -> None:
    for number, (listed, word) in enumerate(((True, "There is no init op"), (False, "Nothing fills"))):
        findings = check_model(open_model(model(tmp_path / str(number), local=False, listed=listed))).findings
        assert [(one.code, one.where) for one in findings] == [("table-not-initialised", "table")]
        assert findings[0].message.startswith(word)
    findings = check_model(open_model(model(tmp_path / "v", table=False))).findings
    assert [(one.code, one.where) for one in findings] == [("variable-not-restored", "v")]
    assert "There is no init op" in findings[0].message


@pytest.mark.needs_tf
def test_results_compute_in_both_loaders(tmp_path: Path) -> None:
    import numpy as np
    import tensorflow as tf

    both, table = model(tmp_path / "both"), model(tmp_path / "table", local=False)
    b = after(tmp_path / "b")
    with pytest.raises(tf.errors.OpError):
        run_v1(both)
    assert run_v2(both) == [21, 22, 19]
    for kind, make in EDITS.items():
        target = tmp_path / kind
        assert commit(make(both), target, verify=False).published
        key = "other" if kind == "signature" else "serving_default"
        assert run_v1(target, key) == run_v2(target, key) == [21, 22, 19]
        assert check_model(open_model(target)).findings == []
    for number, (path, options) in enumerate(
        [
            (both, {}),
            (both, {"freeze": True}),
            (table, {}),
            (table, {"format": "tf1"}),
            (table, {"freeze": True}),
        ]
    ):
        plan = Plan((Source("a", path), Source("b", b)), (Connect("y", "x"),), ResultOptions(**options))
        target = tmp_path / f"join{number}"
        assert commit(draft_of(plan), target, verify=False).published
        expected = [42.0, 44.0, 38.0]
        assert run_v1(target) == run_v2(target) == expected
        if "format" not in options and path == table:
            assert open_model(target).meta.has_object_graph
    assert np.isfinite(expected).all()


def run_v1(path: Path, key: str = "serving_default") -> list[float]:
    import tensorflow as tf

    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        signature = meta.signature_def[key]
        feed = {signature.inputs["x"].name: [10, 11, 12]}
        found: list[float] = session.run(signature.outputs["y"].name, feed).tolist()
        return found


def run_v2(path: Path, key: str = "serving_default") -> list[float]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    found: list[float] = loaded.signatures[key](x=tf.constant([10, 11, 12], tf.int64))["y"].numpy().tolist()
    return found
