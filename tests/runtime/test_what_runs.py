"""TensorFlow runs what was opened and walked, whatever lies in the folder by then."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tiny import Tiny, doubler, plan
from tests.surgery.tools import changed
from tests.zoo.example import tf
from workbench import Proving, apply, run, verify
from workbench.errors import ChangedFile, ExecutionFailed, WrongSource
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.signature import ChangeSignature
from workbench.verification.report import Proof

pytestmark = pytest.mark.needs_tf

X = {"x": [[1.0, 2.0, 3.0, 4.0]]}
UNSAFE = Proving(allow_unsafe=True)


class Meddled(Child):
    """The shared process; before it is asked for the first time, something is done to a file."""

    def __init__(self, child: Child, meddle: Callable[[], None]) -> None:
        super().__init__()
        self.inner, self.meddle = child, meddle
        self.done = False

    def start(self) -> Any:
        self.inner.start()
        return self

    def ready(self) -> dict[str, str]:
        return self.inner.ready()

    def request(self, job: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        if not self.done:
            self.done = True
            self.meddle()
        return self.inner.request(job, **options)


def square(folder: Path) -> Tiny:
    """`x` float32 [?,4] → `y` = x·x."""
    made = Tiny(folder).placeholder().node("y", "Mul", "x", "x", T="float32")
    return made.signature(x_in="x:0", y_out="y:0")


def swap(model: Path, other: Path) -> Callable[[], None]:
    """Puts another model's file in the place of a model's, as a new export would."""

    def now() -> None:
        shutil.copy(other / "saved_model.pb", model / "new")
        os.replace(model / "new", model / "saved_model.pb")

    return now


@pytest.fixture
def doubles(tmp_path: Path) -> Path:
    return doubler(tmp_path / "doubles").save()


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return square(tmp_path / "squares").save()


def test_the_file_that_is_named_is_run(child: Child, doubles: Path, tmp_path: Path) -> None:
    text = doubles / "saved_model.pbtxt"
    text.write_text(str(square(tmp_path / "not saved").proto))
    for loader in ("v1", "v2"):
        assert run(text, X, child=child, loader=loader)["y"].tolist() == [[1, 4, 9, 16]]  # type: ignore[arg-type]
        assert run(doubles, X, child=child, loader=loader)["y"].tolist() == [[2, 4, 6, 8]]  # type: ignore[arg-type]
    found = verify(text, against=doubles, child=child)
    assert found.verdict == "differs"


@pytest.mark.parametrize("tags", [("serve",), ("serve", "serve")])
def test_of_two_metagraphs_with_one_tag_set_the_first_is_run(
    child: Child, squares: Path, tmp_path: Path, tags: tuple[str, ...]
) -> None:
    made = doubler(tmp_path / "both")
    other = made.proto.meta_graphs.add()
    other.CopyFrom(square(tmp_path / "not saved").meta)
    other.meta_info_def.tags[:] = tags
    made.save()
    for loader in ("v1", "v2"):
        assert run(made.folder, X, child=child, loader=loader)["y"].tolist() == [[2, 4, 6, 8]]  # type: ignore[arg-type]
    assert verify(made.folder, against=squares, child=child).verdict == "differs"


def test_what_was_opened_is_run_and_not_what_came_after(child: Child, doubles: Path, squares: Path) -> None:
    found = run(doubles, X, child=Meddled(child, swap(doubles, squares)))
    assert found["y"].tolist() == [[2, 4, 6, 8]]
    model = open_model(squares)
    swap(squares, doubler(squares.parent / "again").save())()
    with pytest.raises(ChangedFile):
        run(model, X, child=child)


def test_a_source_that_changes_while_a_result_is_verified_is_not_published(
    child: Child, doubles: Path, squares: Path, tmp_path: Path
) -> None:
    edit = changed(open_model(doubles), ChangeSignature(rename_outputs={"y": "z"}))
    report = commit(edit, tmp_path / "out", child=Meddled(child, swap(doubles, squares)))
    assert (report.verdict, report.published) == ("inconclusive", False), report.reason
    assert "was changed while" in report.reason
    assert not (tmp_path / "out").exists()


def published(tmp_path: Path, a: Path, b: Path) -> Path:
    found = commit(apply(plan(a, b)), tmp_path / "merged", verify=False).path
    assert found is not None
    return found


def test_a_source_that_changes_while_a_recipe_is_verified_is_never_verified(
    child: Child, doubles: Path, squares: Path, tmp_path: Path
) -> None:
    merged = published(tmp_path, doubles, squares)
    sources = {"a": doubles, "b": squares}
    other = doubler(tmp_path / "other").save()

    def check(meddle: Callable[[], None]) -> Proof:
        return verify(merged, sources, child=Meddled(child, meddle))

    assert check(lambda: None).ok
    found = check(swap(squares, other))
    assert found.verdict == "inconclusive"
    assert f"{squares}) was changed" in found.reason
    with pytest.raises(WrongSource):
        check(lambda: None)


def test_a_data_file_that_is_cut_off_while_a_model_is_verified_is_seen(
    child: Child, sample_models: Path, tmp_path: Path
) -> None:
    one, other = (
        Path(shutil.copytree(sample_models / "digits", tmp_path / name)) for name in ("one", "other")
    )
    shard = next((other / "variables").glob("*.data-*"))

    def spoil() -> None:
        with shard.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\0")

    found = verify(one, against=other, child=Meddled(child, spoil))
    assert found.verdict != "verified", found.reason


# -- paths


@pytest.fixture(scope="module")
def with_asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("with_asset")
    (folder / "vocab.txt").write_text("a\nb\n")
    from tests.runtime.asset_modules import WithAsset

    module = WithAsset(folder / "vocab.txt")
    tf.saved_model.save(module, str(folder / "model"), signatures=module.f)
    return folder / "model"


def test_an_output_that_is_the_path_of_an_asset_shows_the_users(child: Child, with_asset: Path) -> None:
    found = run(with_asset, {"x": [1.0]}, child=child)
    assert found["path"].tolist() == [os.fsencode(with_asset / "assets" / "vocab.txt")]
    assert found["y"].tolist() == [2.0]


def test_outputs_that_depend_on_the_path_are_inconclusive_and_named(
    child: Child, with_asset: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(with_asset, tmp_path / "a copy"))
    found = verify(with_asset, against=other, child=child)
    assert found.verdict == "inconclusive"
    assert "length, path depend on the path" in found.reason
    shown = str(found.as_json())
    assert ".run.workbench" not in shown and str(other) in shown


def test_an_error_names_the_users_path(child: Child, with_asset: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(with_asset, tmp_path / "broken"))
    for file in (broken / "variables").iterdir():
        file.unlink()
    for loader in ("v1", "v2"):
        with pytest.raises(ExecutionFailed) as caught:
            run(broken, {"x": [1.0]}, child=child, loader=loader)  # type: ignore[arg-type]
        assert str(broken) in str(caught.value)
        assert ".run.workbench" not in str(caught.value)


def test_libraries_find_the_files_beside_an_asset(child: Child, tmp_path: Path) -> None:
    from tests.runtime.asset_modules import WithSiblings

    (tmp_path / "ab12_done").write_text("")
    (tmp_path / "ab12_data").write_text("7.5")
    module = WithSiblings(tmp_path)
    folder = tmp_path / "model"
    tf.saved_model.save(module, str(folder), signatures=module.f)
    for loader in ("v1", "v2"):
        found = run(folder, {"x": [2.0]}, child=child, loader=loader, allow_unsafe=True)  # type: ignore[arg-type]
        np.testing.assert_allclose(found["y"], [15.0])
    edit = changed(open_model(folder), ChangeSignature(rename_outputs={"y": "z"}))
    report = commit(edit, tmp_path / "out", proving=UNSAFE, child=child)
    assert report.verdict == "verified", report.reason
