"""`freeze`: constants for variables wherever they are read, equal numbers, no variable left; writers are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.surgery.tools import Refused, changed
from tests.zoo import ZOO, Example
from workbench.cli.main import main
from workbench.describe.actions import words
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.freeze import Freeze

Zoo = Callable[[str], Example]
LEFT_OUT = {"random", "slow", "unknown_op", "elsewhere", "danger", "graphdef"}
# what writes to a variable when it is called, and whose content lies in the checkpoint
WRITERS = {
    "tf2_counter": "AssignAddVariableOp",
    "v1_ref_counter": "AssignAdd",
    "v1_ref_scatter": "ScatterUpdate",
    "v1_mutex": "AssignAddVariableOp",
    "v1_shared_names": "AssignAddVariableOp",
}
RESTORED_TABLES = ("v1_mutable_table", "tf2_tables")
# nothing to be run by
NOT_RUN = {"v1_no_signature"}
MODELS = [
    name
    for name, made in ZOO.items()
    if not made.kinds & LEFT_OUT and name not in {*WRITERS, *RESTORED_TABLES, *NOT_RUN}
]


@pytest.mark.parametrize(
    "name",
    plainly(
        MODELS,
        *("tf2_module", "tf2_while", "tf2_hash_table", "keras_dense", "v1_estimator", "v1_main_op"),
        *("v1_tag_sets", "v1_ref_partitioned", "v1_odd_variables", "v1_while_ref", "v1_assets_without_table"),
    ),
)
def test_a_frozen_model_is_verified(zoo: Zoo, child: Child, tmp_path: Path, name: str) -> None:
    example = zoo(name)
    if not example.runs_v1:
        pytest.skip("no v1 Session runs it")
    edit = changed(open_model(example.path, example.tags), Freeze())
    assert isinstance(edit, Draft), edit.findings
    report = commit(edit, tmp_path / "frozen", proving=Proving(allow_unsafe=True), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    frozen = open_model(report.path, edit.meta.tags)
    left = [variable.name for variable in frozen.meta.variables]
    assert left == (["local"] if name == "v1_main_op" else [])  # the init op sets it from another one's value
    assert ("freeze-left" in [finding.code for finding in edit.findings]) == bool(left)
    others = len(frozen.meta_graphs) - 1  # they still need it
    assert (report.path / "variables").exists() == bool(others)
    assert len(frozen.meta.assets) == len(example.assets)


@pytest.mark.parametrize("name", WRITERS)
def test_a_variable_that_is_written_to_is_named_and_refused(zoo: Zoo, name: str) -> None:
    example = zoo(name)
    edit = changed(open_model(example.path, example.tags), Freeze())
    refused = [finding for finding in edit.findings if finding.code == "freeze-refused"]
    assert isinstance(edit, Refused)
    assert len(refused) == 1
    assert WRITERS[name] in refused[0].message


@pytest.mark.parametrize("name", RESTORED_TABLES)
def test_a_table_that_the_checkpoint_fills_is_refused(zoo: Zoo, name: str) -> None:
    edit = changed(open_model(zoo(name).path), Freeze())
    assert {finding.code for finding in edit.findings if finding.severity == "error"} == {"freeze-state"}


def test_without_a_signature_nothing_would_be_left(zoo: Zoo) -> None:
    edit = changed(open_model(zoo("v1_no_signature").path), Freeze())
    (found,) = edit.findings
    assert isinstance(edit, Refused) and found.code == "signature-none"
    assert "workbench signature MODEL --add NAME" in words(found.hint, "command line")


def test_over_two_gigabytes_is_refused_before_a_value_is_read(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.surgery.operations import freeze as module
    from workbench.surgery.rewrite import freeze_variables as values

    def never(*args: object) -> None:
        raise AssertionError("a value was read")

    monkeypatch.setattr(module, "MAX_PROTO_BYTES", 100)
    monkeypatch.setattr(values, "_fill", never)
    edit = changed(open_model(zoo("tf2_module").path), Freeze())
    errors = [finding for finding in edit.findings if finding.severity == "error"]
    assert [finding.code for finding in errors] == ["R11-size"]
    assert "GB" in errors[0].message


def test_the_command(sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "frozen"
    assert main(["freeze", str(sample_models / "digits_tf2"), "-o", str(out), "--no-verify", "--json"]) == 0
    assert "freeze-done" in capsys.readouterr().out
    assert open_model(out).meta.variables == ()
