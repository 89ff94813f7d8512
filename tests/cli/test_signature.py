"""`workbench signature`: what it says, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.tools import DIGITS, SAMPLES, call
from tests.sampling import plainly
from workbench.model import open_model

DIGITS2 = SAMPLES / "digits_tf2"


@pytest.mark.needs_tf
@pytest.mark.parametrize("model", plainly([DIGITS, DIGITS2], DIGITS))
def test_the_edit_of_every_day(capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
    done = call(
        capsys, "signature", model, "--rename-input", "myInput=pixels", "--rename-output", "myOutput=scores",
        "--rename", "serving_default=predict", "-o", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["verdict"] == "verified" and "original" in found["reason"]
    assert found["signatures"]["predict"]["inputs"]["pixels"]["dtype"] == "float32"
    assert list(open_model(tmp_path / "out").meta.signatures["predict"].outputs) == ["scores"]
    shown = call(capsys, "inspect", tmp_path / "out")
    assert "Signatures changed by workbench" in shown.out and "verified" in shown.out
    ran = call(
        capsys, "run", tmp_path / "out", "--signature", "predict", "--input", f"pixels={[[0.0] * 784]}"
    )
    assert ran.code == 0 and "scores" in ran.out


def test_a_dry_run_shows_before_and_after_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = call(
        capsys, "signature", DIGITS, "--rename-input", "myInput=pixels", "--drop", "train",
        "-o", tmp_path / "out", "--dry-run",
    )  # fmt: skip
    assert done.code == 2 and "There is no signature 'train'" in done.err
    done = call(
        capsys, "signature", DIGITS, "--rename-input", "myInput=pixels", "-o", tmp_path / "out", "--dry-run"
    )
    assert done.code == 0
    assert "Before: serving_default" in done.out and "After: serving_default" in done.out
    assert "myInput" in done.out and "pixels" in done.out
    assert not list(tmp_path.iterdir())


def test_added_signatures_take_the_tensors_behind_their_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tensors = open_model(DIGITS).meta.signatures["serving_default"]
    x, y = tensors.inputs["myInput"].tensor, tensors.outputs["myOutput"].tensor
    done = call(
        capsys, "signature", DIGITS, "--add", "one", "--inputs", f"a={x}", "--outputs", f"b={y}",
        "--add", "two", "--inputs", "c=serving_default#myInput", "--outputs", f"d={y}", f"e={y}",
        "--no-verify", "--json", "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 0, done.err
    made = open_model(tmp_path / "out").meta.signatures
    assert list(made["one"].inputs) == ["a"] and list(made["two"].outputs) == ["d", "e"]
    recipe = json.loads((tmp_path / "out/assets.extra/workbench.json").read_text())
    assert recipe["steps"][0]["add"][0] == {"key": "one", "inputs": {"a": x}, "outputs": {"b": y}}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "No changes requested"),
        (("--rename", "serving_default"), 2, "write OLD=NEW"),
        (("--rename-input", "a=b", "--rename-input", "a=c"), 2, "twice"),
        (("--inputs", "a=b"), 2, "--add NAME"),
        (("--rename-input", "myinput=pixels"), 2, "Did you mean myInput"),
        (("--rename", "myInput=pixels"), 2, "--rename-input myInput=NEW"),
        (("--signature", "serving", "--rename-input", "myInput=x"), 2, "serving_default"),
    ],
)
def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = call(capsys, "signature", DIGITS, *words, "-o", tmp_path / "out")
    assert done.code == code and said in done.err, done.err
    assert not list(tmp_path.iterdir())


def test_without_a_place_it_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "signature", DIGITS, "--rename", "serving_default=predict")
    assert done.code == 2 and "-o DIR" in done.err


def test_merge_renames_what_its_result_takes_and_gives(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = (
        "merge", SAMPLES / "image_base64", DIGITS, "--wire", "pixels=myInput", "--rename-input", "base64_input=image",
        "--rename-output", "myOutput=scores", "--no-verify", "-q",
    )  # fmt: skip
    done = call(capsys, *words, "-o", tmp_path / "out", "--save-recipe", tmp_path / "recipe")
    assert done.code == 0, done.err
    found = open_model(tmp_path / "out").meta.signatures["serving_default"]
    assert [*found.inputs, *found.outputs] == ["image", "scores"]
    again = call(capsys, "merge", "--recipe", tmp_path / "recipe", "--no-verify", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    files = [(tmp_path / name / "saved_model.pb").read_bytes() for name in ("out", "again")]
    assert files[0] == files[1]
