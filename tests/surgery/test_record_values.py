"""Recorders in a graph: what is added, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.disk.schema import MetaGraphDef
from workbench.graph.level import Level
from workbench.model import MetaGraph, open_model
from workbench.probing.places import value_at
from workbench.surgery.rewrite.record_values import Recorders, record_values

FLOAT = 1
INNER = function("inner", ["a:1"], node("h", "Neg", "a", T=FLOAT), returns={"out": "h:y:0"})
STEP = function(
    "step", ["a:1"],
    node("call", "PartitionedCall", "a", f=Func("inner"), Tin=[FLOAT], Tout=[FLOAT]),
    returns={"out": "call:output:0"},
)  # fmt: skip
COND = function("cond", ["a:1"], node("c", "Const", dtype=10), returns={"out": "c:output:0"})


def model(folder: Path) -> MetaGraph:
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=FLOAT),
            node("one", "PartitionedCall", "x", f=Func("inner"), Tin=[FLOAT], Tout=[FLOAT]),
            node("two", "PartitionedCall", "one", f=Func("inner"), Tin=[FLOAT], Tout=[FLOAT]),
            node("loop", "While", "two", cond=Func("cond"), body=Func("step"), T=[FLOAT]),
            node("y", "Exp", "loop", T=FLOAT),
            functions=(INNER, STEP, COND),
        ),
        serving_default=({"x": "x:0"}, {"y": "y:0"}),
    )
    return open_model(write(folder, meta)).meta


def recorded(meta: MetaGraph, *addresses: str) -> tuple[MetaGraphDef, Recorders]:
    proto = MetaGraphDef()
    proto.CopyFrom(meta.proto)
    root = Level.of(meta)
    values = [value for one in addresses if (value := value_at(root, one)) is not None]
    assert len(values) == len(addresses)
    return proto, record_values(proto, values)


def test_what_uses_a_value_waits_for_its_recorder(tmp_path: Path) -> None:
    proto, found = recorded(model(tmp_path / "m"), "loop:0", "y:0")
    nodes = {one.name: one for one in proto.graph_def.node}
    recorder, passed = nodes["recorded/loop_0/recorder"], nodes["recorded/loop_0/value"]
    assert (recorder.op, list(recorder.input), list(recorder.attr["Tin"].list.type)) == (
        "PyFunc",
        ["loop"],
        [FLOAT],
    )
    assert list(passed.input) == ["loop", "^recorded/loop_0/recorder"]
    assert list(nodes["y"].input) == ["recorded/loop_0/value"]
    assert found.passed["y:0"] == "recorded/y_0/value:0" and found.count == 2


def test_each_path_has_a_clone_of_its_own(tmp_path: Path) -> None:
    proto, found = recorded(model(tmp_path / "m"), "one::h:0", "two::h:0")
    nodes = {one.name: one for one in proto.graph_def.node}
    called = [nodes[name].attr["f"].func.name for name in ("one", "two")]
    assert called == ["inner_recorded", "inner_recorded_1"]
    library = {one.signature.name: one for one in proto.graph_def.library.function}
    assert library["inner"] == INNER
    assert library["inner_recorded"].ret["out"] == "recorded/h_0/value:output:0"
    assert len(library["inner_recorded"].signature.output_arg) == 1
    assert found.nodes == {0: "one", 1: "two"}


def test_markers_say_where_rounds_begin(tmp_path: Path) -> None:
    proto, found = recorded(model(tmp_path / "m"), "loop[body]::call::h:0")
    nodes = {one.name: one for one in proto.graph_def.node}
    assert found.loops == {0: [0]} and found.again == {0}
    assert list(found.starts.values()) == [[0]] and list(found.rounds.values()) == [0]
    assert "^recorded/loop_starts/recorder" in nodes["loop"].input
    assert nodes["loop"].attr["_lower_using_switch_merge"].b is False
    library = {one.signature.name: one for one in proto.graph_def.library.function}
    body = {one.name: one for one in library["step_recorded"].node_def}
    assert "^recorded/iteration/recorder" in body["call"].input


def test_python_ops_of_the_model_never_get_a_token_of_ours(tmp_path: Path) -> None:
    proto, found = recorded(model(tmp_path / "m"), "y:0")
    own = proto.graph_def.node.add(name="theirs", op="PyFunc")
    own.attr["token"].s = b"pyfunc_0"
    found.set_tokens(proto.graph_def, ["pyfunc_0"])
    nodes = {one.name: one for one in proto.graph_def.node}
    assert nodes["theirs"].attr["token"].s != b"pyfunc_0"
    assert nodes["recorded/y_0/recorder"].attr["token"].s == b"pyfunc_0"
    found.set_tokens(proto.graph_def, ["pyfunc_0"])
    assert nodes["recorded/y_0/recorder"].attr["token"].s == b"pyfunc_0"
