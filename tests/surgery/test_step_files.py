"""Files that steps read: where their paths lead, their digests, and what a replay finds."""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.surgery.test_set import two
from tests.surgery.tiny import Tiny
from tests.surgery.tools import codes, draft_of
from workbench.errors import DamagedFile
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.session.store import Store
from workbench.surgery import recipe
from workbench.surgery.adapters.chains import Chains
from workbench.surgery.draft import check
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.operations.set import Set
from workbench.surgery.plan import Plan
from workbench.surgery.step import parse_step
from workbench.surgery.step_files import StepFile, files_of, free_name, with_files
from workbench.verification.replay import replay

LABELS = "after", "y=argmax | labels @labels.txt"


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model and the files of steps in a folder below."""
    (tmp_path / "work/data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    two(tmp_path / "work/m").save()
    np.save("data/z.npy", np.float32([[3.0] * 4]))
    Path("data/labels.txt").write_text("a\nb\nc\nd\n")
    return tmp_path / "work"


def plan() -> Plan:
    return Plan.edit("m", Set("z", "@data/z.npy"), Adapt(after={"y": "argmax | labels @data/labels.txt"}))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "workbench-proof.json"
    }


def test_the_files_of_a_step() -> None:
    (set_, adapt) = plan().steps
    assert files_of(set_) == ("data/z.npy",) and files_of(adapt) == ("data/labels.txt",)
    moved = with_files(adapt, {"data/labels.txt": "a b.txt"})
    assert moved == Adapt(after={"y": "argmax | labels @'a b.txt'"}) and files_of(moved) == ("a b.txt",)
    assert with_files(set_, {"other": "x"}) == set_
    assert files_of(Set("z", 1.0)) == () and files_of(parse_step("freeze")) == ()
    assert Chains().files((("y", "labels '"),)) == (), "what can't be parsed is reported by the operation"


def test_a_free_name() -> None:
    assert free_name("a.b.txt", ["x"]) == "a.b.txt"
    assert free_name("assets.extra/a.txt", ["assets.extra/a.txt"]) == "assets.extra/a_1.txt"


def test_the_recipe_in_a_result_has_names_and_digests(here: Path) -> None:
    assert commit(draft_of(plan()), here / "out", verify=False).published
    text = (here / "out/assets.extra/workbench.json").read_text()
    assert str(here) not in text and "data/" not in text
    found = json.loads(text)
    assert found["files"] == [
        {"path": "z.npy", "digest": digest(here / "data/z.npy")},
        {"path": "labels.txt", "digest": digest(here / "data/labels.txt")},
    ]
    assert found["steps"][0]["value"] == "@z.npy"
    assert {"assets/labels.txt", "assets.extra/z.npy"} <= tree(here / "out").keys()


def test_two_files_of_one_name(here: Path) -> None:
    (here / "other").mkdir()
    (here / "other/labels.txt").write_text("e\nf\ng\nh\n")
    steps = [parse_step(f"adapt 'after={key}=argmax | labels @{place}/labels.txt'")
             for key, place in (("y", "data"), ("w", "other"))]  # fmt: skip
    model = two(here / "n")
    model.node("w", "AddV2", "x", "x", T="float32")
    model.signature(x_in="x:0", z_in="z:0", y_out="y:0", w_out="w:0").save()
    assert commit(draft_of(Plan.edit("n", *steps)), here / "out", verify=False).published
    found = json.loads((here / "out/assets.extra/workbench.json").read_text())
    assert [one["path"] for one in found["files"]] == ["labels.txt", "labels_1.txt"]
    assert (here / "out/assets/labels_1.txt").read_text() == "e\nf\ng\nh\n"


def test_a_saved_recipe_is_read_from_anywhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = draft_of(plan())
    (here / "recipes").mkdir()
    recipe.save(draft.plan, draft.join, here / "recipes/plan.json")
    found = json.loads((here / "recipes/plan.json").read_text())
    assert [one["path"] for one in found["files"]] == ["../data/z.npy", "../data/labels.txt"]
    assert recipe.load(here / "recipes/plan.json").steps == plan().steps
    told = draft.recipe
    monkeypatch.chdir(here.parent)
    shutil.move(here, here.parent / "moved")
    read = recipe.load(Path("moved/recipes/plan.json"))
    assert [files_of(step)[0] for step in read.steps] == ["moved/data/z.npy", "moved/data/labels.txt"]
    again = draft_of(read)
    assert again.serialize() == draft.serialize() and again.recipe == told


def test_another_content_is_refused_with_both_digests(here: Path) -> None:
    draft = draft_of(plan())
    recipe.save(draft.plan, draft.join, here / "plan.json")
    before = digest(here / "data/labels.txt")
    (here / "data/labels.txt").write_text("a\nb\nc\ne\n")
    (found,) = check(recipe.load(here / "plan.json"))
    assert (found.code, found.severity, found.where) == ("step-file", "error", "data/labels.txt")
    assert before in found.message and digest(here / "data/labels.txt") in found.message
    assert not codes(check(plan()), "error"), "a plan that is made anew takes what is there"
    (here / "data/labels.txt").unlink()
    (found,) = check(recipe.load(here / "plan.json"))
    assert found.code == "step-file" and before in found.message


def test_what_is_gone_is_found_in_the_result(here: Path) -> None:
    assert commit(draft_of(plan()), here / "out", verify=False).published
    shutil.rmtree(here / "data")
    read = recipe.load(here / "out/assets.extra/workbench.json", {"m": here / "m"})
    assert [files_of(step) for step in read.steps] == [
        ("out/assets.extra/z.npy",),
        ("out/assets/labels.txt",),
    ]
    assert commit(draft_of(read), here / "again", verify=False).published
    assert tree(here / "again") == tree(here / "out")
    made = replay(open_model(here / "out"), {"m": here / "m"}, here / "scratch").made
    assert made.serialize() == (here / "out/saved_model.pb").read_bytes()
    (here / "out/assets/labels.txt").write_text("other\n")
    read = recipe.load(here / "out/assets.extra/workbench.json", {"m": here / "m"})
    assert codes(check(read), "error") == ["step-file"]


def test_names_stay_where_an_asset_had_to_be_renamed(here: Path) -> None:
    """The source has an asset of the same name and other content."""
    model = Tiny(here / "s").placeholder().node("y", "AddV2", "x", "x", T="float32").const("path", 0.0)
    model.meta.asset_file_def.add(filename="labels.txt").tensor_info.name = "path:0"
    model.signature(x_in="x:0", y_out="y:0").save()
    (here / "s/assets").mkdir()
    (here / "s/assets/labels.txt").write_text("x\n")
    step = Adapt(after={"y": "argmax | labels @data/labels.txt"})
    assert commit(draft_of(Plan.edit("s", step)), here / "out", verify=False).published
    assert (here / "out/assets/labels_1.txt").exists()
    shutil.rmtree(here / "data")
    read = recipe.load(here / "out/assets.extra/workbench.json", {"s": here / "s"})
    assert commit(draft_of(read), here / "again", verify=False).published
    assert tree(here / "again") == tree(here / "out")


def test_files_of_wires(here: Path) -> None:
    """Two wires read different files of one name; a file that is gone is found again, and the bytes are the same."""
    (here / "other").mkdir()
    (here / "other/labels.txt").write_text("e\nf\ng\nh\n")
    made = Tiny(here / "b").placeholder("s", "string", (None,)).placeholder("t", "string", (None,))
    made.node("u", "Identity", "s", T="string").node("v", "Identity", "t", T="string")
    ends = {f"{key}_{side}": (f"{key}:0", "string", (None,))
            for key, side in (("s", "in"), ("t", "in"), ("u", "out"), ("v", "out"))}  # fmt: skip
    made.signature(**ends).save()
    wires = [
        f"y | argmax | labels @{place}/labels.txt = {key}" for place, key in (("data", "t"), ("other", "s"))
    ]
    plan = Plan.join(a=here / "m", b=here / "b", wires=wires)
    assert commit(draft_of(plan), here / "out", verify=False).published
    shutil.rmtree(here / "data")
    shutil.rmtree(here / "other")
    found = {handle: here / place for handle, place in (("a", "m"), ("b", "b"))}
    read = recipe.load(here / "out/assets.extra/workbench.json", found)
    assert commit(draft_of(read), here / "again", verify=False).published
    assert tree(here / "again") == tree(here / "out")
    assert sorted(name for name in tree(here / "out") if name.startswith("assets/")) == [
        "assets/labels.txt", "assets/labels_1.txt",
    ]  # fmt: skip


def test_an_unfinished_plan_is_found_from_anywhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(here / "state").keep(plan(), {"m": ("serve",)})
    (file,) = (here / "state/plans").iterdir()
    monkeypatch.chdir(here.parent)
    read = recipe.load(file)
    assert [files_of(step)[0] for step in read.steps] == ["work/data/z.npy", "work/data/labels.txt"]
    assert not codes(check(read), "error")


@pytest.mark.parametrize("files", ["x", [1], [{"path": "a"}], [{"path": "a", "digest": 1}]])
def test_damaged_entries(here: Path, files: object) -> None:
    draft = draft_of(plan())
    recipe.save(draft.plan, draft.join, here / "plan.json")
    found = json.loads((here / "plan.json").read_text())
    (here / "plan.json").write_text(json.dumps({**found, "files": files}))
    with pytest.raises(DamagedFile, match="a file in it has no path or no digest"):
        recipe.load(here / "plan.json")


def test_a_pipe_is_not_opened(here: Path) -> None:
    os.mkfifo(here / "data/pipe")
    found = check(Plan.edit("m", Adapt(after={"y": "argmax | labels @data/pipe"})))
    (error,) = [one for one in found if one.severity == "error"]
    assert error.code == "adapt-chain" and "not a regular file" in error.message


def test_known_files_are_data() -> None:
    assert StepFile("a", "b", "c") == StepFile("a", "b", "c") and hash(StepFile("a", "b", "c"))
