"""Models are run once or twice: without Grappler, and with it where they run no other way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from tests.runtime.models import placeholder, save
from tests.zoo.example import tf
from workbench.disk import schema
from workbench.model import open_model
from workbench.probing.run import run
from workbench.runtime.chain import ModelRef
from workbench.runtime.child_process import unoptimised
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies

OWN = b"8\x01"  # ConfigProto {allow_soft_placement: true}
BROKEN = b"\x52\x7f"  # a message of 127 bytes, which are not there


def calling(*configs: str) -> Any:
    """A MetaGraph of a chain of calls with these configurations; the function calls another with the first."""
    calls = [
        node(
            f"c{i}", ("StatefulPartitionedCall", "PartitionedCall")[i % 2], "x", f=Func("f"), config_proto=one
        )
        for i, one in enumerate(configs)
    ]
    inner = node("c", "PartitionedCall", "a", f=Func("g"), config_proto=configs[0])
    functions = [
        function("f", ["a"], inner, returns={"r": "c:output:0"}),
        function("g", ["a"], node("n", "Neg", "a", T=1), returns={"r": "n:y:0"}),
    ]
    other = node("other", "MyOp", "x", config_proto="its own")
    bare = node("bare", "PartitionedCall", "x", f=Func("g"))
    return meta_graph(
        graph(node("x", "Placeholder", dtype=1), *calls, other, bare, functions=functions),
        serving_default=({"x": "x:0"}, {"y": "c0:0"}),
    )


def test_every_call_gets_the_configuration_and_nothing_else_changes() -> None:
    meta = calling("", OWN.decode(), BROKEN.decode())
    saved = schema.SavedModel(saved_model_schema_version=1, meta_graphs=[meta, meta])
    found = schema.SavedModel.FromString(unoptimised.saved_model(saved.SerializeToString()).data)
    for one, made in zip(saved.meta_graphs, found.meta_graphs, strict=True):
        nodes = made.graph_def.node
        assert [call.attr["config_proto"].s for call in nodes[1:4]] == [
            unoptimised.INLINING,
            OWN + unoptimised.INLINING,
            BROKEN,  # TensorFlow is to refuse what it refuses
        ]
        inner = made.graph_def.library.function[0].node_def[0]
        assert inner.attr["config_proto"].s == unoptimised.INLINING
        assert nodes[4].attr["config_proto"].s == b"its own"
        assert "config_proto" not in nodes[5].attr
        for call in (*nodes[1:4], inner):
            call.attr["config_proto"].s = b""
        for call in one.graph_def.node[1:4]:
            call.attr["config_proto"].s = b""
    assert found == saved


def test_what_calls_nothing_is_left_as_it_is() -> None:
    data = schema.GraphDef(node=[node("config_proto", "Neg", "x")]).SerializeToString()
    assert schema.GraphDef.FromString(unoptimised.graph_def(data).data) == schema.GraphDef.FromString(data)
    data = schema.GraphDef(node=[node("n", "Neg", "x")]).SerializeToString()
    assert unoptimised.graph_def(data).data is data


@pytest.mark.parametrize("calls", [True, False])
def test_a_result_is_loaded_without_being_changed(tmp_path: Path, calls: bool) -> None:
    meta = calling(OWN.decode()) if calls else meta_graph(graph(node("x", "Placeholder", dtype=1)))
    folder = write(tmp_path / "m", meta)
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").write_bytes(b"index")
    before = (folder / "saved_model.pb").read_bytes()
    with Copies() as copies:
        ref = copies.of_result(ModelRef(folder, shown=tmp_path / "target"))
        assert ref.shown == tmp_path / "target"
        assert (ref.path == folder) == (not calls)
        assert (ref.path / "variables" / "variables.index").read_bytes() == b"index"
        loaded = (ref.path / "saved_model.pb").read_bytes()
        assert loaded == (unoptimised.saved_model(before).data if calls else before)
        assert calls == (unoptimised.INLINING in loaded)
    assert (folder / "saved_model.pb").read_bytes() == before


def library(*calls: tuple[str, tuple[str, ...]], op: str = "PartitionedCall") -> bytes:
    """A GraphDef that calls `f0`; each function calls others."""
    made = [
        function(
            name,
            ["a"],
            *(node(f"c{i}", op, "a", f=Func(one), config_proto="") for i, one in enumerate(called)),
        )
        for name, called in calls
    ]
    called = node("c", "PartitionedCall", f=Func("f0"), config_proto="")
    return bytes(graph(called, functions=made).SerializeToString())


LEVELS = 40
TOWER = [(f"f{level}", (f"f{level + 1}",) * 2) for level in range(LEVELS)]


@pytest.mark.parametrize(
    ("data", "inlined"),
    [
        (library(("f0", ("f1", "f1")), ("f1", ())), True),
        (library(("f0", ("f0",))), False),
        (library(("f0", ("f1",)), ("f1", ("f0",)), op="If"), False),  # `f` stands for a branch
        (library(*TOWER, (f"f{LEVELS}", ())), False),
        (library(*((name, called[:1]) for name, called in TOWER), (f"f{LEVELS}", ())), True),
    ],
)
def test_functions_are_inlined_where_that_ends_soon(data: bytes, inlined: bool) -> None:
    found = unoptimised.graph_def(data)
    assert found.inline == inlined
    configs = {call.attr["config_proto"].s for call in schema.GraphDef.FromString(found.data).node}
    assert configs == {unoptimised.INLINING if inlined else unoptimised.CALLING}


@pytest.mark.needs_tf
def test_the_configuration_is_tensorflows_and_merges_into_a_calls_own() -> None:
    for config in (unoptimised.CALLING, unoptimised.INLINING):
        own = tf.compat.v1.ConfigProto.FromString(OWN + config)
        expected = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        expected.graph_options.rewrite_options.disable_meta_optimizer = True
        expected.graph_options.optimizer_options.opt_level = -1
        expected.graph_options.optimizer_options.do_function_inlining = config == unoptimised.INLINING
        assert own == expected


@pytest.mark.needs_tf
def test_no_call_of_any_depth_is_optimised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tf.Module()
    module.w = tf.Variable([2.0, 3.0])
    inner = tf.function(lambda x: tf.tanh(x * module.w + 1) + 2)
    loop = tf.function(lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, inner(y)), (0, x))[1])
    spec = tf.TensorSpec([None, 2], tf.float32, "x")
    module.f = tf.function(lambda x: {"y": loop(x) + inner(x)}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.f)
    x = np.ones((3, 2), np.float32)
    monkeypatch.setenv("TF_CPP_VMODULE", "meta_optimizer=1")  # "Starting optimization for grappler item: …"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with Child() as child:
        found = [run(tmp_path / "m", {"x": x}, loader=loader, child=child) for loader in ("v1", "v2")]
        assert child._process is not None
        log = bytes(child._process._log)  # `log_tail` leaves out what is no warning
        assert b"cpu_feature_guard" in log and b"meta_optimizer" not in log
    for one in found:
        np.testing.assert_allclose(one["y"], module.f(x)["y"].numpy(), rtol=1e-6)


@pytest.mark.needs_tf
def test_what_runs_only_with_grappler_runs(tmp_path: Path, child: Child) -> None:
    def build(v1: Any) -> Any:
        x = placeholder("float32", [None, 2, 2, 1])
        never = lambda: tf.raw_ops.MaxPool(  # noqa: E731 (no kernel does this, which is known when it is made)
            input=x, ksize=[2, 1, 1, 1], strides=[2, 1, 1, 1], padding="SAME"
        )
        y = v1.cond(tf.constant(False), never, lambda: tf.tanh(x) + 1)
        return {"x": x}, {"y": tf.identity(y, "y")}

    model = save(tmp_path / "m", build)
    x = np.ones((3, 2, 2, 1), np.float32)
    for loader in ("v1", "v2"):
        found = run(open_model(model.path), {"x": x}, loader=loader, child=child)  # type: ignore[arg-type]
        np.testing.assert_allclose(found["y"], np.tanh(x) + 1, rtol=1e-6)
