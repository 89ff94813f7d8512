"""What loading runs, one mechanism a test, on protos made by hand. What TensorFlow does: `test_loading_runs.py`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.graph.loading_cases import CASES, Case
from tests.protos import Func, attr, const, function, graph, meta_graph, node
from workbench.checks.unsafe import Danger, scan, unsafe_ops
from workbench.disk import schema
from workbench.model import MetaGraph

EVIL = node("w", "WriteFile", "a", "a")


def told(meta: Any, keys: Any = (), **others: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.op, one.node, one.signatures) for one in unsafe_ops(MetaGraph(meta), keys, **others)]


def objects_by_hand() -> tuple[Any, dict[str, int]]:
    """The object graph that `loading_cases.py` describes, and its objects by name."""
    evil = [function(name, ["a:7"], EVIL) for name in ("writes", "saves", "takes")]
    library = [*evil, function("fair", []), function("signature", [])]
    meta = meta_graph(graph(node("y", "NoOp"), functions=library), s=({}, {"y": "y:0"}))
    nodes = meta.object_graph_def.nodes
    ids = {"root": 0}
    names = (
        "v",
        "sub",
        "other",
        "items",
        "table",
        "writes",
        "saves",
        "takes",
        "fair",
        "signatures",
        "signature",
    )
    for name in ("root", *names):
        made = nodes.add()
        if name == "v":
            made.variable.dtype = 1
        elif name == "table":
            made.resource.SetInParent()
        elif name in ("writes", "saves", "takes", "fair"):
            made.function.concrete_functions.append(name)
        elif name == "signature":
            made.bare_concrete_function.concrete_function_name = name
        else:
            kinds = {"items": "trackable_list_wrapper", "signatures": "signature_map"}
            made.user_object.identifier = kinds.get(name, "_generic_user_object")
            made.user_object.version.producer = made.user_object.version.min_consumer = 1
        if name != "root":
            ids[name] = len(nodes) - 1
            parent = "signatures" if name == "signature" else "root"
            nodes[ids[parent]].children.add(
                local_name=name if name != "signature" else "s", node_id=ids[name]
            )
    for name in library:
        meta.object_graph_def.concrete_functions[name.signature.name].SetInParent()
    return meta, ids


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_functions_of_objects(case: Case) -> None:
    meta, ids = objects_by_hand()
    assert told(meta, ["s"]) == []
    case.edit(meta.object_graph_def, ids)
    labels = {label for _, _, found in told(meta, ["s"]) for label in found}
    assert labels == ({case.label} if case.label else set())


def test_with_another_tensorflow_every_function_of_an_object_counts() -> None:
    meta, _ = objects_by_hand()
    assert told(meta, tensorflow="2.21.3") == []
    assert told(meta, tensorflow="2.16.1") == [("WriteFile", "w", ("(load)",))] * 3
    meta.object_graph_def.Clear()
    assert told(meta, tensorflow="2.16.1") == []


def test_a_function_that_no_object_has_is_a_gradient() -> None:
    meta, ids = objects_by_hand()
    for name in ("writes", "saves", "takes"):
        meta.object_graph_def.nodes[ids[name]].function.concrete_functions[:] = []
    assert told(meta, ["s"], tensorflow="2.16.1") == []


def test_an_object_graph_that_leads_in_circles_and_out_of_itself() -> None:
    meta, ids = objects_by_hand()
    nodes = meta.object_graph_def.nodes
    for target in (ids["sub"], 0, 99, -99):
        nodes[ids["sub"]].children.add(local_name="_x", node_id=target)
    nodes[ids["sub"]].children.add(local_name="__call__", node_id=ids["sub"])
    nodes[ids["sub"]].saveable_objects["x"].save_function = 1 << 30
    assert told(meta, ["s"]) == []


# -- the main graph


def variable(**names: str) -> bytes:
    return schema.VariableDef(**names).SerializeToString()


def v1_model() -> Any:
    """Signature `s`, and a node `w` that writes a file and is behind nothing."""
    handle = node("v", "VarHandleOp", shared_name="v")
    nodes = [
        const("a", "x"),
        EVIL,
        handle,
        node("read", "ReadVariableOp", "v"),
        node("y", "Identity", "read", T=1),
    ]
    meta = meta_graph(graph(*nodes), s=({}, {"y": "y:0"}))
    defined = variable(variable_name="v:0", snapshot_name="read:0", initializer_name="v/Assign")
    meta.collection_def["variables"].bytes_list.value.append(defined)
    return meta


def test_without_an_init_op_tables_and_local_variables_are_initialised() -> None:
    meta = v1_model()
    assert told(meta, ["s"]) == []
    meta.collection_def["table_initializer"].node_list.value.append("w")
    assert told(meta, ["s"]) == [("WriteFile", "w", ("(init op)",))]
    del meta.collection_def["table_initializer"]
    local = meta.collection_def["local_variables"].bytes_list.value
    local.extend([b"\xff", variable(variable_name="v:0", initializer_name="w")])
    assert told(meta, ["s"]) == [("WriteFile", "w", ("(init op)",))]
    meta.collection_def["legacy_init_op"].node_list.value.append("y")
    assert told(meta, ["s"]) == []


def test_an_object_graph_beside_another_meta_graph_is_not_looked_at() -> None:
    """`tf.saved_model.load` takes the way of v1 models where there are two."""
    meta, _ = objects_by_hand()
    meta.graph_def.node.extend([const("a", "x"), EVIL])
    meta.collection_def["table_initializer"].node_list.value.append("w")
    assert told(meta, ["s"]) == [("WriteFile", "w", ("(init op)",))]


@pytest.mark.parametrize("place", ["signature", "saved_model_main_op", "legacy_init_op"])
def test_the_first_init_op_counts(place: str) -> None:
    order = ["signature", "saved_model_main_op", "legacy_init_op"]
    for op in ("w", "y"):  # the one at the place is another than those after it
        meta = v1_model()
        for one in order[order.index(place) :]:
            name = op if one == place else {"w": "y", "y": "w"}[op]
            if one == "signature":
                init = meta.signature_def["__saved_model_init_op"]
                init.outputs["__saved_model_init_op"].name = name
            else:
                meta.collection_def[one].node_list.value.append(name)
        assert told(meta, ["s"]) == [("WriteFile", "w", ("(init op)",))] * (op == "w")


@pytest.mark.parametrize("field", ["variable_name", "snapshot_name"])
def test_a_saver_made_of_the_collections_assigns_to_what_they_name(field: str) -> None:
    """With a SaverDef, too: its restore op may ask for a key that an object-based checkpoint does not have."""
    meta = v1_model()
    meta.graph_def.node.append(node("h", "VarHandleOp", "^w", shared_name="v"))
    meta.graph_def.node.append(node("hr", "ReadVariableOp", "h"))
    names = {
        "variable_name": "v:0",
        "snapshot_name": "read:0",
        field: "h:0" if field == "variable_name" else "hr:0",
    }
    meta.collection_def["variables"].bytes_list.value[:] = [variable(**names)]
    assert told(meta, ["s"]) == [("WriteFile", "w", ("(restore)",))]


def test_a_saver_takes_what_the_collection_of_saveables_names() -> None:
    meta = v1_model()
    meta.collection_def["saveable_objects"].node_list.value.append("w")
    assert told(meta, ["s"]) == [("WriteFile", "w", ("(restore)",))]


def test_initialisers_of_variables_that_are_restored_do_not_run() -> None:
    meta = v1_model()
    meta.collection_def["variables"].bytes_list.value[:] = [
        variable(variable_name="v:0", initializer_name="w")
    ]
    meta.collection_def["my_own"].node_list.value.append("w")
    assert told(meta, ["s"]) == []


# -- what shape inference computes


def shaped(*nodes: Any) -> Any:
    """A graph with a signature that reaches none of these."""
    return meta_graph(graph(*nodes, node("y", "NoOp")), s=({}, {"y": "y:0"}))


def debug(source: str) -> Any:
    return node("d", "DebugIdentity", source, T=3)


NUMBERS = node("c", "Const", dtype=3)
SHAPES = {
    "reshape": ((NUMBERS, debug("c"), node("r", "Reshape", "x", "d", T=1, Tshape=3)), True),
    "through other ops": (
        (NUMBERS, debug("c"), node("n", "Neg", "d", T=3), node("f", "Fill", "n", "x", index_type=3)),
        True,
    ),
    "the shape of an input": (
        (node("p", "Placeholder", dtype=1), node("s", "Shape", "p", T=1), debug("s"), node("f", "Fill", "d", "x")),
        True,
    ),
    "a file": (
        (
            const("c", "f"),
            node("d", "ReadFile", "c"),
            node("i", "DecodeRaw", "d", out_type=3),
            node("f", "Fill", "i", "x", index_type=3),
        ),
        True,
    ),
    "what is restored": ((const("c", "f"), node("d", "ReadFile", "c"), node("r", "RestoreV2", "x", "x", "d")), True),
    "an op of nobody": ((NUMBERS, node("d", "Mine", "c"), node("f", "Fill", "d", "x", index_type=3)), True),
    "of an input": ((node("p", "Placeholder", dtype=3), debug("p"), node("f", "Fill", "d", "x", index_type=3)), False),
    "of a variable": ((node("p", "VarHandleOp"), debug("p"), node("f", "Fill", "d", "x", index_type=3)), False),
    "no shape": ((NUMBERS, debug("c"), node("n", "Neg", "d", T=3), node("a", "AddV2", "n", "d", T=3)), False),
    "a picture": ((const("c", "f"), node("d", "ReadFile", "c"), node("i", "DecodeJpeg", "d")), False),
    "a stateful op": ((const("c", "f"), node("d", "WriteFile", "c", "c"), node("f", "Fill", "d", "x")), False),
    "control only": ((NUMBERS, debug("c"), node("f", "Fill", "c", "x", "^d", index_type=3)), False),
    "a loop": (
        (debug("m"), node("m", "Merge", "c", "n", T=3), NUMBERS, node("n", "NextIteration", "d", T=3),
         node("f", "Fill", "d", "x", index_type=3)),
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_constants_behind_shapes_run_while_the_graph_is_imported(name: str) -> None:
    nodes, runs = SHAPES[name]
    found = told(shaped(*nodes), ["s"])
    assert [one for one in found if one[1] == "d"] == [(nodes_by(nodes)["d"], "d", ("(import)",))] * runs
    library = [function("unused", [], *nodes)]
    meta = meta_graph(graph(node("y", "NoOp"), functions=library), s=({}, {"y": "y:0"}))
    assert [one.path for one in unsafe_ops(MetaGraph(meta), ["s"]) if one.node == "d"] == [("unused",)] * runs


def nodes_by(nodes: Any) -> dict[str, str]:
    return {one.name: one.op for one in nodes}


def test_a_node_that_calls_a_function_is_not_run_for_a_shape() -> None:
    one = debug("c")
    one.attr["f"].CopyFrom(attr(Func("anything")))
    assert told(shaped(NUMBERS, one, node("f", "Fill", "d", "x", index_type=3)), ["s"]) == []


def test_a_long_chain_of_constants_is_followed() -> None:
    count = 1500
    names = ["d", *(f"n{at}" for at in range(count))]
    chain = [node(name, "Neg", before, T=3) for before, name in pairwise(names)]
    (found,) = told(
        shaped(NUMBERS, debug("c"), *chain, node("f", "Fill", names[-1], "x", index_type=3)), ["s"]
    )
    assert found == ("DebugIdentity", "d", ("(import)",))


def test_the_scan_tells_every_way() -> None:
    meta, ids = objects_by_hand()
    CASES[0].edit(meta.object_graph_def, ids)
    meta.object_graph_def.nodes[ids["table"]].children.add(
        local_name="_destroy_resource", node_id=ids["writes"]
    )
    (one,) = [found for found in scan(MetaGraph(meta)) if found.path == ("writes",)]
    assert isinstance(one, Danger)
    assert one.signatures == ("(load)", "(delete)", "writes")
