"""Recent models and unfinished plans."""

from __future__ import annotations

import json
import os
from pathlib import Path

from workbench.disk.samples import SAMPLES
from workbench.session.lists.found import models_below
from workbench.session.lists.places import Entry, begin, existing, is_model, known, listing, nothing, typed
from workbench.session.store import Store, state_folder
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.recipe import load
from workbench.surgery.step import parse_step


def test_the_latest_model_comes_first_and_lost_ones_go(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    assert store.recent() == []
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        store.remember(tmp_path / name)
    assert store.recent() == [tmp_path / "a", tmp_path / "b"]
    (tmp_path / "a").rmdir()
    assert store.recent() == [tmp_path / "b"]
    (tmp_path / "state" / "recent.json").write_text('{"not": "a list"}')
    assert store.recent() == []


def test_a_lost_plan_is_offered_and_reads_back(tmp_path: Path) -> None:
    plan = Plan(
        (Source("a", tmp_path / "a"), Source("b", tmp_path / "b", ("x",))),
        (Connect("o", "i"),),
        ResultOptions(freeze=True),
    )
    store = Store(tmp_path)
    store.keep(plan, {"a": ("serve",)}, "out")
    assert Store(tmp_path).unfinished() == [], "this process still lives"
    (file,) = (tmp_path / "plans").glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    entry = json.loads(file.read_text())
    entry["born"] = "another process had this number"
    file.write_text(json.dumps(entry))
    (offered,) = Store(tmp_path).unfinished()
    assert offered.summary == "a + b, 1 wire"
    read = load(offered.path)
    assert (
        read.wires == plan.wires
        and read.result.freeze
        and [s.path for s in read.sources] == [tmp_path / "a", tmp_path / "b"]
    )
    assert [s.tags for s in read.sources] == [("serve",), ("x",)]
    Store(tmp_path).drop(offered)
    assert Store(tmp_path).unfinished() == []


def test_a_plan_of_steps_alone_is_offered(tmp_path: Path) -> None:
    plan = Plan((Source("a", tmp_path / "a"),), (parse_step("freeze"), parse_step("flatten format=tf1")))
    Store(tmp_path).keep(plan, {})
    (file,) = (tmp_path / "plans").glob("*.json")
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "born": "another process had this number"}))
    (offered,) = Store(tmp_path).unfinished()
    assert offered.summary == "a, 2 steps" and load(offered.path).steps == plan.steps


def test_a_finished_plan_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep(Plan((Source("a", tmp_path),), (Connect("o", "i"),)), {})
    store.forget()
    assert list((tmp_path / "plans").iterdir()) == []


def test_a_state_folder_that_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    store.remember(tmp_path)
    store.keep(Plan((Source("a", tmp_path),), (Connect("o", "i"),)), {})
    assert store.recent() == [] and store.unfinished() == []


def test_where_it_lies() -> None:
    assert state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/workbench")
    assert state_folder({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/workbench"
    assert state_folder({}) == Path.home() / ".local/state/workbench"


def test_folders_are_looked_into(tmp_path: Path, sample_models: Path) -> None:
    assert is_model(sample_models / "digits") and not is_model(sample_models)
    (tmp_path / "serving" / "1").mkdir(parents=True)
    assert is_model(tmp_path / "serving") and not is_model(tmp_path)
    kinds = {entry.text: entry.kind for entry in listing(sample_models, models=True)}
    assert kinds["digits"] == "model" and kinds["digits_png/"] == "folder"
    assert [e.kind for e in typed(f"{sample_models}/", list, models=True)][:2] == ["up", "model"]
    assert [e.text for e in typed(f"{sample_models}/digits_t", list, models=True)] == ["digits_tf2"]
    entries = [Entry("heading", "Recent"), Entry("model", "Resnet", "x/y", tmp_path)]
    assert typed("resn", lambda: entries, models=True) == entries[1:]
    assert typed("", lambda: entries, models=True) == entries
    assert listing(tmp_path / "missing", models=True) == []
    assert known([], sample_models)[0].text == "Sample models"


def test_what_is_offered_before_anything_is_typed(sample_models: Path, tmp_path: Path) -> None:
    for name in SAMPLES:
        assert is_model(sample_models / name), name
    (tmp_path / "serving" / "1").mkdir(parents=True)
    entries = known(
        [sample_models / "digits"], sample_models, found=[tmp_path / "serving", sample_models / "digits"]
    )
    titles = [entry.text for entry in entries if entry.kind == "heading"]
    assert titles == ["Sample models", "Recent", "In this folder"]
    assert [entry.path for entry in entries if entry.path is not None].count(sample_models / "digits") == 2
    assert entries[-1].path == tmp_path / "serving" and entries[-1].aside == str(tmp_path)
    assert [entry.kind for entry in begin(sample_models)] == ["heading", "story", "lessons"]


def test_models_below_a_folder_are_found(tmp_path: Path) -> None:
    for name in ("b/model", "a/deep/er/model", ".hidden/model", "node_modules/model", "model/assets/model"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").write_bytes(b"")
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "serving" / "12").mkdir(parents=True)
    (tmp_path / "frozen.pb").write_bytes(b"\x0a\x02\x0a\x00")
    (tmp_path / "text.pbtxt").write_text("node { name: 'x' }")
    (tmp_path / "weights.pb").write_bytes(b"\x89PNG")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in models_below(tmp_path)]
    assert found == ["frozen.pb", "model", "serving", "text.pbtxt", "b/model"]
    assert "a/deep/er/model" in [str(path.relative_to(tmp_path)) for path in models_below(tmp_path, depth=4)]
    assert len(list(models_below(tmp_path, most=2))) == 2
    assert list(models_below(tmp_path / "missing")) == []


def test_hostile_file_names_are_text(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31mb").mkdir()
    (entry,) = listing(tmp_path, models=True)
    assert "\x1b" not in entry.text and entry.path is not None and os.path.exists(entry.path)


def test_a_path_behind_another_one_is_meant_alone(tmp_path: Path, sample_models: Path) -> None:
    digits = sample_models / "digits"
    for before in ("", f"{tmp_path}/", "./", f"{tmp_path}/x/"):
        assert existing(f"{before}{digits}") == digits
        assert typed(f"{before}{digits}", list, models=True)[0].path == digits
    for text in (f"'{digits}'", f'  "{digits}" ', f"{sample_models}//digits"):
        assert existing(text) == digits
    assert existing(f"{tmp_path}/~") == Path.home() and existing("~nobody-of-that-name/x") is None
    assert existing("") is None and existing("a\0b") is None and existing(f"{tmp_path}/{'x' * 300}") is None


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path) in nothing(f"{tmp_path}/x/y") and "does not exist" in nothing(f"{tmp_path}/x/y")
    assert "is not a SavedModel" in nothing(f"{tmp_path}/file")
    assert "like 'resnet'" in nothing("resnet")
    assert typed(f"{tmp_path}/x/", list, models=True) == [], "no way up from a folder that is not there"
