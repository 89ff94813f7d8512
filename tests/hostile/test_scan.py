"""The walk reports every hostile model, and none of their twins. Nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import HOSTILE, Hostile
from workbench.checks.unsafe import Danger, scan, unsafe_ops
from workbench.model import Model, open_model


def asked_about(model: Model, keys: list[str]) -> list[Danger]:
    return [one for meta in model.meta_graphs for one in unsafe_ops(meta, keys)]


def found(model: Model) -> list[Danger]:
    return [one for meta in model.meta_graphs for one in scan(meta) if one.excuse is None]


@pytest.mark.parametrize("model", HOSTILE.values(), ids=lambda model: model.name)
def test_it_is_found_and_its_twin_is_not(model: Hostile, tmp_path: Path) -> None:
    path, mark = model.write(tmp_path / "model")
    bad = open_model(path)
    assert found(bad)
    if model.by_the_product:
        asked = asked_about(bad, model.keys)
        assert asked, "asked about before that signature is run"
        assert all(one.signatures for one in asked)
    twin = open_model(model.twin(tmp_path / "twin"))
    assert found(twin) == []
    assert asked_about(twin, model.keys) == []
    assert model.reads or not mark.exists(), "making and reading it runs nothing"
    if model.phase == "load" and set(model.loaders) <= {"v1", "v2"}:
        assert asked_about(bad, []), "asked about before it is loaded at all"


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 60
    assert {loader for model in HOSTILE.values() for loader in model.loaders} == {
        "v1",
        "v2",
        "TFSMLayer",
        "hub",
    }
