"""Tables of TF1 models in results with an object graph: they are made and filled by their own functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tools import Models, codes, draft_of, plan_of, the
from tests.zoo.example import tf
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft

JOINS = {
    "from a text file": ("v1_hash_table", "v1_simple_save", "y=x"),
    "two with the same asset name": ("v1_hash_table", "v1_key_value_table", "ids=ids"),
    "out of vocabulary": ("v1_key_value_table", "v1_vocabulary_table", "y=words"),
    "a table of TF1 before one of TF2": ("v1_key_value_table", "tf2_hash_table", "y=words"),
}


def resources(draft: Draft) -> int:
    nodes = draft.proto.meta_graphs[0].object_graph_def.nodes
    return sum(node.WhichOneof("kind") == "resource" for node in nodes)


@pytest.mark.parametrize("freeze", [False, True], ids=["kept", "frozen"])
@pytest.mark.parametrize("names", JOINS.values(), ids=JOINS)
def test_a_table_gets_an_object(
    models: Models, child: Child, tmp_path: Path, names: tuple[str, str, str], freeze: bool
) -> None:
    a, b, wire = names
    draft = draft_of(plan_of(models, {"a": a, "b": b}, [wire], freeze=freeze))
    assert "tf1-format" not in codes(draft.findings), draft.findings
    tables = sum(node.op == "HashTableV2" for node in draft.meta.nodes.values())
    assert resources(draft) == tables > 0
    report = commit(draft, tmp_path / "joined", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert {check.loader: check.status for check in report.verification.loaders} == {
        "v1": "equal",
        "v2": "equal",
    }
    assert report.path is not None
    assert open_model(report.path).meta.has_object_graph


def test_a_result_with_a_table_moves_and_is_saved_again(models: Models, child: Child, tmp_path: Path) -> None:
    plan = plan_of(models, {"a": "v1_hash_table", "b": "v1_simple_save"}, ["y=x"])
    report = commit(draft_of(plan), tmp_path / "joined", proving=Proving(), child=child)
    assert report.path is not None
    moved = report.path.rename(tmp_path / "moved")
    loaded = tf.saved_model.load(str(moved))
    word = open_model(moved).meta.assets[0].path.read_bytes().split()[0]
    key = next(iter(open_model(moved).meta.signatures["serving_default"].inputs))
    before = loaded.signatures["serving_default"](**{key: tf.constant([word, b"no such word"])})
    tf.saved_model.save(loaded, str(tmp_path / "again"), signatures=loaded.signatures)
    again = tf.saved_model.load(str(tmp_path / "again"))
    after = again.signatures["serving_default"](**{key: tf.constant([word, b"no such word"])})
    for name, value in before.items():
        assert value.numpy().tolist() == after[name].numpy().tolist()
        assert value.numpy()[0].tolist() != value.numpy()[1].tolist()


def test_a_table_that_the_checkpoint_fills_keeps_the_tf1_format(models: Models) -> None:
    plan = plan_of(models, {"a": "v1_key_value_table", "b": "v1_mutable_table"}, ["y=words"])
    found = the(draft_of(plan).findings, "tf1-format")
    assert "MutableHashTableV2" in found.message
