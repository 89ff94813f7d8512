"""Every hostile model does what it is said to do, and the product runs none of them unasked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import HOSTILE
from tests.hostile.build import SECRET
from tests.hostile.playing import Players

pytestmark = [pytest.mark.needs_tf, pytest.mark.exhaustive]
RUNS = [(name, loader) for name, model in HOSTILE.items() for loader in model.loaders]


@pytest.fixture(scope="module")
def players() -> Iterator[Players]:
    with Players() as made:
        yield made


@pytest.mark.parametrize(("name", "loader"), RUNS, ids=[f"{name}-{loader}" for name, loader in RUNS])
def test_the_mark_appears(name: str, loader: str, players: Players, tmp_path: Path) -> None:
    model = HOSTILE[name]
    path, mark = model.write(tmp_path / "model")
    if model.reads:
        played = players.play(path, loader)
        assert SECRET in played.outputs.get(model.phase, ""), played
    else:
        played = players.play(path, loader, [mark])
        assert str(mark) in played.fired.get(model.phase, []), played
    twin = players.play(model.twin(tmp_path / "twin"), loader, [] if model.reads else [mark])
    assert not twin.fired
    assert SECRET not in str(twin.outputs)
    assert twin.loads or not played.loads
