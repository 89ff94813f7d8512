"""Plans: data that can be made from words, changed, compared, and tell their options."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from workbench.errors import UsageError
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source, SourceList, handle_base
from workbench.surgery.step import fields_to_json


def test_join(tmp_path: Path) -> None:
    plan = Plan.join(
        tmp_path / "image", digits=tmp_path / "other", wires=["pixels=myInput", Connect("a=b", "c")]
    )
    assert plan.handles == ("image", "digits")
    assert plan.sources[1] == Source("digits", tmp_path / "other")
    assert plan.wires == (Connect("pixels", "myInput"), Connect("a=b", "c"))
    assert [str(wire) for wire in plan.wires] == ["pixels=myInput", "a=b=c"]
    assert fields_to_json(plan.result) == {}


def test_a_wire_without_equals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a wire") as caught:
        Plan.join(tmp_path / "a", tmp_path / "b", wires=["pixels"])
    assert caught.value.hint == "Write OUTPUT=INPUT."


def test_plans_are_values(tmp_path: Path) -> None:
    one, other = (Plan.join(tmp_path / "a", tmp_path / "b", wires=["y=x"]) for _ in range(2))
    assert one == other and hash(one) == hash(other)
    more = one.with_wire(Connect("z", "w"))
    assert len(one.wires) == 1 and more.wires == (Connect("y", "x"), Connect("z", "w"))
    with pytest.raises(FrozenInstanceError):
        one.steps = ()  # type: ignore[misc]


def test_options_are_those_that_are_not_the_default() -> None:
    result = ResultOptions("mine", ("serve", "gpu"), True, True, True, "tf1", (("a", "b"),))
    assert fields_to_json(result) == {
        "signature": "mine", "rename_inputs": {"a": "b"},
        "tags": ["serve", "gpu"], "keep_outputs": True, "keep_signatures": True, "freeze": True, "format": "tf1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("models/digits", "digits"),
        ("models/digits/3", "digits"),
        ("models/digits/3/saved_model.pb", "digits"),
        ("models/digits/saved_model.pbtxt", "digits"),
        ("models/frozen.pb", "frozen"),
        ("models/v1.2", "v1.2"),
    ],
)
def test_what_a_model_goes_by(tmp_path: Path, path: str, base: str) -> None:
    assert handle_base(tmp_path / path) == base


def test_a_source_keeps_what_was_said_of_it(tmp_path: Path) -> None:
    sources = SourceList()
    added = sources.add(tmp_path / "m", "h", tags=iter(["serve", "gpu"]), signature="s")
    assert added == Source("h", tmp_path / "m", ("serve", "gpu"), "s")
    assert sources.add(tmp_path / "m").handle == "m"
    assert sources.add(tmp_path / "m").handle == "m_2"
