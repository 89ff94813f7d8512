"""Edits that change nothing: what is written is the original, in every kind of model, and is proven to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.tools import tree
from tests.surgery.tools import Models, read_pb
from workbench.disk import schema
from workbench.errors import DamagedFile, MissingFile, PlanError, TargetExists
from workbench.model import Model, open_model
from workbench.publishing.edits import commit_edit
from workbench.runtime.child_process.child import Child
from workbench.surgery.edit import begin

SAME = [
    "digits",
    "digits_tf2",
    "v1_pbtxt",
    "v1_tag_sets",
    "v1_signatures",
    "v1_partitioned",
    "v1_sharded",
    "v1_hash_table",
    "tf2_hash_table",
    "tf2_default_inputs",
    "tf2_sparse",
]


def opened(models: Models, name: str) -> Model:
    source = models(name)
    return open_model(source.path, source.tags)


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", SAME)
def test_an_edit_that_changes_nothing_is_the_original(
    models: Models, name: str, tmp_path: Path, child: Child
) -> None:
    model = opened(models, name)
    edit = begin(model, "nothing", {"why": "to see"})
    edit.prove_all()
    report = commit_edit(edit, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert model.folder is not None
    before, after = tree(model.folder), tree(tmp_path / "out")
    gone = {"fingerprint.pb", "saved_model.pb", "saved_model.pbtxt"}
    assert {
        path: what for path, what in before.items() if what != "folder" and path not in gone
    }.items() <= after.items()
    assert set(after) - set(before) <= {
        "saved_model.pb", "assets.extra", "assets.extra/workbench.json", "assets.extra/workbench-proof.json",
    }  # fmt: skip
    assert read_pb(tmp_path / "out") == model.proto
    recipe = json.loads((tmp_path / "out/assets.extra/workbench.json").read_text())
    assert recipe["edit"] == "nothing" and recipe["options"] == {"why": "to see"}
    assert recipe["sources"][0]["digest"] == model.digest()


def test_a_graphdef_becomes_a_saved_model(models: Models, tmp_path: Path, child: Child) -> None:
    edit = begin(opened(models, "graphdef_pb"), "nothing")
    edit.prove_all()
    report = commit_edit(edit, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    made = open_model(tmp_path / "out")
    assert made.meta.tags == ("serve",) and set(made.meta.signatures) == {"serving_default"}


def test_a_changed_number_is_not_published(models: Models, tmp_path: Path, child: Child) -> None:
    edit = begin(opened(models, "digits"), "damage")
    edit.prove_all()
    (swapped,) = (node for node in edit.meta_graph.graph_def.node if node.op == "Softmax")
    swapped.op = "LogSoftmax"
    report = commit_edit(edit, tmp_path / "out", child=child)
    assert report.verdict == "differs" and not report.published
    assert not list(tmp_path.iterdir())


def test_the_same_edit_gives_the_same_bytes(models: Models, tmp_path: Path) -> None:
    for name in ("one", "two"):
        commit_edit(begin(opened(models, "digits_tf2"), "nothing"), tmp_path / name, verify=False)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_checkpoint_may_be_dropped_or_added_to(models: Models, tmp_path: Path) -> None:
    edit = begin(opened(models, "digits"), "drop")
    edit.checkpoint = "drop"
    commit_edit(edit, tmp_path / "dropped", verify=False)
    assert not (tmp_path / "dropped/variables").exists()
    edit = begin(opened(models, "digits"), "join")
    edit.checkpoint = "join"
    edit.tensors["more"] = (1, (2,), b"\0" * 8)
    commit_edit(edit, tmp_path / "joined", verify=False)
    before, after = opened(models, "digits").bundle, open_model(tmp_path / "joined").bundle
    assert before is not None and after is not None
    assert sorted(after.keys()) == sorted([*before.keys(), "more"])
    assert all(after.raw(key) == before.raw(key) for key in before)


def test_an_error_among_the_findings_stops_it(models: Models, tmp_path: Path) -> None:
    edit = begin(opened(models, "digits"), "nothing")
    edit.note("no", "error", "here", "It can't be.")
    with pytest.raises(PlanError):
        commit_edit(edit, tmp_path / "out", verify=False)


def test_a_target_that_exists_a_missing_asset_a_damaged_shard(
    models: Models, sample_models: Path, tmp_path: Path
) -> None:
    import shutil

    with pytest.raises(TargetExists):
        commit_edit(begin(opened(models, "digits"), "nothing"), tmp_path, verify=False)
    copy = shutil.copytree(sample_models / "digits", tmp_path / "digits")
    shard = next(copy.glob("variables/*.data*"))
    data = bytearray(shard.read_bytes())
    data[7] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DamagedFile):
        commit_edit(begin(open_model(copy), "nothing"), tmp_path / "out", verify=False)
    shard.unlink()
    with pytest.raises(MissingFile):
        commit_edit(begin(open_model(copy), "nothing"), tmp_path / "out", verify=False)
    assert not (tmp_path / "out").exists()


def test_the_original_stays_as_it_is(models: Models) -> None:
    model = opened(models, "digits_tf2")
    before = model.proto.SerializeToString(deterministic=True)
    edit = begin(model, "nothing")
    del edit.meta_graph.signature_def["serving_default"]
    assert model.proto.SerializeToString(deterministic=True) == before
    assert schema.SavedModel.FromString(edit.serialize()) != model.proto
