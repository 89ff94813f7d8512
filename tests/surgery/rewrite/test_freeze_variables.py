"""`freeze`: variables that become constants, those that can't, and a result without a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sampling import plainly
from tests.surgery.tiny import doubler, plan
from tests.surgery.tools import Models, codes, draft_of, findings_of, plan_of, the
from workbench.describe.actions import words
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child

VARIABLES = {"VarHandleOp", "VariableV2", "ReadVariableOp", "AssignVariableOp", "RestoreV2", "SaveV2"}


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("a", "b", "wire"),
    plainly(
        [
            ("image_base64", "digits", "pixels=myInput"),
            ("v1_simple_save", "v1_simple_twin", "y=x"),
            ("v1_ref_variables", "v1_ref_and_resource", "y=x"),
            ("v1_partitioned", "v1_partitioned_columns", "y=x"),
            ("v1_ref_partitioned", "v1_sharded", "y=x"),
            ("v1_odd_variables", "v1_renamed_keys", "y=x"),
            ("v1_hash_table", "v1_while", "y=x"),
            ("v1_while_ref", "v1_cond", "y=x"),
            ("one_restore_each", "v1_signatures", "y=x"),
            ("graphdef_pb", "v1_adam_slots", "y=x"),
            ("tf2_module", "tf2_nested_functions", "y=x"),
            ("keras_dense", "tf2_while", "output_0=x"),
            ("tf2_hash_table", "tf2_cond", "y=x"),
            ("v1_legacy_init_op", "tf2_odd_variables", "y=x"),
        ],
        ("image_base64", "digits", "pixels=myInput"),
        ("v1_ref_partitioned", "v1_sharded", "y=x"),
        ("v1_odd_variables", "v1_renamed_keys", "y=x"),
        ("one_restore_each", "v1_signatures", "y=x"),
        ("graphdef_pb", "v1_adam_slots", "y=x"),
        ("keras_dense", "tf2_while", "output_0=x"),
    ),
)
def test_equal_and_without_variables(
    models: Models, child: Child, a: str, b: str, wire: str, tmp_path: Path
) -> None:
    draft = draft_of(plan_of(models, {"a": a, "b": b}, [wire], freeze=True))
    assert not VARIABLES & set(draft.meta.ops)
    assert draft.rewritten["frozen"] > 0
    report = commit(draft, tmp_path / "merged", child=child)
    assert report.verdict == "verified", report.reason
    assert [check.status for check in report.verification.loaders] == ["equal", "equal"]
    result = open_model(tmp_path / "merged")
    assert result.bundle is None or list(result.bundle.keys()) == ["_CHECKPOINTABLE_OBJECT_GRAPH"]
    assert result.meta.variables == ()
    collections = result.meta.proto.collection_def
    assert not {"variables", "trainable_variables"} & set(collections)


def test_the_size_is_told_before(sample_models: Path) -> None:
    made = plan(sample_models / "image_base64", sample_models / "digits", "pixels=myInput")
    kept, frozen = draft_of(made), draft_of(plan_frozen(made))
    assert kept.checkpoints and not frozen.checkpoints
    assert frozen.nbytes > 10 * 784 * 4
    assert len(frozen.serialize()) > len(kept.serialize()) + 10 * 784 * 4 - 20_000


def plan_frozen(made: Any) -> Any:

    return made.with_result(freeze=True)


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("name", "place", "word"),
    [
        ("v1_ref_counter", "a@counter", "AssignAdd"),
        ("v1_ref_scatter", "a@rows", "ScatterUpdate"),
        ("v1_mutex", "a@counter", ""),
    ],
)
def test_what_is_written_to_stays_a_variable(models: Models, name: str, place: str, word: str) -> None:
    found = the(
        findings_of(plan_of(models, {"a": name, "b": "v1_simple_save"}, ["y=x"], freeze=True)),
        "freeze-refused",
    )
    assert (found.severity, found.where) == ("error", place)
    assert word in found.message and "leave out --freeze" in words(found.hint, "command line")


@pytest.mark.needs_tf
def test_a_table_with_what_it_learnt(models: Models) -> None:
    parts = {"a": "v1_mutable_table", "b": "v1_key_value_table"}
    found = the(findings_of(plan_of(models, parts, ["y=ids"], freeze=True)), "freeze-state")
    assert (found.severity, found.where) == ("error", "a@learnt") and "MutableHashTable" in found.message


def test_what_the_init_op_sets_twice_stays_a_variable(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a").node("v", "VarHandleOp", dtype="float32", shape=(), shared_name=b"v")
    for name, value in (("one", 1.0), ("two", 2.0)):
        made.const(name, value).node(f"set_{name}", "AssignVariableOp", "v", name, dtype="float32")
    made.node("init", "NoOp", "^set_one", "^set_two").node("read", "ReadVariableOp", "v", dtype="float32")
    made.node("z", "Identity", "read", T="float32").signature(z_out=("z:0", "float32", ()))
    made.meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    draft = draft_of(plan(made.save(), doubler(tmp_path / "b").save(), freeze=True, keep_outputs=True))
    found = the(draft.findings, "freeze-no-value")
    assert (found.severity, found.where) == ("warning", "a@v")
    assert draft.meta.nodes["a/v"].op == "VarHandleOp"


def test_nothing_to_freeze(tmp_path: Path) -> None:
    draft = draft_of(plan(doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save(), freeze=True))
    assert draft.rewritten["frozen"] == 0 and codes(draft.findings) == []
