"""From every command: no file is replaced unasked, nothing is written into a source, and no URL becomes a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench
from tests.cli.tools import DIGITS, IMAGE, WIRE, call, copy_of, tree
from tests.sampling import plainly
from workbench.errors import CannotWrite

MERGE = ["merge", "IMAGE", "DIGITS", "--wire", WIRE, "--no-verify"]
FOLDERS = {
    "merge": [*MERGE, "-o"],
    "merge --serving": [*MERGE, "--serving", "-o"],
    "signature": ["signature", "DIGITS", "--rename", "serving_default=other", "--no-verify", "-o"],
    "freeze": ["freeze", "DIGITS", "--no-verify", "-o"],
    "flatten": ["flatten", "DIGITS", "--no-verify", "-o"],
}
FILES = {
    "merge --dry-run": [*MERGE, "--dry-run", "--save-recipe"],
    "merge": [*MERGE, "-o", "OUT", "--save-recipe"],
    "draw": ["draw", "DIGITS", "--format", "text", "-o"],
    "run": ["run", "DIGITS", "--input", "myInput=[]", "--npz"],
}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    copy_of(IMAGE, tmp_path / "image")
    copy_of(DIGITS, tmp_path / "digits")
    (tmp_path / "alias").symlink_to("digits/assets.extra")
    (tmp_path / "digits" / "assets.extra").mkdir(exist_ok=True)
    return {"IMAGE": "image", "DIGITS": "digits", "OUT": "out"}


def words(line: list[str], models: dict[str, str]) -> list[str]:
    return [models.get(word, word) for word in line]


TARGETS = ("digits/out", "digits/variables/a/b", "alias/out", "image/../digits/out")
INTO_A_SOURCE = [(command, target) for target in TARGETS for command in FOLDERS]


@pytest.mark.parametrize(  # each command once, each target once
    ("command", "target"),
    plainly(
        INTO_A_SOURCE, *(("merge", target) for target in TARGETS), *((name, TARGETS[0]) for name in FOLDERS)
    ),
)
def test_no_target_in_a_source(
    capsys: pytest.CaptureFixture[str], models: dict[str, str], tmp_path: Path, command: str, target: str
) -> None:
    before = tree(tmp_path)
    done = call(capsys, *words(FOLDERS[command], models), target)
    assert done.code == 3 and "sources are never changed" in done.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", [*FOLDERS, *FILES])
def test_no_url(
    capsys: pytest.CaptureFixture[str], models: dict[str, str], tmp_path: Path, command: str
) -> None:
    before = tree(tmp_path)
    for line in (FOLDERS.get(command), FILES.get(command)):
        if line is not None:
            done = call(capsys, *words(line, models), "gs://bucket/out")
            assert done.code == 3 and "error: gs://bucket/out: Only local paths" in done.err
    for name in models:
        line = FOLDERS.get(command) or FILES[command]
        if name in line:
            done = call(capsys, *words(line, models | {name: "gs://bucket/m"}), "elsewhere")
            assert done.code == 3 and "gs://bucket/" in done.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", FILES)
def test_a_file_that_exists(
    capsys: pytest.CaptureFixture[str], models: dict[str, str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    before = tree(tmp_path)
    done = call(capsys, *words(FILES[command], models), "taken")
    assert done.code == 3 and "taken: The file exists already.\n" in done.err and "--overwrite" in done.err
    done = call(capsys, *words(FILES[command], models), "digits/saved_model.pb", "--overwrite")
    assert done.code == 3 and "sources are never changed" in done.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["merge --dry-run", "draw"])
def test_overwrite_replaces_it(
    capsys: pytest.CaptureFixture[str], models: dict[str, str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    assert call(capsys, *words(FILES[command], models), "taken", "--overwrite").code == 0
    assert len((tmp_path / "taken").read_text()) > 100


def test_a_version_beside_the_source(
    capsys: pytest.CaptureFixture[str], models: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "digits").rename(tmp_path / "base" / "1")
    line = words(FOLDERS["freeze"], models | {"DIGITS": "base"})
    assert call(capsys, *line, "base", "--serving").code == 0
    assert (tmp_path / "base" / "2" / "saved_model.pb").is_file()


def test_the_same_from_python(models: dict[str, str], tmp_path: Path) -> None:
    draft = workbench.apply(workbench.Plan.join("image", "digits", wires=[WIRE]))
    before = tree(tmp_path)
    for target in ("digits/out", Path("alias/out"), "gs://bucket/out"):
        with pytest.raises(CannotWrite):
            workbench.commit(draft, target, verify=False)
    assert tree(tmp_path) == before
