"""What a classifier answers, by names of its own, of a file, or without any."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surgery.tiny import doubler
from workbench.describe.answers import ClassNames, answer_lines
from workbench.model import open_model
from workbench.surgery.draft import apply
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.plan import Plan

NONE = ClassNames()
DIGITS = ClassNames({10: tuple("0123456789")})


def scores(best: int, value: float = 0.91) -> Any:
    found = np.full((1, 10), (1 - value) / 9, np.float32)
    found[0, best] = value
    return found


@pytest.mark.parametrize(
    ("array", "names", "said"),
    [
        (scores(3), DIGITS, ["it is a 3 (0.91)"]),
        (scores(8), DIGITS, ["it is an 8 (0.91)"]),
        (scores(3), NONE, ["largest: 3 (0.91)"]),
        (scores(3) * 50, NONE, []),
        (scores(3)[0], DIGITS, ["it is a 3 (0.91)"]),
        (np.vstack([scores(1), scores(2)]), DIGITS, ["row 0: it is a 1 (0.91)", "row 1: it is a 2 (0.91)"]),
        (np.vstack([scores(1)] * 5), DIGITS, []),
        (scores(3) * np.nan, DIGITS, ["not every value is finite, so nothing is the largest"]),
        (np.zeros((1, 4, 4, 3), np.float32), NONE, []),
        (np.zeros((1, 0), np.float32), NONE, []),
        (np.float32(3.5), NONE, []),
        (np.int64([[1, 2]]), NONE, []),
        (np.array([b"cat"], object), NONE, []),
        (np.array([b"apple"], object), ClassNames(answers=True), ["it is an apple"]),
        (np.array([[b"cat", b"dog"]], object), ClassNames(answers=True), ["it is a cat"]),
    ],
)
def test_an_answer(array: Any, names: ClassNames, said: list[str]) -> None:
    assert answer_lines(array, names) == said


def test_the_name_of_an_output_says_that_it_is_a_classifier_s() -> None:
    pixels = np.linspace(0, 1, 784, dtype=np.float32)[None]
    assert answer_lines(pixels, NONE, "pixels") == []
    assert answer_lines(scores(3) * 50, NONE, "Logits") == ["largest: 3 (45.5)"]


def test_sample_models_have_names_wherever_they_are(sample_models: Path, tmp_path: Path) -> None:
    for name in ("digits", "digits_tf2"):
        assert ClassNames.of(open_model(sample_models / name)).by_count == {10: tuple("0123456789")}
    shutil.copytree(sample_models / "digits", tmp_path / "digits")
    assert 10 in ClassNames.of(open_model(tmp_path / "digits")).by_count
    other = tmp_path / "other" / "digits"
    doubler(other).save()
    assert not ClassNames.of(open_model(other)).by_count, "a folder of the same name is not the sample"
    assert not ClassNames.of(open_model(sample_models / "image_base64")).by_count


def test_results_of_the_samples_have_their_names(sample_models: Path, tmp_path: Path) -> None:
    from workbench.publishing.commit import commit

    draft = apply(
        Plan.join(sample_models / "image_base64", sample_models / "digits", wires=["pixels=myInput"])
    )
    commit(draft, tmp_path / "out", verify=False)
    found = ClassNames.of(open_model(tmp_path / "out"))
    assert 10 in found.by_count and not found.answers


def test_a_file_of_labels_names_the_classes(tmp_path: Path, sample_models: Path) -> None:
    from workbench.publishing.commit import commit

    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    (tmp_path / "labels.txt").write_text("\n".join(words) + "\n")
    step = Adapt(after={"myOutput": f"argmax | labels @{tmp_path / 'labels.txt'}"})
    draft = apply(Plan.join(sample_models / "digits", steps=[step]))
    commit(draft, tmp_path / "out", verify=False)
    found = ClassNames.of(open_model(tmp_path / "out"))
    assert found.answers and found.by_count[10] == words
