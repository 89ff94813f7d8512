"""From a result back to its sources, without TensorFlow: found by digest, refused, missed, made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tools import call, copy_of, edit
from tests.surgery.tiny import doubler, plan
from tests.surgery.tools import changed, flattened, frozen
from workbench import state
from workbench.describe.actions import words
from workbench.errors import DamagedFile, MissingFile, MissingSource, UsageError, WorkbenchError, WrongSource
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.surgery.draft import Draft, apply
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan
from workbench.surgery.signatures.changes import Added
from workbench.verification.replay import Replayed, replay

RECIPE = Path("assets.extra") / "workbench.json"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered, and nothing lies in the working folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """`a` doubles, `b` doubles under other names."""
    a = doubler(tmp_path / "from" / "a").save()
    b = doubler(tmp_path / "from" / "b").const("unused", 1.0).save()
    return a, b


def publish(made: Plan, target: Path) -> Path:
    found = commit(apply(made), target, verify=False).path
    assert found is not None
    return found


def again(result: Path, scratch: Path, **given: Path) -> Replayed:
    return replay(open_model(result), given, scratch)


def where(found: Replayed) -> dict[str, Path]:
    return {one.handle: one.path for one in found.sources}


def test_beside_the_result_in_the_working_folder_or_remembered(
    sources: tuple[Path, Path], tmp_path: Path
) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "to" / "merged")
    with pytest.raises(MissingSource):
        again(result, tmp_path / "s")
    shutil.copytree(a, tmp_path / "to" / "renamed")
    versions = tmp_path / "cwd" / "served"
    shutil.copytree(b, versions / "3")
    found = again(result, tmp_path / "s")
    assert where(found) == {"a": tmp_path / "to" / "renamed", "b": versions / "3"}
    assert found.serialize() == (result / "saved_model.pb").read_bytes()
    state.remember_sources({open_model(a).digest(): a})
    assert where(again(result, tmp_path / "s"))["a"] == a, "the place where it was used last comes first"
    shutil.copytree(result, tmp_path / "to" / "7")
    assert where(again(tmp_path / "to" / "7", tmp_path / "s"))["b"] == versions / "3"


def test_an_older_version_under_a_serving_folder(sources: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = sources
    served = tmp_path / "served"
    shutil.copytree(a, served / "2")
    result = publish(plan(served, b), tmp_path / "to" / "merged")
    state.remember_sources({open_model(served).digest(): served, open_model(b).digest(): b})
    shutil.copytree(b, served / "10")
    assert where(again(result, tmp_path / "s"))["a"] == served / "2"


def test_a_recipe_of_an_older_workbench(sources: tuple[Path, Path], tmp_path: Path) -> None:
    """It has no digests of the parts, so that only the whole is known to differ."""
    result = publish(plan(*sources), tmp_path / "from" / "merged")
    change_recipe(result, lambda recipe: [source.pop("parts") for source in recipe["sources"]] and recipe)
    assert len(again(result, tmp_path / "s").sources) == 2
    with pytest.raises(WrongSource, match="its digest differs"):
        again(result, tmp_path / "s", a=sources[1])


def test_from_inside_the_result(
    sources: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = publish(plan(*sources), tmp_path / "from" / "merged")
    monkeypatch.chdir(result)
    assert set(where(again(Path("."), tmp_path / "s"))) == {"a", "b"}


def test_what_was_remembered_and_changed_is_not_taken(sources: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "to" / "merged")
    state.remember_sources({open_model(a).digest(): a, open_model(b).digest(): b})
    assert where(again(result, tmp_path / "s")) == {"a": a, "b": b}
    doubler(a).const("more", 2.0).save()
    with pytest.raises(MissingSource, match=r"A source .* a \(sha256 [0-9a-f]{64}\)"):
        again(result, tmp_path / "s")


def test_commands_remember_where_sources_are(
    sources: tuple[Path, Path], sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = sources
    joined, frozen = tmp_path / "to" / "joined", tmp_path / "to" / "frozen"
    assert call(capsys, "merge", a, b, "--wire", "y=x", "-o", joined, "--no-verify").code == 0
    assert call(capsys, "freeze", sample_models / "digits", "-o", frozen, "--no-verify").code == 0
    assert where(again(joined, tmp_path / "s")) == {"a": a, "b": b}
    assert where(again(frozen, tmp_path / "s")) == {"digits": sample_models / "digits"}
    assert (tmp_path / "state" / "workbench" / "sources.json").stat().st_mode & 0o777 == 0o600


def test_missing_ones_are_told_all_at_once(sources: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "to" / "merged")
    with pytest.raises(MissingSource) as caught:
        again(result, tmp_path / "s")
    assert all(open_model(path).digest() in caught.value.message for path in (a, b))
    assert words(caught.value.hint, "command line") == "Say where: --source a=DIR --source b=DIR."
    assert caught.value.exit_code == 3


def test_a_source_that_is_another_model_is_refused(
    sources: tuple[Path, Path], sample_models: Path, tmp_path: Path
) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "to" / "merged")
    with pytest.raises(WrongSource, match="the graph differs") as caught:
        again(result, tmp_path / "s", a=b, b=b)
    assert open_model(a).digest() in caught.value.message
    with pytest.raises(UsageError, match="no source ") as usage:
        again(result, tmp_path / "s", a=a, b=b, c=a)
    assert "a, b" in str(usage.value.hint) or "Did you mean" in str(usage.value.hint)
    digits = sample_models / "digits"
    story = publish(
        Plan.join(img=sample_models / "image_base64", net=digits, wires=["pixels=myInput"]),
        tmp_path / "story",
    )
    other = copy_of(digits, tmp_path / "other")
    (other / "assets").mkdir()
    (other / "assets" / "new.txt").write_text("x")
    with pytest.raises(WrongSource, match="the graph and the checkpoint are the same; the assets are new"):
        again(story, tmp_path / "s", img=sample_models / "image_base64", net=other)


def test_a_source_that_is_a_result_is_made_again(sources: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = sources
    first = publish(plan(a, b), tmp_path / "gone" / "first")
    second = publish(plan(first, b), tmp_path / "to" / "second")
    digest = open_model(first).digest()
    assert where(again(second, tmp_path / "s", a=first, b=b)) == {"a": first, "b": b}
    found = again(second, tmp_path / "s", a=first, b=b, **{"a/b": b})
    assert set(where(found)) == {"a", "b"}, "what is not needed does no harm"
    with pytest.raises(UsageError, match="a/c"):
        again(second, tmp_path / "s", a=first, b=b, **{"a/c": b})
    shutil.rmtree(first)
    with pytest.raises(MissingSource, match=r"a \(.*a/a \(.*a/b \("):
        again(second, tmp_path / "s", b=b)
    found = again(second, tmp_path / "s", **{"a/a": a, "a/b": b, "b": b})
    (made,) = [one for one in found.sources if one.made_again]
    assert (made.handle, made.digest) == ("a", digest)
    assert found.serialize() == (second / "saved_model.pb").read_bytes()


EDITS: list[Callable[[Any], Draft]] = [
    frozen,
    flattened,
    lambda model: flattened(model, "tf1"),
    lambda model: changed(
        model,
        ChangeSignature(
            rename={"serving_default": "predict"},
            rename_inputs={"myInput": "x"},
            add=(Added("more", {"z": "serving_default#myInput"}, {"y": "serving_default#myOutput"}),),
            method="tensorflow/serving/classify",
            signature="serving_default",
        ),
    ),
]


@pytest.mark.parametrize("change", EDITS)
def test_edits_are_done_again(change: Callable[[Any], Draft], sample_models: Path, tmp_path: Path) -> None:
    source = sample_models / "digits_tf2"
    made = change(open_model(source))
    assert isinstance(made, Draft), made.findings
    result = commit(made, tmp_path / "edited", verify=False).path
    assert result is not None
    found = again(result, tmp_path / "s", digits_tf2=source)
    assert found.serialize() == (result / "saved_model.pb").read_bytes()
    assert found.signature == next(iter(made.references))


def change_recipe(result: Path, change: Callable[[Any], Any]) -> None:
    recipe = json.loads((result / RECIPE).read_text())
    recipe = change(recipe) or recipe
    (result / RECIPE).write_text(json.dumps(recipe))


BROKEN: list[Callable[[Any], Any]] = [
    lambda recipe: recipe.pop("sources") and None,
    lambda recipe: recipe.update(sources={}),
    lambda recipe: recipe.update(sources=["a", 3]),
    lambda recipe: recipe["sources"][0].pop("digest") and None,
    lambda recipe: recipe["sources"][0].update(handle=["a"]),
    lambda recipe: recipe["sources"][0].update(tag_set=3),
    lambda recipe: recipe["steps"][0].update(source=3),
    lambda recipe: recipe.update(steps=7),
    lambda recipe: recipe.update(steps=["freeze"]),
    lambda recipe: recipe.update(result=[1]),
    lambda recipe: recipe.update(schema_version=3),
    lambda recipe: recipe["steps"].append({"operation": "polish"}),
    lambda recipe: recipe["steps"].append({"operation": "../signature"}),
    lambda recipe: recipe["steps"].append({"operation": "signature", "rename": 3}),
    lambda recipe: recipe["steps"].append({"operation": "signature", "polish": 3}),
    lambda recipe: recipe["steps"].append({"operation": "signature", "add": [{"key": "a"}]}),
    lambda recipe: recipe["steps"][0].update(source="nothing"),
    lambda recipe: recipe.update(schema_version=1, wires=[{"from": 3}]),
    lambda recipe: recipe.update(schema_version=1, wires=[], options=[1]),
    lambda recipe: recipe.update(schema_version=1, edit="polish"),
    lambda recipe: recipe.update(schema_version=1, edit="signature", options={"rename": 3}),
    lambda recipe: recipe.update(schema_version=1, wires=[{"from": "nothing", "to": "x"}]),
]


@pytest.mark.parametrize("change", BROKEN)
def test_recipes_that_can_not_be_followed(
    change: Callable[[Any], Any], sources: tuple[Path, Path], tmp_path: Path
) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "from" / "merged")
    change_recipe(result, change)
    with pytest.raises(WorkbenchError) as caught:
        again(result, tmp_path / "s")
    assert caught.value.where is not None and "workbench.json" in caught.value.where


def test_recipes_without_end(sources: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = sources
    result = publish(plan(a, b), tmp_path / "from" / "merged")
    entry: dict[str, Any] = {"handle": "x", "digest": "0", "tag_set": "serve"}
    for _ in range(60):
        entry = {"handle": "x", "digest": "0", "tag_set": "serve", "recipe": {"sources": [entry]}}
    change_recipe(result, lambda recipe: recipe.update(sources=[entry]))
    with pytest.raises(DamagedFile):
        again(result, tmp_path / "s")


def test_a_model_without_a_recipe(sources: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no recipe") as caught:
        again(sources[0], tmp_path / "s")
    assert "--against" in words(caught.value.hint, "command line")
    result = publish(plan(*sources), tmp_path / "to" / "merged")
    (result / RECIPE).write_text("{")
    with pytest.raises(DamagedFile):
        again(result, tmp_path / "s")


def test_a_result_that_was_changed_is_still_found(sources: tuple[Path, Path], tmp_path: Path) -> None:
    result = publish(plan(*sources), tmp_path / "from" / "merged")
    edit(result, lambda message: message.meta_graphs[0].graph_def.node.add(name="new", op="NoOp"))
    assert again(result, tmp_path / "s").serialize() != (result / "saved_model.pb").read_bytes()
