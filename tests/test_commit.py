"""Every verdict, reached for real; and what each leaves on disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.models import MODELS
from tests.surgery.tiny import Tiny, doubler
from tests.zoo import Example
from tests.zoo.common import commonly
from workbench.describe.actions import words
from workbench.errors import DamagedFile, MissingFile, TargetExists
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.report import Report
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft, apply, build
from workbench.surgery.plan import Plan
from workbench.surgery.rewrite.prefix import Rule

Zoo = Callable[[str], Example]


@pytest.fixture
def story(sample_models: Path) -> Draft:
    return apply(
        Plan.join(sample_models / "image_base64", sample_models / "digits", wires=["pixels=myInput"])
    )


def join(a: Path, b: Path, wire: str = "y=x", *without: Rule) -> Draft:
    plan = Plan.join(a=a, b=b, wires=[wire], format="tf1" if without else "auto")
    draft, findings = build(plan, without=without)
    assert draft is not None, list(map(str, findings))
    return draft


def nothing_left(report: Report, folder: Path) -> None:
    """Not published: no folder, no temporary, no lock, and a report that says so."""
    assert not report.published and report.path is None
    assert report.reason
    assert list(folder.iterdir()) == []
    assert report.as_json()["path"] is None
    assert report.as_json()["verdict"] == report.verdict


# -- without TensorFlow


def test_not_verified(story: Draft, tmp_path: Path) -> None:
    """As asked for: it is published, and there is no proof."""
    report = commit(story, tmp_path / "merged", verify=False)
    assert (report.verdict, report.path) == ("unverified", tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged"]
    extra = tmp_path / "merged" / "assets.extra"
    assert [path.name for path in extra.iterdir()] == ["workbench.json"]
    assert report.as_json()["verification"] is None


def test_serving_takes_the_next_number(story: Draft, tmp_path: Path) -> None:
    assert commit(story, tmp_path, verify=False, serving=True).path == tmp_path / "1"
    (tmp_path / "7").mkdir()
    assert commit(story, tmp_path, verify=False, serving=True).path == tmp_path / "8"


@pytest.mark.parametrize("verify", [False, True])
def test_an_existing_target_is_refused_and_untouched(story: Draft, tmp_path: Path, verify: bool) -> None:
    """Before TensorFlow is waited for."""
    target = tmp_path / "merged"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(TargetExists):
        commit(story, target, verify=verify)
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]
    assert [path.read_text() for path in target.iterdir()] == ["mine"]


def test_not_run_without_tensorflow(story: Draft, tmp_path: Path) -> None:
    python = interpreter(tmp_path, 'import sys; sys.modules["tensorflow"] = None')
    target = tmp_path / "targets"
    target.mkdir()
    report = commit(story, target / "merged", proving=Proving(python=str(python)))
    assert report.verdict == "not run"
    assert "tensorflow" in report.reason.lower()
    nothing_left(report, target)


def interpreter(folder: Path, first: str) -> Path:
    """A Python that runs `first` before anything else."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(first)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder / "site"}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python


def test_a_damaged_shard_is_found_before_anything_is_written(sample_models: Path, tmp_path: Path) -> None:
    import shutil

    source = tmp_path / "source"
    shutil.copytree(sample_models / "digits", source)
    shard = source / "variables" / "variables.data-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[1000] ^= 1
    shard.write_bytes(data)
    targets = tmp_path / "targets"
    targets.mkdir()
    draft = join(sample_models / "image_base64", source, "pixels=myInput")
    with pytest.raises(DamagedFile):
        commit(draft, targets / "merged", verify=False)
    assert list(targets.iterdir()) == []


def test_a_shard_that_goes_missing_after_the_check(sample_models: Path, tmp_path: Path) -> None:
    import shutil

    source = tmp_path / "source"
    shutil.copytree(sample_models / "digits", source)
    draft = join(sample_models / "image_base64", source, "pixels=myInput")
    (source / "variables" / "variables.data-00000-of-00001").unlink()
    targets = tmp_path / "targets"
    targets.mkdir()
    with pytest.raises(MissingFile):
        commit(draft, targets / "merged", verify=False)
    assert list(targets.iterdir()) == []


# -- with it


def test_verified(story: Draft, child: Child, tmp_path: Path) -> None:
    """Published with its proof, in which there is no path; phases are told; the child lives on."""
    phases: list[str] = []
    target = tmp_path / "merged"
    report = commit(story, target, child=child, progress=lambda phase, text: phases.append(phase))
    assert (report.verdict, report.path, report.published) == ("verified", target, True)
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]
    proof = (target / "assets.extra" / "workbench-proof.json").read_text()
    assert json.loads(proof)["verdict"] == "verified"
    assert str(tmp_path) not in proof and str(Path(__file__).parent) not in proof
    assert [check["status"] for check in json.loads(proof)["loaders"]] == ["equal", "equal"]
    order = [phase for phase in dict.fromkeys(phases) if phase in ("reference", "write", "verify", "publish")]
    assert order == ["reference", "write", "verify", "publish"]
    assert report.verification is not None and report.verification.max_abs < 1e-5
    assert child.alive


def test_a_picture_before_a_computed_default_works_in_the_result(child: Child, tmp_path: Path) -> None:
    """As first model and as second; the output follows the picture in both loaders."""
    for name in "ab":
        made = Tiny(tmp_path / name).placeholder().node("h", "Tanh", "x", T="float32")
        made.node("d", "PlaceholderWithDefault", "h", dtype="float32", shape=(None, 4))
        made.node("y", "Exp", "d", T="float32")
        (tmp_path / f"{name}.pb").write_bytes(made.meta.graph_def.SerializeToString())
    plain = doubler(tmp_path / "plain").save()
    for first, second in ((tmp_path / "a.pb", plain), (plain, tmp_path / "b.pb")):
        report = commit(join(first, second), tmp_path / f"merged-{first.stem}", child=child)
        assert report.verdict == "verified", report.reason
        assert report.verification is not None
        assert [one.status for one in report.verification.loaders] == ["equal", "equal"]
        for loader in ("v1", "v2"):
            values = [
                run(report.path, {"x": np.full((1, 4), x, np.float32)}, loader=loader, child=child)["y"]
                for x in (0.0, 1.0)
            ]
            assert not np.allclose(*values)


def test_given_inputs(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    draft = join(zoo("v1_simple_save").path, zoo("v1_simple_twin").path)
    inputs = {"x": np.array([[1, 2, 3, 4]], np.float32)}
    report = commit(draft, tmp_path / "merged", child=child, proving=Proving(inputs=inputs))
    assert report.verdict == "verified"
    assert report.verification is not None
    assert np.array_equal(report.verification.samples[0]["x"], inputs["x"])


def test_inputs_given_in_part(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    draft = join(zoo("v1_two_in_two_out").path, zoo("v1_simple_save").path, "y=x")
    slots = list(draft.meta.signatures["serving_default"].inputs)
    inputs = {slots[0]: np.array([[1, 2, 3, 4]] * 3, np.float32)}
    report = commit(draft, tmp_path / "merged", child=child, proving=Proving(inputs=inputs))
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert all(np.array_equal(one[slots[0]], inputs[slots[0]]) for one in report.verification.samples)
    assert set(report.verification.how_made) == set(slots[1:])


@pytest.mark.parametrize(
    "order", [("v1_simple_save", "v1_simple_twin"), ("v1_simple_twin", "v1_simple_save")]
)
def test_differs(zoo: Zoo, child: Child, order: tuple[str, str], tmp_path: Path) -> None:
    """Silently mixed-up weights, as when the rule for `shared_name` is left out."""
    draft = join(*(zoo(name).path for name in order), "y=x", Rule.SHARED_NAME)
    report = commit(draft, tmp_path / "merged", child=child)
    assert report.verdict == "differs"
    assert "values differ" in report.reason or "y" in report.reason
    nothing_left(report, tmp_path)


def test_differs_if_only_the_result_fails(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    draft = join(zoo("v1_simple_save").path, zoo("v1_simple_twin").path, "y=x", Rule.CHECKPOINT_KEY)
    report = commit(draft, tmp_path / "merged", child=child)
    assert report.verdict == "differs"
    assert "only the merged model fails" in report.reason
    nothing_left(report, tmp_path)


@pytest.mark.parametrize(
    ("a", "b"),
    plainly(
        [("v1_random", "v1_simple_save"), ("v1_simple_save", "tf2_random")], ("v1_random", "v1_simple_save")
    ),
)
def test_inconclusive_by_chance(zoo: Zoo, child: Child, a: str, b: str, tmp_path: Path) -> None:
    report = commit(join(zoo(a).path, zoo(b).path), tmp_path / "merged", child=child)
    assert report.verdict == "inconclusive"
    assert "disagree" in report.reason
    nothing_left(report, tmp_path)


def test_inconclusive_if_nothing_moves(
    zoo: Zoo, child: Child, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    still = MODELS["never_moves"](tmp_path_factory.mktemp("never_moves"))
    report = commit(join(zoo("v1_simple_save").path, still), tmp_path / "merged", child=child)
    assert report.verdict == "inconclusive"
    assert "never moved" in report.reason
    nothing_left(report, tmp_path)


def test_inconclusive_if_a_source_fails_on_the_given_input(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    draft = join(zoo("v1_unknown_rank").path, zoo("v1_simple_save").path)
    inputs = {"x": np.ones((2, 5), np.float32)}
    report = commit(draft, tmp_path / "merged", child=child, proving=Proving(inputs=inputs))
    assert report.verdict == "inconclusive"
    assert "sources alone fail" in report.reason
    nothing_left(report, tmp_path)


def test_inconclusive_if_a_source_does_not_load(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    """An op that nobody knows: it can be joined, not run, unless the user says so."""
    draft = join(zoo("v1_unknown_op").path, zoo("v1_simple_save").path)
    report = commit(draft, tmp_path / "merged", child=child, proving=Proving(allow_unsafe=True))
    assert report.verdict == "inconclusive"
    assert "MyCompany>Softsign" in report.reason
    nothing_left(report, tmp_path)
    assert commit(draft, tmp_path / "merged", verify=False).published


@pytest.mark.parametrize(
    "name", commonly(["v1_reads_file", "tf2_writes_file", "tf2_lists_files", "tf2_python"])
)
def test_not_run_if_it_is_dangerous(zoo: Zoo, child: Child, name: str, tmp_path: Path) -> None:
    """Found in the main graph, in a branch inside a function, in a dataset; said with the way to allow it."""
    report = commit(join(zoo(name).path, zoo("v1_simple_save").path), tmp_path / "merged", child=child)
    assert report.verdict == "not run"
    assert "--allow-unsafe" in words(report.hint, "command line")
    nothing_left(report, tmp_path)


def test_allowed_to_run(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    draft = join(zoo("v1_reads_file").path, zoo("v1_simple_save").path)
    report = commit(draft, tmp_path / "merged", child=child, proving=Proving(allow_unsafe=True))
    assert report.verdict == "verified", report.reason


def test_not_run_if_no_input_can_be_made(
    zoo: Zoo, child: Child, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    picky = MODELS["picky"](tmp_path_factory.mktemp("picky"))
    report = commit(join(picky, zoo("v1_simple_save").path), tmp_path / "merged", child=child)
    assert report.verdict == "not run"
    assert "No input could be made" in report.reason
    nothing_left(report, tmp_path)
    given = Proving(inputs={"x": np.full((2, 4), 1234.5, np.float32)})
    assert commit(
        join(picky, zoo("v1_simple_save").path), tmp_path / "m", child=child, proving=given
    ).published


def test_the_child_dies(zoo: Zoo, child: Child, tmp_path: Path) -> None:
    """Killed while it works: a verdict, nothing left, and the next commit starts another."""
    draft = join(zoo("v1_simple_save").path, zoo("v1_simple_twin").path)

    def kill(phase: str, text: str) -> None:
        if phase == "write" and child.pid is not None:
            os.kill(child.pid, 9)

    report = commit(draft, tmp_path / "merged", child=child, progress=kill)
    if report.published:  # it was started again for what was left to do
        assert report.verdict == "verified"
    else:
        nothing_left(report, tmp_path)


@pytest.mark.parametrize("phase", ["reference", "write", "verify", "publish"])
def test_interrupted(zoo: Zoo, child: Child, phase: str, tmp_path: Path) -> None:
    draft = join(zoo("v1_simple_save").path, zoo("v1_simple_twin").path)

    def interrupt(current: str, text: str) -> None:
        if current == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(draft, tmp_path / "merged", child=child, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
