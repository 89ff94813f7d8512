"""Extract: a part between given tensors, with what its outputs need and nothing else; it can be loaded and trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.tools import call
from tests.protos import Func, Shape, function, graph, meta_graph, node, strings, write
from tests.sampling import plainly
from tests.sharing import once
from tests.surgery.tiny import doubler
from tests.surgery.tools import Refused, changed, codes, draft_of, made, the
from tests.zoo import Example
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint import bundle_write
from workbench.disk.checkpoint.bundle_read import Bundle
from workbench.graph.level import Level
from workbench.model import Model, open_model, shapes
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.extract import Extract
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.operations.set import Set
from workbench.surgery.plan import Plan
from workbench.surgery.step import parse_step, print_step

STRING, RESOURCE = dtypes.STRING, dtypes.RESOURCE
NAMES = ("w", "b", "unused")


def saved(folder: Path) -> Model:
    """`go` gives `h = x * w` and `y = h + b + z`; `noted` is a constant. Three variables, of which one is not read."""
    both = function(
        "both",
        ["x", f"w:{RESOURCE}", f"b:{RESOURCE}", "z"],
        node("read_w", "ReadVariableOp", "w", dtype=1),
        node("mul", "Mul", "x", "read_w:value:0", T=1),
        node("read_b", "ReadVariableOp", "b", dtype=1),
        node("add", "AddV2", "mul:z:0", "read_b:value:0", T=1),
        node("last", "AddV2", "add:z:0", "z", T=1),
        returns={"h": "mul:z:0", "y": "last:z:0"},
    )
    main = [
        node("x", "Placeholder", dtype=1, shape=Shape((None, 2))),
        node("z", "Placeholder", dtype=1, shape=Shape((None, 2))),
        *(node(name, "VarHandleOp", dtype=1, shape=Shape((2,)), shared_name=name) for name in NAMES),
        node(
            "go",
            "StatefulPartitionedCall",
            "x",
            "w",
            "b",
            "z",
            f=Func("both"),
            Tin=[1, RESOURCE, RESOURCE, 1],
            Tout=[1, 1],
        ),
        node("noted", "Const", dtype=1, value=number()),
        node("file", "Placeholder", dtype=STRING, shape=Shape(())),
        node("names", "Const", dtype=STRING, value=strings(*NAMES)),
        node("slices", "Const", dtype=STRING, value=strings("", "", "")),
        node("restore", "RestoreV2", "file", "names", "slices", dtypes=[1, 1, 1]),
        *(
            node(f"assign_{at}", "AssignVariableOp", name, f"restore:{at}", dtype=1)
            for at, name in enumerate(NAMES)
        ),
        node("restore_all", "NoOp", *(f"^assign_{at}" for at in range(3))),
        node("save", "Identity", "file", T=STRING),
    ]
    meta = meta_graph(
        graph(*main, functions=[both, function("other", ["a"], node("n", "Neg", "a", T=1))]),
        serving_default=({"first": "x:0", "second": "z:0"}, {"h": "go:0", "y": "go:1", "noted": "noted:0"}),
    )
    saver = meta.saver_def
    saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name = (
        "file:0",
        "save:0",
        "restore_all",
    )
    write(folder, meta)
    values = {name: (1, (2,), np.float32([at, at + 0.5]).tobytes()) for at, name in enumerate(NAMES)}
    bundle_write.write(folder / "variables" / "variables", values)
    return open_model(folder)


def number() -> schema.TensorProto:
    found = schema.TensorProto(dtype=1, float_val=[1.0])
    found.tensor_shape.SetInParent()
    return found


def part(model: Model, *steps: Extract) -> Draft:
    draft = made(model, *steps)
    assert list(draft.meta.signatures) == ["serving_default"] and list(draft.references) == [
        "serving_default"
    ]
    return draft


def ends(draft: Draft) -> tuple[dict[str, str], dict[str, str]]:
    signature = draft.meta.signatures["serving_default"]
    return (
        {key: port.tensor for key, port in signature.inputs.items()},
        {key: port.tensor for key, port in signature.outputs.items()},
    )


def variables(draft: Draft) -> list[str]:
    """The variables of the result, each restored from a key that is in its checkpoint, by one saver."""
    bundle = draft.workspace.bundle()
    found = [one.key for one in draft.meta.variables]
    assert bundle is None or sorted(map(str, found)) == sorted(bundle)
    return [one.name for one in draft.meta.variables]


def test_one_result_of_a_call_brings_what_it_needs(tmp_path: Path) -> None:
    """The call is inlined, since its other result needs another variable and another input."""
    draft = part(saved(tmp_path / "m"), Extract({"h": "h"}))
    assert ends(draft) == ({"first": "x:0"}, {"h": "go/result_0:0"})
    assert variables(draft) == ["w"] and not draft.meta.functions
    assert not {"z", "b", "unused", "go", "noted", "restore", "file"} & draft.meta.nodes.keys()
    assert draft.meta.nodes["go/mul"].op == "Mul"
    told = the(draft.findings, "extract-done").message
    assert "1 variable (8 bytes)" in told and "the model 16, 2, 3 and 0" in told


def test_a_whole_call_stays(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"a": "h", "b": "y"}))
    assert ends(draft) == ({"first": "x:0", "second": "z:0"}, {"a": "go:0", "b": "go:1"})
    assert variables(draft) == ["w", "b"] and list(draft.meta.functions) == ["both"]
    assert draft.references["serving_default"].inlined is None


def test_any_tensor_can_be_an_input(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"y": "y"}, {"hidden": "go::mul:0", "z": "z:0"}))
    assert ends(draft) == ({"hidden": "hidden:0", "z": "z:0"}, {"y": "go/result_1:0"})
    placeholder = draft.meta.nodes["hidden"]
    assert placeholder.op == "Placeholder" and placeholder.attr["dtype"].type == 1
    assert shapes.from_proto(placeholder.attr["shape"].shape) == (None, 2)
    assert list(draft.meta.nodes["go/add"].input) == ["hidden", "go/read_b"]
    assert variables(draft) == ["b"] and "x" not in draft.meta.nodes
    (stage,) = chain(draft, "serving_default").stages
    assert set(stage.feeds) == {"go/mul:0", "z:0"} and set(stage.fetches) == {"go:1"}


def test_its_checkpoint_has_the_values_of_its_variables(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"y": "y"}, {"hidden": "go::mul:0", "z": "z:0"}))
    bundle_write.join(draft.checkpoint.parts, tmp_path / "v" / "variables", extra=draft.checkpoint.tensors)
    written = Bundle.open(tmp_path / "v" / "variables")
    assert list(written) == ["b"] and written.raw("b") == np.float32([1, 1.5]).tobytes()
    assert written.nbytes == 8 and sum(path.stat().st_size for path in written.shards) == 8


def test_its_saver_restores_and_saves_its_variables(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"y": "y"}))
    nodes, saver = draft.meta.nodes, draft.meta.proto.saver_def
    names = (saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name)
    assert names == ("save/filename:0", "save/control_dependency:0", "save/restore_all")
    restore, save = nodes["save/RestoreV2"], nodes["save/SaveV2"]
    for one in (restore, save):
        assert list(nodes[one.input[1]].attr["value"].tensor.string_val) == [b"w", b"b"]
        assert list(one.attr["dtypes"].list.type) == [1, 1]
    assert [list(nodes[text[1:]].input) for text in nodes["save/restore_all"].input] == [
        ["w", "save/RestoreV2"],
        ["b", "save/RestoreV2:1"],
    ]
    assert [nodes[name].op for name in save.input[3:]] == ["ReadVariableOp"] * 2


def test_placeholders_without_a_key_are_inputs_under_their_names(tmp_path: Path) -> None:
    model = (
        doubler(tmp_path / "m")
        .placeholder("scope/other")
        .node("sum", "AddV2", "y", "scope/other", T="float32")
    )
    draft = part(open_model(model.save()), Extract({"sum": "sum:0"}))
    assert ends(draft)[0] == {"x": "x:0", "other": "scope/other:0"}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Extract({}), "extract-nothing"),
        (Extract({"": "h"}), "signature-key-name"),
        (Extract({"h": "h"}, {"class": "x:0"}), "signature-key-name"),
        (Extract({"h": "nope"}), "R1-unknown"),
        (Extract({"h": "go::nope"}), "R1-tensor"),
        (Extract({"h": "h"}, {"x": "w:0"}), "R3-resource"),
        (Extract({"h": "h"}, {"a": "x:0", "b": "x:0"}), "signature-shared-input"),
        (Extract({"y": "y"}, {"a": "x:0"}), "signature-unfeedable"),
        (Extract({"h": "h"}, signature="nope"), "R1-signature"),
    ],
    ids=str,
)
def test_what_can_not_be_extracted(tmp_path: Path, step: Extract, code: str) -> None:
    found = changed(saved(tmp_path / "m"), step)
    assert isinstance(found, Refused) and codes(found.findings, "error") == [code]


def test_an_input_that_is_missing_is_named(tmp_path: Path) -> None:
    found = changed(saved(tmp_path / "m"), Extract({"y": "y"}, {"a": "x:0"}))
    assert "1 placeholder that no input feeds: z." in the(found.findings, "signature-unfeedable").message


def test_a_fault_of_a_body_is_the_source_s(tmp_path: Path) -> None:
    """The quick look at a result counts inputs in the main graph alone, where inlining puts what is in bodies."""
    body = function("f", ["x"], node("add", "AddV2", "x", T=1), node("neg", "Neg", "x", T=1))
    body.signature.output_arg.add(name="a", type=1)
    body.signature.output_arg.add(name="b", type=1)
    body.ret["a"], body.ret["b"] = "add:z:0", "neg:y:0"
    main = [
        node("x", "Placeholder", dtype=1, shape=Shape((2,))),
        node("go", "PartitionedCall", "x", f=Func("f"), Tin=[1], Tout=[1, 1]),
    ]
    meta = meta_graph(
        graph(*main, functions=[body]), serving_default=({"x": "x:0"}, {"a": "go:0", "b": "go:1"})
    )
    found = changed(open_model(write(tmp_path / "m", meta)), Extract({"a": "a"}))
    assert isinstance(found, Refused) and the(found.findings, "input-count").where == "f::add"


def test_ends_that_do_not_meet_are_reported(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"h": "h", "noted": "noted"}, {"x": "x:0", "z": "z:0"}))
    assert the(draft.findings, "extract-constant").where == "noted"
    assert the(draft.findings, "signature-unused-input").where == "z"


def test_a_model_without_variables_has_no_checkpoint(tmp_path: Path) -> None:
    draft = part(saved(tmp_path / "m"), Extract({"noted": "noted"}))
    assert ends(draft) == ({}, {"noted": "noted:0"}) and draft.checkpoint.how == "drop"
    assert not draft.meta.proto.HasField("saver_def") and not draft.files


def test_other_steps_before_and_after(tmp_path: Path) -> None:
    draft = made(saved(tmp_path / "m"), Set("second", [[1.0, 2.0]]), Extract({"y": "y"}))
    assert ends(draft)[0] == {"first": "x:0"}
    (stage,) = chain(draft, "serving_default").stages
    assert set(stage.feeds) == {"x:0", "z:0"}
    again = made(saved(tmp_path / "n"), Extract({"a": "h", "y": "y"}), Extract({"b": "a"}), Flatten())
    assert ends(again) == ({"first": "x:0"}, {"b": "go/result_0:0"}) and variables(again) == ["w"]
    frozen = made(saved(tmp_path / "o"), Extract({"h": "h"}), Freeze())
    assert not frozen.meta.variables and frozen.checkpoint.how == "drop"


def test_a_new_head_on_old_features(tmp_path: Path) -> None:
    """Extracting from what was joined leaves behind what the new head does not need of the old model."""
    join = Plan.join(a=saved(tmp_path / "m").path, b=doubler(tmp_path / "b").save(), wires=[("go::mul", "x")])
    whole = draft_of(join)
    assert [one.name for one in whole.meta.variables] == ["a/w", "a/b", "a/unused"]
    draft = draft_of(replace(join, steps=(*join.steps, Extract({"y": "y"}))))
    assert [one.name for one in draft.meta.variables] == ["a/w"]
    bundle = draft.workspace.bundle()
    assert bundle is not None and set(bundle) == {"a/w", "a/w/.ATTRIBUTES/VARIABLE_VALUE"}
    assert [stage.name for stage in chain(draft, "serving_default").stages] == ["a", "b"]


def test_in_words() -> None:
    """A key that is not given is the last part of the tensor's name."""
    step = Extract({"mul": "go::a/mul:0", "z_1": "z:1", "y": "other#y"}, {"hidden": "go::mul"})
    assert parse_step("extract outputs=go::a/mul:0 outputs=z:1 outputs=other#y inputs=hidden=go::mul") == step
    assert parse_step(print_step(step)) == step


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "m").path
    done = call(
        capsys,
        "extract",
        path,
        "--outputs",
        "h",
        "second=y",
        "--inputs",
        "first",
        "second",
        "--dry-run",
        "-q",
    )
    assert done.code == 0, done
    done = call(capsys, "extract", path, "--outputs", "nope", "--dry-run")
    assert done.code == 2 and "nope" in done.err


# -- with TensorFlow


def module(folder: Path) -> Path:
    """An encoder with two layers and a table of a file; two heads."""
    import tensorflow as tf

    (folder / "words.txt").write_text("bee\nant\n")

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.one = tf.Variable(tf.reshape(tf.range(12.0), (4, 3)) / 10, name="one")
            self.two = tf.Variable(tf.ones((3, 2)), name="two")
            self.other = tf.Variable(tf.ones(1000), name="other")
            file = tf.lookup.TextFileInitializer(
                str(folder / "words.txt"),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            )
            self.words = tf.lookup.StaticHashTable(file, -1)

        @tf.function  # type: ignore[untyped-decorator]
        def encode(self, x: Any) -> Any:
            return tf.tanh(tf.matmul(x, self.one), name="hidden")

        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[
                tf.TensorSpec([None, 4], name="x"),
                tf.TensorSpec([None], tf.string, name="word"),
            ]
        )
        def serve(self, x: Any, word: Any) -> Any:
            scores = tf.matmul(self.encode(x), self.two)
            return {
                "scores": tf.nn.relu(scores, name="scores"),
                "id": self.words.lookup(word),
                "size": tf.reduce_sum(self.other) + scores,
            }

    model = Module()
    tf.saved_model.save(model, str(folder / "model"), signatures=model.serve)
    return folder / "model"


@pytest.fixture(scope="module")
def encoder(shared: Path) -> Model:
    return open_model(once(shared, "extract_encoder", module))


def address(model: Model, name: str) -> str:
    """The first address of a node inside calls."""
    found = next(level for level in Level.of(model.meta).levels() if name in level.nodes)
    return found.full_name(f"{name}:0")


@pytest.mark.needs_tf
def test_features_of_a_tf2_model_are_trained_and_saved_again(
    encoder: Model, tmp_path: Path, child: Child
) -> None:
    import tensorflow as tf

    draft = part(encoder, Extract({"features": address(encoder, "hidden")}))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert not (tmp_path / "out" / "assets").exists()
    result = open_model(tmp_path / "out")
    assert [one.title for one in result.meta.variables] == ["one"] and result.meta.has_object_graph
    assert result.bundle is not None and result.bundle.nbytes < 500, "of 4 kB that the model has"

    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    wanted = np.tanh(x @ (np.arange(12, dtype="float32").reshape(4, 3) / 10))
    np.testing.assert_allclose(loaded(x), wanted, rtol=1e-5)
    (weights,) = loaded.trainable_variables
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loaded(x) ** 2)
    weights.assign_sub(0.1 * tape.gradient(loss, weights))
    assert float(tf.reduce_sum(loaded(x) ** 2)) < float(loss)
    tf.saved_model.save(loaded, str(tmp_path / "again"), signatures=loaded.signatures)
    again = run(tmp_path / "again", {"x": x}, child=child)
    np.testing.assert_allclose(again["features"], loaded(x), rtol=1e-5)


@pytest.mark.needs_tf
def test_a_head_and_a_table(encoder: Model, tmp_path: Path, child: Child) -> None:
    import tensorflow as tf

    head = part(encoder, Extract({"scores": "scores"}, {"features": address(encoder, "hidden")}))
    report = commit(head, tmp_path / "head", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "head")
    assert [one.title for one in result.meta.variables] == ["two"] and not result.meta.assets
    assert (
        str(result.meta.signature()) == "serving_default(features: float32 [?,3]) -> (scores: float32 [?,2])"
    )

    table = part(encoder, Extract({"id": "id"}))
    assert commit(table, tmp_path / "table", child=child).verdict == "verified"
    assert [path.name for path in (tmp_path / "table" / "assets").iterdir()] == ["words.txt"]
    result = open_model(tmp_path / "table")
    assert result.meta.has_object_graph and not [one for one in result.meta.variables if one.key is not None]
    found = run(tmp_path / "table", {"word": [b"ant", b"cat"]}, child=child)
    assert found["id"].tolist() == [1, -1]
    assert tf.saved_model.load(str(tmp_path / "table"))([b"ant", b"cat"]).numpy().tolist() == [1, -1]


@pytest.mark.needs_tf
def test_a_new_head_is_joined_and_verified(encoder: Model, tmp_path: Path, child: Child) -> None:
    head = part(encoder, Extract({"scores": "scores"}, {"features": address(encoder, "hidden")}))
    assert commit(head, tmp_path / "head", child=child).verdict == "verified"
    wire = (address(encoder, "hidden"), "features")
    join = Plan.join(old=encoder.path, new=tmp_path / "head", wires=[wire])
    draft = draft_of(replace(join, steps=(*join.steps, Extract({"scores": "scores"}))))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out")
    assert [one.title for one in result.meta.variables] == ["old/one", "new/two"]
    assert result.meta.has_object_graph and list(result.meta.signature().inputs) == ["x"]


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("name", "ending"),
    plainly(
        [
            ("keras_conv", "Relu"),
            ("keras_saved", "MatMul"),
            ("v1_ref_partitioned", ""),
            ("v1_vocabulary_table", ""),
            ("v1_while", ""),
            ("graphdef_pb", ""),
            ("v1_sparse_output", ""),
        ],
        *[
            ("keras_saved", "MatMul"),
            ("v1_ref_partitioned", ""),
            ("v1_vocabulary_table", ""),
            ("v1_while", ""),
        ],
        ("graphdef_pb", ""),
    ),
)
def test_models_of_the_zoo(
    zoo: Callable[[str], Example], tmp_path: Path, child: Child, name: str, ending: str
) -> None:
    """All outputs of a signature, or the first node inside calls whose name ends so."""
    example = zoo(name)
    model = open_model(example.path, example.tags if example.path.is_dir() else None)
    signature = model.meta.signature(example.signature)
    outputs = {key: key for key in signature.outputs}
    if ending:
        levels = [level for level in Level.of(model.meta).levels() if level.calls]
        outputs = {"inner": next(one.full_name(n) for one in levels for n in one.nodes if n.endswith(ending))}
    draft = part(model, Extract(outputs, signature=signature.key))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert open_model(tmp_path / "out").meta.has_object_graph == model.meta.has_object_graph
