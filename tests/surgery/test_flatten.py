"""`flatten`: one graph, equal numbers in both loaders, nothing of a model lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.surgery.tools import flattened
from tests.zoo import ZOO, Example
from workbench.cli.main import main
from workbench.model import MetaGraph, open_model
from workbench.model.op_classes import CALLS
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.rewrite.inline import saver_calls

Zoo = Callable[[str], Example]
# that no session runs twice alike, or that take long, or that this machine's TensorFlow can't run
LEFT_OUT = {"random", "slow", "graphdef", "unknown_op", "elsewhere", "danger"}
TF2 = [name for name, made in ZOO.items() if "tf2" in made.kinds and not made.kinds & LEFT_OUT]


def calls_left(meta: MetaGraph) -> list[str]:
    skip = saver_calls(meta.graph, meta.proto.saver_def.filename_tensor_name)
    return [name for name, node in meta.nodes.items() if node.op in CALLS and name not in skip]


WITHOUT_OBJECTS = [
    "tf2_nested_functions", "tf2_while", "tf2_hash_table", "tf2_tables", "tf2_optimizer", "keras_lstm",
    "tf2_custom_gradient", "tf2_sparse", "tf2_signatures", "tf2_callables_only",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "format"),
    plainly(
        [(name, "auto") for name in TF2] + [(name, "tf1") for name in WITHOUT_OBJECTS],
        *(
            (name, "auto")
            for name in ("tf2_nested_functions", "tf2_equal_names", "tf2_while", "tf2_hash_table")
        ),
        *((name, "auto") for name in ("keras_dense", "tf2_default_inputs", "tf2_ragged")),
        *((name, "tf1") for name in ("tf2_custom_gradient", "keras_lstm", "tf2_tables", "tf2_signatures")),
    ),
)
def test_a_flat_model_is_verified(zoo: Zoo, child: Child, tmp_path: Path, name: str, format: str) -> None:
    example = zoo(name)
    if not example.runs_v1:
        pytest.skip("no v1 Session runs it")
    model = open_model(example.path, example.tags)
    edit = flattened(model, format)  # type: ignore[arg-type]
    report = commit(edit, tmp_path / "flat", proving=Proving(allow_unsafe=True), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    flat = open_model(report.path, example.tags)
    assert calls_left(flat.meta) == []
    # without objects a variable that has two nodes is the one that is read
    twins = model.meta.duplicate_variables if format == "tf1" else {}
    gone = {one.node for one in twins.values()}
    assert set(model.meta.nodes) - gone <= set(flat.meta.nodes)
    assert [one.filename for one in flat.meta.assets] == [one.filename for one in model.meta.assets]
    assert flat.meta.has_object_graph == (format == "auto")
    before, after = ({v.node: v for v in one.meta.variables} for one in (model, flat))
    keys = {node: v.key for node, v in before.items() if node not in gone}
    keys |= {node: restored.key for node, restored in twins.items()}
    assert keys == {node: v.key for node, v in after.items()}
    if format == "tf1":
        assert {v.node for v in after.values() if v.trainable} == {
            v.node for v in before.values() if v.trainable
        }


def test_the_command(sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "flat"
    assert main(["flatten", str(sample_models / "digits_tf2"), "-o", str(out), "--no-verify"]) == 0
    assert "unverified" in capsys.readouterr().out
    assert calls_left(open_model(out).meta) == []
    assert main(["flatten", str(sample_models / "digits_tf2"), "-o", str(out), "--no-verify"]) == 3
    assert main(["flatten", str(sample_models / "digits"), "--dry-run"]) == 0
    assert "calls no function" in capsys.readouterr().out
    never = ["-o", str(tmp_path / "x"), "--no-verify"]
    assert main(["flatten", str(sample_models / "digits"), *never, "--format", "tf2"]) == 1
    assert main(["flatten", str(sample_models / "digits")]) == 2
    assert not (tmp_path / "x").exists()


def test_variables_with_two_nodes_are_restored_without_objects(
    zoo: Zoo, child: Child, tmp_path: Path
) -> None:
    """No v1 Session runs the source, whose saver restores other nodes than are read; without objects it decides."""
    example = zoo("keras_saved")
    model = open_model(example.path, example.tags)
    duplicates = model.meta.duplicate_variables
    assert duplicates
    report = commit(flattened(model, "tf1"), tmp_path / "flat", child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None and report.path is not None
    assert {check.loader: check.status for check in report.verification.loaders} == {
        "v1": "equal",
        "v2": "equal",
    }
    variables = {one.node: one.key for one in open_model(report.path).meta.variables}
    assert set(duplicates) <= set(variables) and None not in variables.values()
    assert not variables.keys() & {one.node for one in duplicates.values()}
