"""Values laid over a picture: which box each is of, and its step on the scale."""

from __future__ import annotations

import pytest

from workbench.picture.scene.scene import Node
from workbench.picture.values import STEPS, Scale, TensorValue, ValueLayer, number_text


def value(address: str, most: float | None = 1.0, **more: int) -> TensorValue:
    return TensorValue(address, "float32", (1, 4), None if most is None else -most / 2, most, 0.0, **more)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("a/b:0", "a/b"),
        ("%a:1", "a"),
        ("a", "a"),
        ("call::w[body]::a/b:12", "call::w[body]::a/b"),
        ("call::a", "call::a"),
        ("#in#x:y", "#in#x:y"),
    ],
)
def test_the_place_of_an_address(address: str, place: str) -> None:
    assert value(address).place == place


def test_values_of_boxes() -> None:
    one, two, end = value("call::s/a:0", 2.0), value("call::s/a:1", 8.0), value("#out#y", 4.0)
    layer = ValueLayer([one, two, end])
    assert layer.of(Node("call::s/a", "Split", path="call::s/a")) == (one, two)
    assert layer.of(Node("#out#y", "y", kind="output", path="#out#y")) == (end,)
    assert layer.of(Node("call::s/ab", "Split", path="call::s/ab")) == ()
    assert layer.inside(Node("call::", "call", kind="scope", path="call")) == (one, two)
    assert layer.inside(Node("call::s", "s", kind="scope", path="call::s")) == (one, two)
    assert layer.inside(Node("cal", "cal", kind="scope", path="cal")) == ()
    assert layer.step([one, two]) == STEPS - 1 == layer.step([two])
    assert layer.step([value("z:0", None)]) is None


def test_an_input_is_found_by_its_placeholder_too() -> None:
    layer = ValueLayer([value("serve_x:0")])
    assert layer.of(Node("#in#x", "x", kind="input", path="serve_x"))


def test_the_scale_is_logarithmic() -> None:
    scale = Scale.of([value("a:0", 1e-3), value("b:0", 1e3), value("c:0", 0.0), value("d:0", None)])
    assert scale == Scale(1e-3, 1e3)
    steps = [scale.step(size) for size in (0.0, 1e-4, 1e-3, 0.5e-2, 1.5e-2, 1.0, 999.0, 1e3)]
    assert steps == [0, 0, 1, 1, 2, 4, STEPS - 1, STEPS - 1] and steps == sorted(steps)
    assert len(scale.bounds) == STEPS and scale.bounds[0] == 1e-3 and scale.bounds[-1] == 1e3
    for step, bound in enumerate(scale.bounds[:-1], 1):
        assert scale.step(bound * 1.001) == step


def test_the_scale_of_few_values() -> None:
    assert Scale.of([value("a:0", 0.0)]) is None
    assert ValueLayer([value("a:0", 0.0)]).step([value("a:0", 0.0)]) == 0
    same = Scale.of([value("a:0", 3.0)])
    assert same is not None and same.step(3.0) == STEPS - 1 and same.step(0.0) == 0
    wide = Scale.of([value("a:0", 1e-30), value("b:0", 1.0)])
    assert wide is not None and wide.low == 1e-6 and wide.step(1e-30) == 0


def test_what_is_not_finite_is_named_with_its_sign() -> None:
    assert value("a:0", nans=1200, above=1, below=2).trouble == "1,200 NaN, 1 +Inf, 2 -Inf"
    assert value("a:0").trouble == ""


def test_a_range_in_words() -> None:
    assert value("a:0", 3.14159).range == "-1.57 … 3.14"
    assert value("a:0", 0.0).range == "0"
    assert TensorValue("a:0", "string", (2,), first=("x", "y")).range == "x, y"
    assert [number_text(one) for one in (-0.0, -1e-20, 1234567.0)] == ["0", "-1e-20", "1.23e+06"]
