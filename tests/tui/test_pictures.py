"""The pictures in the README are of this application as it is."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.tui.screens import KEPT, THEMES, take

ROOT = Path(__file__).resolve().parents[2]


def texts(picture: Path) -> list[str]:
    """What stands in a picture, in reading order; how it looks is for eyes."""
    found = re.findall(r"<text [^>]*>([^<]*)</text>", picture.read_text("utf-8"))
    return [unescape(text).replace("\xa0", " ") for text in found]


@pytest.mark.exhaustive
def test_the_readme_shows_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # paths in the pictures are relative to it
    take(tmp_path, (120, 40), THEMES[0], False, ("pick", "preview"))
    kept = sorted(KEPT.glob("*.svg"))
    assert [picture.name for picture in kept] == sorted(picture.name for picture in tmp_path.glob("*.svg"))
    readme = (ROOT / "README.md").read_text("utf-8")
    for picture in kept:
        assert picture.relative_to(ROOT).as_posix() in readme
        message = f"{picture.name} is of an older state: python -m tests.tui.screens --readme"
        assert texts(tmp_path / picture.name) == texts(picture), message
