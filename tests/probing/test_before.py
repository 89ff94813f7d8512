"""What is refused before TensorFlow starts."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.surgery.tiny import Tiny, doubler


def test_an_input_that_can_not_be_made(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "m").placeholder("x", "resource", ()).node("y", "Identity", "x", T="resource")
    path = made.signature(x_in=("x:0", "resource", ()), y_out=("y:0", "resource", ())).save()
    with pytest.raises(wb.InputError, match="No value can be made: x is a resource") as caught:
        wb.probe(path)
    assert caught.value.where == "x" and "inputs={'x': VALUE}" in str(caught.value.hint)


def test_tensors_that_are_not_there(tmp_path: Path) -> None:
    path = doubler(tmp_path / "m").save()
    with pytest.raises(wb.UnknownName, match="'z'"):
        wb.probe(path, ["y", "z"])


def test_a_value_that_does_not_fit(tmp_path: Path) -> None:
    path = doubler(tmp_path / "m").save()
    with pytest.raises(wb.InputError, match="x"):
        wb.probe(path, inputs={"x": "seven"})
