"""Files written by hand to cost much: each keeps to the limits of fuzzing, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import by_hand
from tests.sampling import plainly

ROOT = Path(__file__).parents[2]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("target", "makers"), [("pb", by_hand.GRAPHS), ("shards", by_hand.SHARDS), ("pbtxt", by_hand.TEXTS)]
)
def test_what_claims_much_costs_little(target: str, makers: dict[str, by_hand.Maker], tmp_path: Path) -> None:
    """All of a kind in one process: `limits` says which took more time or memory than its size allows."""
    replay(target, makers, tmp_path)


def test_one_of_them(tmp_path: Path) -> None:
    replay("pbtxt", {"0": by_hand.text_without_an_end_to_its_depth}, tmp_path)


TOO_MANY = [
    ("a_million_signatures", "1,000,000 signatures; 10,000 are the most"),
    ("empty_meta_graphs", "400,001 MetaGraphs; 1,000 are the most"),
    ("empty_assets", "400,000 assets; 10,000 are the most"),
]


def replay(target: str, makers: dict[str, by_hand.Maker], tmp_path: Path) -> None:
    for name, make in makers.items():
        (tmp_path / name).write_bytes(make())
    words = [sys.executable, "-m", "tests.fuzz", target, "--replay", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(str(tmp_path))]
    assert len(lines) == len(makers)


@pytest.mark.parametrize(
    ("name", "words"),
    plainly(TOO_MANY, TOO_MANY[-1]),
)
def test_more_than_any_model_has(name: str, words: str, tmp_path: Path) -> None:
    from workbench.errors import DamagedFile
    from workbench.model import open_model

    (tmp_path / "saved_model.pb").write_bytes(by_hand.GRAPHS[name]())
    with pytest.raises(DamagedFile, match=words):
        open_model(tmp_path)
