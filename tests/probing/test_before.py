"""What is refused before TensorFlow starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"inputs": [1]}, "The inputs must be a dict"),
        ({"time_limit": "soon"}, "The time limit must be a number"),
        ({"tensors": "y:0"}, "The tensors must be a list"),
        ({"tensors": [3]}, "A tensor must be its address"),
        ({"iterations": 2.5}, "The number of iterations must be an integer"),
    ],
)
def test_arguments_of_another_type(tmp_path: Path, arguments: dict[str, Any], told: str) -> None:
    path = doubler(tmp_path / "m").save()
    with pytest.raises(wb.errors.WrongType, match=told):
        wb.probe(path, **arguments)


def test_no_iteration_at_all(tmp_path: Path) -> None:
    path = doubler(tmp_path / "m").save()
    with pytest.raises(wb.errors.UsageError, match="At least 1 iteration"):
        wb.probe(path, iterations=0)
