"""Reference variables become resource variables; what can't is left, and said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tiny import Tiny, doubler, plan
from tests.surgery.tools import Models, codes, draft_of, findings_of, plan_of
from tests.zoo import Example
from tests.zoo.example import numbers
from workbench.publishing.commit import commit
from workbench.surgery.draft import Draft


def variable(folder: Path) -> Tiny:
    """`y` = x + v, v a reference variable with its Assign, a read, and a saver-less init op."""
    made = Tiny(folder).placeholder().const("zero", 0)
    made.node("v", "VariableV2", dtype="float32", shape=(4,), shared_name=b"", container=b"")
    made.node("assign", "Assign", "v", "zero", T="float32", use_locking=True, validate_shape=True)
    made.node("read", "Identity", "v", T="float32").node("init", "NoOp", "^assign")
    made.node("y", "AddV2", "x", "read", T="float32").signature(x_in="x:0", y_out="y:0")
    made.meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    return made


def built(made: Tiny, tmp_path: Path, **options: Any) -> Draft:
    return draft_of(plan(made.save(), doubler(tmp_path / "other").save(), format="tf1", **options))


def op(draft: Draft, name: str) -> tuple[str, list[str]]:
    node = draft.meta.nodes[f"a/{name}"]
    return node.op, [text.replace("a/", "") for text in node.input]


def test_the_usual_rewriting(tmp_path: Path) -> None:
    draft = built(variable(tmp_path / "a"), tmp_path)
    assert op(draft, "v") == ("VarHandleOp", [])
    assert draft.meta.nodes["a/v"].attr["shared_name"].s == b"a/v"
    assert op(draft, "assign") == ("AssignVariableOp", ["v", "zero"])
    assert op(draft, "read") == ("ReadVariableOp", ["v"])
    assert op(draft, "y") == ("AddV2", ["x", "read"])
    assert draft.rewritten["references"] == 1
    assert "R7-ref-kept" not in codes(draft.findings)


def test_a_name_of_its_own_is_kept(tmp_path: Path) -> None:
    made = variable(tmp_path / "a")
    next(node for node in made.meta.graph_def.node if node.name == "v").attr["shared_name"].s = b"mine"
    assert built(made, tmp_path).meta.nodes["a/v"].attr["shared_name"].s == b"a/mine"


def test_ops_that_take_the_variable_itself(tmp_path: Path) -> None:
    """Each gets a read of its own, which waits for what the op waits for."""
    made = variable(tmp_path / "a").node("square", "Mul", "v", "v", "^x", T="float32")
    made.signature(square_out="square:0")
    draft = built(made, tmp_path, keep_outputs=True)
    name, inputs = op(draft, "square")
    assert name == "Mul" and inputs[2] == "^x"
    for text in inputs[:2]:
        assert op(draft, text) == ("ReadVariableOp", ["v", "^x"])


def test_what_an_assign_gives(tmp_path: Path) -> None:
    """Consumers of its output read the variable after it."""
    made = variable(tmp_path / "a").node("more", "AssignAdd", "v", "read", T="float32")
    made.node("after", "Identity", "more", T="float32").signature(after_out="after:0")
    draft = built(made, tmp_path, keep_outputs=True)
    assert op(draft, "more") == ("AssignAddVariableOp", ["v", "read"])
    assert op(draft, "after") == ("ReadVariableOp", ["v", "^more"])


@pytest.mark.parametrize("end", ["v", "more"])
def test_outputs_that_are_references(tmp_path: Path, end: str) -> None:
    made = variable(tmp_path / "a").node("more", "AssignAdd", "v", "zero", T="float32")
    made.signature(ref_out=(f"{end}:0", "float32_ref", (4,)))
    draft = built(made, tmp_path, keep_outputs=True)
    port = draft.meta.signatures["serving_default"].outputs["ref"]
    name = port.tensor.partition(":")[0].removeprefix("a/")
    assert op(draft, name) == ("ReadVariableOp", ["v"] if end == "v" else ["v", "^more"])
    assert port.dtype == 1


@pytest.mark.parametrize("scatter", ["ScatterUpdate", "ScatterAdd"])
def test_what_has_no_counterpart(tmp_path: Path, scatter: str) -> None:
    """Left as it is, and said; an output that is a reference gets an Identity, which loaders demand."""
    made = variable(tmp_path / "a").node("index", "Placeholder", dtype="int32")
    made.node("some", scatter, "v", "index", "x", T="float32", Tindices="int32")
    made.signature(ref_out=("some:0", "float32_ref", (4,)))
    draft = built(made, tmp_path, keep_outputs=True)
    (found,) = [one for one in draft.findings if one.code == "R7-ref-kept"]
    assert (found.severity, found.where) == ("warning", "a@v") and scatter in found.message and found.hint
    assert op(draft, "v")[0] == "VariableV2" and op(draft, "read") == ("Identity", ["v"])
    port = draft.meta.signatures["serving_default"].outputs["ref"]
    assert op(draft, port.tensor.partition(":")[0].removeprefix("a/")) == ("Identity", ["some"])
    assert draft.rewritten["references"] == 0


def test_an_unknown_op_takes_it(tmp_path: Path) -> None:
    made = variable(tmp_path / "a").node("odd", "NobodyKnows", "v").signature(odd_out="odd:0")
    found = findings_of(plan(made.save(), doubler(tmp_path / "b").save(), keep_outputs=True))
    assert [one.where for one in found if one.code == "R7-ref-kept"] == ["a@v"]


def test_a_shape_that_is_not_checked(tmp_path: Path) -> None:
    made = variable(tmp_path / "a")
    assign = next(node for node in made.meta.graph_def.node if node.name == "assign")
    assign.attr["validate_shape"].b = False
    assert built(made, tmp_path).meta.nodes["a/v"].attr["shape"].shape.unknown_rank


def test_is_initialized(tmp_path: Path) -> None:
    made = variable(tmp_path / "a").node("is", "IsVariableInitialized", "v", dtype="float32")
    made.signature(is_out=("is:0", "bool", ()))
    assert op(built(made, tmp_path, keep_outputs=True), "is") == ("VarIsInitializedOp", ["v"])


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "name", ["v1_ref_variables", "v1_ref_partitioned", "v1_ref_and_resource", "v1_while_ref"]
)
def test_a_loader_lists_them(models: Models, name: str, tmp_path: Path) -> None:
    """`loaded.variables`, empty for the source, has them all; no reference is left."""
    import tensorflow as tf

    draft = draft_of(plan_of(models, {"a": name, "b": "v1_no_variables"}, ["y=x"], format="tf1"))
    assert commit(draft, tmp_path / "merged", verify=False).published
    source = tf.saved_model.load(str(models(name).path))
    loaded = tf.saved_model.load(str(tmp_path / "merged"))
    assert len(getattr(source, "variables", ())) < len(loaded.variables)
    assert len(loaded.variables) == len(draft.parts["a"].meta.variables)
    assert not {"VariableV2", "Variable", "Assign"} & set(draft.meta.main_ops)


@pytest.mark.needs_tf
def test_counting_goes_on(zoo: Callable[[str], Example], tmp_path: Path) -> None:
    """A run changes what the next gives, as in the source."""
    import tensorflow as tf

    draft = draft_of(plan(zoo("v1_ref_counter").path, zoo("v1_no_variables").path))
    assert commit(draft, tmp_path / "merged", verify=False).published

    def runs(path: Path, key: str) -> list[Any]:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
            feed = {meta.signature_def["serving_default"].inputs["x"].name: numbers("count", (1, 4))}
            tensor = "a/y:0" if key == "a" else meta.signature_def["serving_default"].outputs["y"].name
            return [session.run(tensor, feed) for _ in range(3)]

    expected, got = runs(zoo("v1_ref_counter").path, "y"), runs(tmp_path / "merged", "a")
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    np.testing.assert_allclose(np.diff(got, axis=0), 1, rtol=1e-5)
