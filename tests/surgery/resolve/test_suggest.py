"""Suggested wires: what fits by dtype and shape, the surest and most alike first."""

from __future__ import annotations

from pathlib import Path

from tests.surgery.tiny import Tiny, typed
from workbench.model import open_model
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.suggest import suggest, suggest_shares


def suggested(**folders: Path) -> list[Connect]:
    plan = Plan(tuple(Source(handle, path) for handle, path in folders.items()))
    return suggest(plan, {handle: open_model(path) for handle, path in folders.items()})


def two_inputs(folder: Path) -> Path:
    made = Tiny(folder).placeholder("image").placeholder("mask").placeholder("name", "string", (None,))
    made.node("y", "AddV2", "image", "mask", T="float32")
    return made.signature(
        image_in="image:0", mask_in="mask:0", name_in=("name:0", "string", (None,)), y_out="y:0"
    ).save()


def test_only_what_fits(tmp_path: Path) -> None:
    found = suggested(a=typed(tmp_path / "a", "float32"), b=two_inputs(tmp_path / "b"))
    assert {str(one) for one in found} == {"y=image", "y=mask"}


def test_names_that_are_alike_come_first(tmp_path: Path) -> None:
    out = Tiny(tmp_path / "a").placeholder().node("z", "Neg", "x", T="float32")
    out.signature(x_in="x:0", mask_out="z:0", other_out="z:0")
    found = suggested(a=out.save(), b=two_inputs(tmp_path / "b"))
    assert str(found[0]) == "mask=mask"


def test_proven_shapes_come_before_unknown_ones(tmp_path: Path) -> None:
    out = Tiny(tmp_path / "a").placeholder("x").placeholder("u", shape=None)
    out.signature(x_in="x:0", u_in="u:0", image_out=("u:0", "float32", None), far_out="x:0")
    assert str(suggested(a=out.save(), b=two_inputs(tmp_path / "b"))[0]).startswith("far=")


def test_another_size_is_not_suggested(tmp_path: Path) -> None:
    found = suggested(a=typed(tmp_path / "a", "float32", (None, 5)), b=two_inputs(tmp_path / "b"))
    assert found == []


def test_three_models_are_named(tmp_path: Path) -> None:
    paths = {handle: typed(tmp_path / handle, "float32") for handle in ("a", "b", "c")}
    assert {str(one) for one in suggested(**paths)} == {"a@y=b@x", "b@y=c@x"}


def shared(**folders: Path) -> list[str]:
    plan = Plan(tuple(Source(handle, path) for handle, path in folders.items()))
    return list(
        map(str, suggest_shares(plan, {handle: open_model(path) for handle, path in folders.items()}))
    )


def test_inputs_that_can_be_shared(tmp_path: Path) -> None:
    """Those of one key; else the only inputs of all models, where they fit each other."""
    x, other = typed(tmp_path / "x", "float32"), two_inputs(tmp_path / "two")
    pixels = Tiny(tmp_path / "p").placeholder("pixels").node("y", "Neg", "pixels", T="float32")
    pixels.signature(pixels_in="pixels:0", y_out="y:0")
    assert shared(a=x, b=x, c=other) == ["x=x"]
    assert shared(a=other, b=other) == ["image=image", "mask=mask", "name=name"]
    assert shared(a=x, b=pixels.save()) == ["x=a@x,b@pixels"]
    assert shared(a=x, b=typed(tmp_path / "int", "int32")) == [] and shared(a=x, b=other) == []
