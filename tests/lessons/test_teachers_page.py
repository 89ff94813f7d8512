"""The lesson on the teacher's page of the README is one: it is read and works as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.lessons.tools import SAMPLES, here
from workbench.lessons.lesson import KINDS, TAKES
from workbench.lessons.proving import prove_lesson
from workbench.lessons.reading import tables

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text("utf-8").partition("### The teacher's page")[2].partition("\n## ")[0]


def lesson(folder: Path) -> Path:
    """The lesson of the page, with the files that it names, and its question three times."""
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (markdown,) = re.findall(r"^````markdown\n(.*?)^````$", PAGE, re.MULTILINE | re.DOTALL)
    folder.mkdir()
    asked = text[text.index("[[questions]]") :]
    (folder / "lesson.toml").write_text(f"{text}\n{asked}\n{asked}", "utf-8")
    for name in re.findall(r'text = "(\w+\.md)"', text):
        (folder / name).write_text(markdown, "utf-8")
    shutil.copytree(SAMPLES / "digits", folder / "models" / "mine")
    return folder


@pytest.mark.needs_tf
def test_the_lesson_of_the_page_works(tmp_path: Path) -> None:
    assert prove_lesson(lesson(tmp_path / "3-pruning"), seeds=5, runner=here) == []


def test_the_page_has_every_key() -> None:
    told = set(re.findall(r"`([a-z_ ]+)(?: = [^`]*)?`", PAGE)) | set(
        re.findall(r"^(\w+) = ", PAGE, re.MULTILINE)
    )
    keys = {
        *tables._TEXTS,
        *tables._FLAGS,
        *tables._CONDITION,
        *tables._QUESTION,
        *tables._TASK,
        *KINDS,
        *TAKES,
    }
    assert keys - told == set()
