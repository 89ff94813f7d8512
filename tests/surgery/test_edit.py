"""Plans that change nothing: what is written is the original, in every kind of model, and is proven to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.tools import tree
from tests.sampling import plainly
from tests.surgery.tools import Models, codes, made, read_pb, tampered
from workbench.disk import schema
from workbench.disk.checkpoint.bundle_write import JoinPart
from workbench.errors import DamagedFile, MissingFile, PlanError, TargetExists
from workbench.model import Model, open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery import draft
from workbench.surgery.draft import apply, check
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.plan import Plan

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
@pytest.mark.parametrize(
    "name",
    plainly(SAME, "digits_tf2", "v1_pbtxt", "v1_tag_sets", "v1_partitioned", "tf2_hash_table", "tf2_sparse"),
)
def test_an_edit_that_changes_nothing_is_the_original(
    models: Models, name: str, tmp_path: Path, child: Child
) -> None:
    model = opened(models, name)
    edit = made(model)
    report = commit(edit, tmp_path / "out", child=child)
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
    assert recipe["steps"] == [] and recipe["result"] == {}
    assert recipe["sources"][0]["digest"] == model.digest()


def test_a_graphdef_becomes_a_saved_model(models: Models, tmp_path: Path, child: Child) -> None:
    edit = made(opened(models, "graphdef_pb"))
    report = commit(edit, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    result = open_model(tmp_path / "out")
    assert result.meta.tags == ("serve",) and set(result.meta.signatures) == {"serving_default"}


def test_a_changed_number_is_not_published(models: Models, tmp_path: Path, child: Child) -> None:
    edit = made(opened(models, "digits"))
    (swapped,) = (node for node in edit.workspace.meta_graph.graph_def.node if node.op == "Softmax")
    swapped.op = "LogSoftmax"
    report = commit(tampered(edit), tmp_path / "out", child=child)
    assert report.verdict == "differs" and not report.published
    assert not list(tmp_path.iterdir())


def test_the_same_edit_gives_the_same_bytes(models: Models, tmp_path: Path) -> None:
    for name in ("one", "two"):
        commit(made(opened(models, "digits_tf2")), tmp_path / name, verify=False)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_checkpoint_may_be_dropped_or_added_to(models: Models, tmp_path: Path) -> None:
    edit = made(opened(models, "digits"))
    edit.checkpoint.how = "drop"
    commit(edit, tmp_path / "dropped", verify=False)
    assert not (tmp_path / "dropped/variables").exists()
    edit = made(opened(models, "digits"))
    edit.checkpoint.how = "join"
    edit.checkpoint.parts.append(JoinPart(edit.source.bundle))
    edit.checkpoint.tensors["more"] = (1, (2,), b"\0" * 8)
    commit(edit, tmp_path / "joined", verify=False)
    before, after = opened(models, "digits").bundle, open_model(tmp_path / "joined").bundle
    assert before is not None and after is not None
    assert sorted(after.keys()) == sorted([*before.keys(), "more"])
    assert all(after.raw(key) == before.raw(key) for key in before)


def test_an_error_among_the_findings_stops_it(models: Models) -> None:
    plan = Plan.edit(opened(models, "digits"), Connect("a@b", "c@d"))
    assert codes(check(plan), "error") and check(plan).draft is None
    with pytest.raises(PlanError):
        apply(plan)


def test_what_was_checked_is_not_built_again(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(Plan.edit(opened(models, "digits"), Freeze()))
    monkeypatch.setattr(draft, "build", None)
    assert apply(found) is found.draft


def test_options_of_a_result_are_for_a_join(models: Models) -> None:
    plan = Plan.edit(opened(models, "digits")).with_result(freeze=True)
    assert codes(check(plan)) == ["result-options"]


def test_a_target_that_exists_a_missing_asset_a_damaged_shard(
    models: Models, sample_models: Path, tmp_path: Path
) -> None:
    import shutil

    with pytest.raises(TargetExists):
        commit(made(opened(models, "digits")), tmp_path, verify=False)
    copy = shutil.copytree(sample_models / "digits", tmp_path / "digits")
    shard = next(copy.glob("variables/*.data*"))
    data = bytearray(shard.read_bytes())
    data[7] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DamagedFile):
        commit(made(open_model(copy)), tmp_path / "out", verify=False)
    shard.unlink()
    with pytest.raises(MissingFile):
        commit(made(open_model(copy)), tmp_path / "out", verify=False)
    assert not (tmp_path / "out").exists()


def test_the_original_stays_as_it_is(models: Models) -> None:
    model = opened(models, "digits_tf2")
    before = model.proto.SerializeToString(deterministic=True)
    edit = made(model)
    del edit.workspace.meta_graph.signature_def["serving_default"]
    assert model.proto.SerializeToString(deterministic=True) == before
    assert schema.SavedModel.FromString(tampered(edit).serialize()) != model.proto
