"""Expose: tensors of the graph become outputs of a signature; all else stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protos import Func, Shape, function, graph, meta_graph, node, write
from tests.sampling import plainly
from tests.sharing import once
from tests.surgery.tiny import doubler
from tests.surgery.tools import Refused, changed, codes, draft_of, findings_of, made, the
from tests.zoo import Example
from workbench.findings import Finding
from workbench.graph.level import Level
from workbench.model import Model, open_model, shapes
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.exposing.exposed_tensors import find_tensors
from workbench.surgery.operations.expose import Expose
from workbench.surgery.operations.extract import Extract
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.set import Set
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan
from workbench.surgery.signatures.changes import Added
from workbench.surgery.step import parse_step, print_step

INNER = "go::deep::sq:0"


def functions() -> list[Any]:
    """`outer` calls `inner`, has an If and reads a resource."""
    inner = function(
        "inner",
        ["a"],
        node("sq", "Square", "a", T=1),
        node("neg", "Neg", "sq:y:0", T=1),
        returns={"out": "neg:y:0"},
    )
    branch = function("branch", ["a"], node("in_branch", "Neg", "a", T=1), returns={"out": "in_branch:y:0"})
    outer = function(
        "outer",
        ["x"],
        node("deep", "PartitionedCall", "x", f=Func("inner"), Tin=[1], Tout=[1]),
        node(
            "if",
            "If",
            "x",
            "x",
            then_branch=Func("branch"),
            else_branch=Func("branch"),
            Tcond=1,
            Tin=[1],
            Tout=[1],
        ),
        node("handle", "VarHandleOp", dtype=1, shape=Shape(())),
        node("odd", "NobodyKnows"),
        returns={"y": "deep:output:0"},
    )
    outer.attr["_input_shapes"].list.shape.add()
    return [inner, branch, outer]


def saved(folder: Path) -> Model:
    """`y = outer(x)` in two signatures; the second also has `z` of a placeholder of its own."""
    main = [
        node("x", "Placeholder", dtype=1, shape=Shape((None, 4))),
        node("own", "Placeholder", dtype=1, shape=Shape((None, 4))),
        node("go", "PartitionedCall", "x", f=Func("outer"), Tin=[1], Tout=[1]),
        node("again", "PartitionedCall", "own", f=Func("outer"), Tin=[1], Tout=[1]),
        node("after", "Neg", "go", T=1),
    ]
    meta = meta_graph(
        graph(*main, functions=functions()),
        serving_default=({"x": "x:0"}, {"y": "go:0"}),
        same=({"x": "x:0"}, {"y": "go:0"}),
        other=({"own": "own:0"}, {"z": "again:0"}),
    )
    return open_model(write(folder, meta))


def of(found: Draft, key: str = "serving_default") -> dict[str, str]:
    return {name: port.tensor for name, port in found.meta.signatures[key].outputs.items()}


def test_the_signature_has_the_outputs_and_nothing_else_changes(tmp_path: Path) -> None:
    model = saved(tmp_path / "m")
    draft = made(model, Expose({"inner": INNER, "main": "after", "alias": "%go"}))
    assert of(draft) == {"y": "go:0", "inner": "go:1", "main": "after:0", "alias": "go:0"}
    ports = draft.meta.signatures["serving_default"].outputs
    assert [shapes.typed(ports[key].dtype, ports[key].shape) for key in ("inner", "main")] == [
        "float32 [?,4]"
    ] * 2
    for key in ("same", "other"):
        assert draft.meta.proto.signature_def[key] == model.meta.proto.signature_def[key]
    assert draft.meta.nodes["again"] == model.meta.nodes["again"]
    assert draft.meta.functions["outer"] == model.meta.functions["outer"], "the call `again` uses it"
    assert "same" in draft.references and "other" not in draft.references, (
        "the call of `same` has outputs more"
    )


def test_it_is_compared_with_a_copy_whose_calls_are_inlined(tmp_path: Path) -> None:
    draft = made(saved(tmp_path / "m"), Expose({"inner": INNER, "main": "after"}))
    reference = draft.references["serving_default"]
    assert reference.outputs["inner"].tensors == ("go/deep/sq:0",)
    assert reference.inlined is not None and reference.inlined.nodes["go/deep/sq"].op == "Square"
    (stage,) = chain(draft, "serving_default").stages
    assert set(stage.fetches) == {"go:0", "go/deep/sq:0", "after:0"} and list(stage.feeds) == ["x:0"]
    (plain,) = chain(made(saved(tmp_path / "n"), Expose({"main": "after"})), "serving_default").stages
    assert set(plain.fetches) == {"go:0", "after:0"}


def test_two_steps(tmp_path: Path) -> None:
    """The second finds the clones under the same address, and its copy has what the first needs."""
    draft = made(
        saved(tmp_path / "m"), Expose({"one": INNER}), Expose({"two": "go::deep::neg", "three": INNER})
    )
    assert of(draft) == {"y": "go:0", "one": "go:1", "two": "go:2", "three": "go:3"}
    reference = draft.references["serving_default"]
    assert [reference.outputs[key].tensors[0] for key in ("one", "two", "three")] == [
        "go/deep/sq:0",
        "go/deep/neg:0",
        "go/deep/sq:0",
    ]


def test_after_other_steps(tmp_path: Path) -> None:
    flat = made(saved(tmp_path / "m"), Expose({"one": INNER}), Flatten(), Expose({"two": "go/deep/neg:0"}))
    assert flat.references["serving_default"].outputs["two"].tensors == ("go/deep/neg:0",)
    constant = made(
        saved(tmp_path / "n"), Set("own", [[1.0] * 4], "other"), Expose({"w": "again::deep::sq"}, "other")
    )
    assert constant.references["other"].constants and not constant.references["other"].inputs


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Expose({}), "expose-nothing"),
        (Expose({"": "go:0"}), "signature-key-name"),
        (Expose({"y": INNER}), "signature-key-taken"),
        (Expose({"a": INNER}, "nope"), "R1-signature"),
        (Expose({"a": "nope"}), "R1-unknown"),
        (Expose({"a": "go::deep::squ"}), "R1-tensor"),
        (Expose({"a": "go::depe::sq"}), "R1-call"),
        (Expose({"a": "go::deep::sq:1"}), "R1-output"),
        (Expose({"a": "go::deep::a"}), "R1-argument"),
        (Expose({"a": "go::handle"}), "R3-resource"),
        (Expose({"a": "go::odd"}), "R1-unknown-op"),
        (Expose({"a": "go::if::in_branch"}), "R1-inside-body"),
        (Expose({"a": "again::deep::sq"}), "signature-unfeedable"),
        (Expose({"a": "own"}), "signature-unfeedable"),
    ],
    ids=str,
)
def test_what_can_not_be_exposed(tmp_path: Path, step: Expose, code: str) -> None:
    found = changed(saved(tmp_path / "m"), step)
    assert isinstance(found, Refused) and codes(found.findings) == [code]


def test_findings_name_what_is_meant(tmp_path: Path) -> None:
    def finding(address: str, code: str) -> Finding:
        found = changed(saved(tmp_path / address.replace(":", "_")), Expose({"a": address}))
        return the(found.findings, code)

    assert "Inside calls there is go::deep::sq:0, again::deep::sq:0." in str(finding("sq", "R1-unknown").hint)
    assert "only one of its branches runs" in finding("go::if::in_branch", "R1-inside-body").message
    assert "sq, neg" in str(finding("go::deep::nope", "R1-tensor").hint)


def test_a_damaged_loop_is_named(tmp_path: Path) -> None:
    body = function("body", ["x"], node("in_body", "Neg", "x", T=1), returns={"y": "in_body:y:0"})
    main = [
        node("x", "Placeholder", dtype=1),
        node("loop", "While", "x", T=[1], body=Func("body"), cond=Func("lost")),
    ]
    meta = meta_graph(graph(*main, functions=[body]), serving_default=({"x": "x:0"}, {"y": "loop:0"}))
    found = changed(open_model(write(tmp_path / "m", meta)), Expose({"a": "loop::in_body"}))
    assert "lacks its body or its condition" in the(found.findings, "R1-inside-body").message


def test_all_that_is_wrong_is_reported_at_once(tmp_path: Path) -> None:
    found = changed(saved(tmp_path / "m"), Expose({"y": INNER, "b": "nope", "c": "go::handle"}))
    assert codes(found.findings) == ["signature-key-taken", "R1-unknown", "R3-resource"]


def test_it_is_written_as_a_step() -> None:
    step = Expose({"inner": INNER, "b": "LOOP[body]::x:1"}, iterations=5)
    text = "expose tensors=inner=go::deep::sq:0 'tensors=b=LOOP[body]::x:1' iterations=5"
    assert print_step(step) == text and parse_step(text) == step


def test_after_a_join(tmp_path: Path) -> None:
    """A tensor of the main graph is that of its model; one inside calls has no copy to be compared with."""
    join = Plan.join(a=saved(tmp_path / "m").path, b=doubler(tmp_path / "b").save(), wires="y=x")
    draft = draft_of(replace(join, steps=(*join.steps, Expose({"mid": "a/go"}))))
    assert draft.references["serving_default"].outputs["mid"].tensors == ("go:0",)
    assert [stage.name for stage in chain(draft, "serving_default").stages] == ["a", "b"]
    found = findings_of(replace(join, steps=(*join.steps, Expose({"inner": "a/go::deep::sq"}))))
    assert "step-lineage" in codes(found)


def test_as_another_signature(tmp_path: Path) -> None:
    model = saved(tmp_path / "m")
    draft = made(model, Expose({"inner": INNER}, as_key="more"))
    assert of(draft, "more") == {"y": "go:0", "inner": "go:1"} and of(draft) == {"y": "go:0"}
    assert list(draft.references) == ["more", "serving_default", "same"]


def test_a_graphdef(tmp_path: Path) -> None:
    nodes = [
        node("x", "Placeholder", dtype=1, shape=Shape((None, 4))),
        node("mid", "Neg", "x", T=1),
        node("y", "Neg", "mid", T=1),
    ]
    (tmp_path / "g.pb").write_bytes(graph(*nodes).SerializeToString())
    draft = made(open_model(tmp_path / "g.pb"), Expose({"feat": "mid"}))
    assert of(draft) == {"y": "y:0", "feat": "mid:0"}


# -- with TensorFlow


def module(folder: Path) -> Path:
    """Functions in functions, one called twice; a loop; a table; a custom gradient. Two signatures and `__call__`."""
    import tensorflow as tf

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.w = tf.Variable(tf.reshape(tf.range(12.0), (4, 3)) / 10)
            self.v = tf.Variable(0.5)
            keys = tf.constant([0, 1], tf.int64)
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(keys, tf.constant([5.0, 6.0])), 0.0
            )

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def clipped(self, x: Any) -> Any:
            return tf.tanh(x), lambda dy: dy * 3.0

        @tf.function  # type: ignore[untyped-decorator]
        def inner(self, x: Any) -> Any:
            hidden = tf.nn.relu(tf.matmul(x, self.w), name="hidden")
            return self.clipped(hidden) + self.table.lookup(tf.constant(1, tf.int64))

        @tf.function  # type: ignore[untyped-decorator]
        def twice(self, x: Any) -> Any:
            return self.inner(x) + self.inner(2.0 * x)

        @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            def body(i: Any, value: Any) -> Any:
                return i + 1, tf.sin(value * self.v, name="wave") + value

            return tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), self.twice(x)])[1]

    made = Module()
    tf.saved_model.save(
        made,
        str(folder),
        signatures={
            "serving_default": made.__call__,
            "other": made.twice.get_concrete_function(tf.TensorSpec([2, 4], name="x")),
        },
    )
    return folder


def places(model: Model, *endings: str) -> list[str]:
    """The first address below the default signature's call that ends in each of these."""
    call = next(iter(model.meta.signature().outputs.values())).tensor.partition(":")[0]
    known = [
        level.full_name(f"{name}:0")
        for level in Level.of(model.meta).levels()
        if level.calls and level.calls[0].node == call
        for name in level.nodes
    ]
    return [next(one for one in known if one.endswith(f"{ending}:0")) for ending in endings]


@pytest.fixture(scope="module")
def nested(shared: Path) -> Model:
    return open_model(once(shared, "expose_nested", module))


@pytest.mark.needs_tf
def test_inner_tensors_of_a_tf2_model(nested: Model, tmp_path: Path, child: Child) -> None:
    import tensorflow as tf

    hidden, wave = places(nested, "hidden", "wave")
    assert hidden.count("::") >= 3 and "[body]" in wave
    draft = made(nested, Expose({"hidden": hidden, "wave": wave, "first": wave}, iterations=2))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out")
    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    values = run(result, {"x": x}, child=child)
    w = np.arange(12, dtype="float32").reshape(4, 3) / 10
    np.testing.assert_allclose(values["hidden"], np.maximum(x @ w, 0), rtol=1e-5)
    start = np.tanh(values["hidden"]) + np.tanh(np.maximum(2 * x @ w, 0)) + 12
    np.testing.assert_allclose(values["wave"][0], np.sin(start / 2), rtol=1e-4)
    assert values["wave"].shape == (2, 2, 3), "three iterations, of which two are kept"
    for name in ("functions", "nodes"):
        before, after = getattr(nested.meta, name), getattr(result.meta, name)
        assert all(
            after[key] == one for key, one in before.items() if key in after and key not in draft_calls(draft)
        )

    loaded, source = tf.saved_model.load(str(tmp_path / "out")), tf.saved_model.load(str(nested.path))
    np.testing.assert_array_equal(loaded(x), source(x))
    found = []
    for one, key in ((loaded, "output_0"), (source, "output_0"), (loaded, "hidden")):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(one.signatures["serving_default"](x=tf.constant(x))[key])
        found.append(tape.gradient(loss, [one.w, one.v]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)
    np.testing.assert_allclose(found[2][0], x.T @ (x @ w > 0).astype("float32"), rtol=1e-5)


def draft_calls(draft: Draft) -> set[str]:
    """The nodes of the main graph that got outputs."""
    return {port.tensor.partition(":")[0] for port in draft.signature.outputs.values()}


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "name",
    plainly(
        ["keras_conv", "keras_saved", "tf2_hash_table", "tf2_while", "v1_functions", "v1_while_functional"],
        *("keras_saved", "tf2_hash_table", "tf2_while", "v1_functions"),
    ),
)
def test_models_of_the_zoo(zoo: Callable[[str], Example], tmp_path: Path, child: Child, name: str) -> None:
    """The last tensor with a value of every body that the signature reaches by calls and loops."""
    example = zoo(name)
    model = open_model(example.path, example.tags)
    call = next(iter(model.meta.signatures[example.signature].outputs.values())).tensor.partition(":")[0]
    wanted = {}
    for level in Level.of(model.meta).levels():
        known = {
            node: level.full_name(node)
            for node in level.nodes
            if level.nodes[node].op not in ("Const", "Identity")
        }
        good = list(find_tensors(model.meta, known).found)
        if level.calls and good and (level.calls[0].node == call or name.startswith("v1")):
            wanted[f"inner_{len(wanted)}"] = known[good[-1]]
    draft = made(model, Expose(wanted, example.signature))
    report = commit(draft, tmp_path / "out", child=child)
    assert wanted and report.verdict == "verified", report.reason
    assert set(wanted) <= set(
        open_model(tmp_path / "out", example.tags).meta.signatures[example.signature].outputs
    )


@pytest.mark.needs_tf
@pytest.mark.parametrize("step", ["expose", "extract"])
def test_inside_a_callable(zoo: Callable[[str], Example], tmp_path: Path, child: Child, step: str) -> None:
    """A signature that an earlier step made of a callable is compared by the tensors of its call."""
    model = open_model(zoo("tf2_callables_only").path)
    add = ChangeSignature(add=[Added("made", {"x": "__call__#x"}, {"y": "__call__#output_0"})])
    before = made(model, add).meta
    call = before.signatures["made"].outputs["y"].tensor.partition(":")[0]
    inner = next(
        level.full_name(name)
        for level in Level.of(before).levels()
        for name, one in level.nodes.items()
        if level.calls and level.calls[0].node == call and one.op == "MatMul"
    )
    more = Expose({"inner": inner}) if step == "expose" else Extract({"inner": inner})
    report = commit(made(model, add, more), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
