"""A recipe: the same bytes for the same plan, everywhere and every time; read back as the same plan."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sampling import plainly
from tests.surgery.tiny import Tiny, doubler, plan
from tests.surgery.tools import draft_of
from workbench.describe.actions import words
from workbench.errors import DamagedFile, MissingFile
from workbench.publishing.commit import commit
from workbench.surgery import recipe
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source

STORY = "pixels=myInput"


def write(made: Plan, target: Path) -> dict[str, bytes]:
    """Everything a commit writes, by relative path, the proof excluded."""
    assert commit(draft_of(made), target, verify=False).published
    return read(target)


def read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "workbench-proof.json"
    }


@pytest.fixture(params=["digits", "digits_tf2"])
def story(request: Any, sample_models: Path) -> Plan:
    """The story, TF1 and TF2."""
    tail = "_tf2" if request.param.endswith("_tf2") else ""
    return Plan.join(
        img=sample_models / f"image_base64{tail}", digits=sample_models / request.param, wires=[STORY]
    )


def test_two_commits_are_the_same(story: Plan, tmp_path: Path) -> None:
    first, second = write(story, tmp_path / "first"), write(story, tmp_path / "second" / "deep")
    assert first == second
    assert {"saved_model.pb", "assets.extra/workbench.json", "variables/variables.index"} <= set(first)


def test_nothing_of_the_way_to_the_sources_is_written(
    story: Plan, sample_models: Path, tmp_path: Path
) -> None:
    """The same under another path, and no absolute path in any file."""
    here = write(story, tmp_path / "here")
    elsewhere = tmp_path / "quite another" / "place"
    for one in story.sources:
        shutil.copytree(one.path, elsewhere / one.path.name)
    sources = tuple(replace(source, path=elsewhere / source.path.name) for source in story.sources)
    assert write(replace(story, sources=sources), tmp_path / "there") == here
    for name, data in here.items():
        for path in (sample_models, elsewhere, tmp_path):
            assert str(path).encode() not in data, name


def test_the_same_whatever_the_hash_seed(sample_models: Path, tmp_path: Path) -> None:
    """In a process of its own, for TF1 and TF2: the order of sets differs there."""
    program = f"""
import sys
from pathlib import Path
from workbench.publishing.commit import commit
from workbench.surgery.draft import apply
from workbench.surgery.plan import Plan
samples, target = map(Path, sys.argv[1:])
for tail in ("", "_tf2"):
    plan = Plan.join(img=samples / f"image_base64{{tail}}", digits=samples / f"digits{{tail}}", wires=[{STORY!r}],
                     keep_outputs=True, keep_signatures=True)
    commit(apply(plan), target / f"there{{tail}}", verify=False)
"""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    env = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", program, str(sample_models), str(tmp_path)], check=True, env=env)
    for tail in ("", "_tf2"):
        paths = {
            name: sample_models / f"{model}{tail}"
            for name, model in (("img", "image_base64"), ("digits", "digits"))
        }
        here = Plan.join(**paths, wires=[STORY], keep_outputs=True, keep_signatures=True)
        assert write(here, tmp_path / f"here{tail}") == read(tmp_path / f"there{tail}")


def test_what_a_recipe_tells(story: Plan, tmp_path: Path) -> None:
    found = json.loads(write(story, tmp_path / "merged")["assets.extra/workbench.json"])
    assert found["schema_version"] == 2
    assert [source["handle"] for source in found["sources"]] == ["img", "digits"]
    assert [source["tag_set"] for source in found["sources"]] == ["serve", "serve"]
    assert all(len(source["digest"]) == 64 for source in found["sources"])
    assert not any("path" in source for source in found["sources"])
    assert found["steps"] == [{"operation": "connect", "source": "img@pixels", "target": "digits@myInput"}]
    assert found["result"] == {}


KEEP = {"keep_outputs": True, "keep_signatures": True}
NAMED = {"tags": ("serve", "gpu"), "signature": "mine"}


@pytest.mark.parametrize(
    "options", plainly([{}, KEEP, NAMED, {"format": "tf1"}], KEEP, NAMED, {"format": "tf1"})
)
def test_a_saved_recipe_gives_the_same_plan_and_bytes(
    story: Plan, tmp_path: Path, options: dict[str, Any]
) -> None:
    """From another folder, moved together with its sources."""
    for one in story.sources:
        shutil.copytree(one.path, tmp_path / "before" / "models" / one.path.name)
    sources = tuple(
        replace(one, path=tmp_path / "before" / "models" / one.path.name) for one in story.sources
    )
    made = replace(story, sources=sources).with_result(**options)
    draft = draft_of(made)
    recipe.save(made, draft.join, tmp_path / "before" / "recipe.json")
    (tmp_path / "before").rename(tmp_path / "after")
    replayed = recipe.load(tmp_path / "after" / "recipe.json")
    assert [one.path.parent for one in replayed.sources] == [tmp_path / "after" / "models"] * 2
    for key in ("signature", "tags", "keep_outputs", "keep_signatures", "freeze", "format"):
        assert getattr(replayed.result, key) == getattr(made.result, key)
    shutil.copytree(tmp_path / "after", tmp_path / "before")
    assert write(replayed, tmp_path / "one") == write(made, tmp_path / "two")


def test_odd_keys_and_tag_sets_come_back(tmp_path: Path) -> None:
    """`=`, `@`, `#` in keys, no tags, a chosen signature, a GraphDef, three models."""
    odd = Tiny(tmp_path / "odd", tags=()).placeholder().node("y", "Tanh", "x", T="float32")
    signature = odd.signature("my#sig", x_in="x:0").meta.signature_def["my#sig"]
    for key in ("a=b", "c@d", "e#f"):
        signature.outputs[key].name, signature.outputs[key].dtype = "y:0", 1
        signature.outputs[key].tensor_shape.unknown_rank = True
    frozen = Tiny(tmp_path).placeholder().node("y", "Tanh", "x", T="float32")
    (tmp_path / "frozen.pb").write_bytes(frozen.meta.graph_def.SerializeToString())
    sources = (
        Source("odd", odd.save(), (), "my#sig"),
        Source("frozen", tmp_path / "frozen.pb"),
        Source("last", doubler(tmp_path / "last").save()),
    )
    made = Plan(sources, (Connect("odd@c@d", "frozen@x"), Connect("frozen@y", "last@x")))
    recipe.save(made, draft_of(made).join, tmp_path / "recipe.json")
    replayed = recipe.load(tmp_path / "recipe.json")
    assert replayed.wires == made.wires
    assert write(replayed, tmp_path / "one") == write(made, tmp_path / "two")


def test_a_join_of_one_model_in_version_1_still_puts_it_under_its_handle(tmp_path: Path) -> None:
    path = doubler(tmp_path / "a").save()
    old = {
        "schema_version": 1,
        "sources": [{"handle": "a", "tag_set": "serve", "signature": "serving_default"}],
        "wires": [],
    }
    old_plan = recipe.plan_of(old, lambda entry: path, "here")
    draft = draft_of(old_plan)
    assert [node.name for node in draft.proto.meta_graphs[0].graph_def.node] == ["a/x", "a/y"]
    again = recipe.plan_of(json.loads(draft.recipe), lambda entry: path, "here")
    assert again == old_plan and draft_of(again).serialize() == draft.serialize()


def test_a_recipe_of_a_result_holds_that_of_its_source(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    first = json.loads(write(plan(a, b), tmp_path / "first")["assets.extra/workbench.json"])
    second = json.loads(
        write(plan(tmp_path / "first", b), tmp_path / "second")["assets.extra/workbench.json"]
    )
    assert second["sources"][0]["recipe"] == first
    assert "recipe" not in second["sources"][1]


def test_a_digest_tells_a_changed_source(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    before = json.loads(draft_of(plan(a, b)).recipe)
    doubler(tmp_path / "a").const("more", 1).save()
    after = json.loads(draft_of(plan(a, b)).recipe)
    assert before["sources"][0]["digest"] != after["sources"][0]["digest"]
    assert before["sources"][1] == after["sources"][1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "not a recipe"),
        ("[]", "not a recipe"),
        ("{}", "lacks 'sources'"),
        ('{"sources": []}', "lacks 'wires'"),
        ('{"sources": [{"handle": "a", "tag_set": ""}], "wires": []}', "lacks 'path'"),
        ('{"sources": [7], "wires": []}', "not a recipe"),
        ('{"sources": [{"handle": "a", "path": 7, "tag_set": ""}], "wires": []}', "of a source is 7"),
        ("[" * 100_000, "not a recipe"),
    ],
)
def test_what_is_no_recipe(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(text)
    with pytest.raises(DamagedFile, match=message) as caught:
        recipe.load(file)
    assert caught.value.where == str(file)
    if "path" in message:
        assert "--save-recipe" in words(caught.value.hint, "command line")


GOOD: dict[str, Any] = {
    "sources": [{"handle": "a", "path": "a", "tag_set": "serve"}],
    "wires": [{"from": "a@y", "to": "b@x"}],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signature": {}}, "'signature' of the recipe is {}; it has to be a text"),
        ({"wires": {"from": 1}}, "'wires' of the recipe"),
        ({"wires": [{"from": "a"}]}, "lacks 'to'"),
        ({"wires": [{"from": "a", "to": 1.5}]}, "'to' of wire 1 is 1.5"),
        ({"options": []}, "options is no JSON object"),
        ({"options": {"tags": "serve"}}, "'tags' of options is \"serve\"; it has to be a list of texts"),
        ({"options": {"tags": [1]}}, "a list of texts"),
        ({"options": {"freeze": "no"}}, "true or false"),
        ({"options": {"format": "tf3"}}, "one of auto, tf1, tf2"),
        ({"options": {"rename_inputs": {"x": ["y"]}}}, "an object of texts"),
        ({"sources": [{"handle": {}, "path": "a", "tag_set": ""}]}, "'handle' of source 1"),
        ({"sources": [{"handle": "../a", "path": "a", "tag_set": ""}]}, "can't be a handle"),
        ({"sources": GOOD["sources"] * 2}, "Source 2 can't be used: The handle 'a' is used twice"),
        ({"signature": "half of a character: \ud800"}, "it has to be a text"),
        ({"signature": "\0"}, "it has to be a text"),
    ],
)
def test_values_of_another_kind(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Found by fuzzing: each came out of the middle of a join as a TypeError."""
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(GOOD))
    assert recipe.load(file).sources[0].handle == "a"
    file.write_text(json.dumps(GOOD | change))
    with pytest.raises(DamagedFile, match=re.escape(message)):
        recipe.load(file)


def test_a_recipe_that_never_ends(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").symlink_to("/dev/zero")
    with pytest.raises(DamagedFile, match="not a regular file"):
        recipe.load(tmp_path / "recipe.json")


def test_no_recipe_at_all(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        recipe.load(tmp_path / "nope.json")
