"""R5: remarks on what numbers mean, where the ops beside a wire tell; and silence where they don't."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import Tiny, plan, typed
from tests.surgery.tools import codes, findings_of, the
from workbench.findings import Finding
from workbench.model import open_model
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.value_ranges import given_range, wanted_range

PICTURE = (None, 8, 8, 1)


def decoder(folder: Path, *scaling: str, factor: float = 255.0) -> Path:
    """PNG bytes → `y`: decoded, cast, and scaled by `scaling` ops."""
    made = Tiny(folder).placeholder("png", "string", ()).node("decoded", "DecodePng", "png", dtype="uint8")
    made.node("float", "Cast", "decoded", SrcT="uint8", DstT="float32").const("factor", factor)
    last = "float"
    for number, op in enumerate(scaling):
        made.node(f"scaled_{number}", op, last, "factor", T="float32")
        last = f"scaled_{number}"
    made.node("y", "Reshape", last, "float", T="float32", Tshape="int32")
    return made.signature(png_in=("png:0", "string", ()), y_out=("y:0", "float32", PICTURE)).save()


def taker(folder: Path, op: str | None = None, factor: float = 255.0) -> Path:
    """`x` → `y`, with a scaling first if there is one."""
    made = Tiny(folder).placeholder("x", "float32", PICTURE).const("factor", factor)
    if op is not None:
        made.node("scaled", op, "x", "factor", T="float32")
    made.node("y", "Tanh", "scaled" if op is not None else "x", T="float32")
    return made.signature(x_in=("x:0", "float32", PICTURE), y_out=("y:0", "float32", PICTURE)).save()


@pytest.mark.parametrize(
    ("ops", "factor", "expected"),
    [
        ((), 255.0, "0-255"),
        (("RealDiv",), 255.0, "0-1"),
        (("Mul",), 1 / 255, "0-1"),
        (("Mul",), 1 / 127.5, "0-1"),
        (("Mul",), 2.0, None),
        (("RealDiv",), 0.0, None),
    ],
)
def test_given(tmp_path: Path, ops: tuple[str, ...], factor: float, expected: str | None) -> None:
    assert given_range(open_model(decoder(tmp_path / "a", *ops, factor=factor)).meta, "y:0") == expected


@pytest.mark.parametrize(
    ("op", "factor", "expected"),
    [(None, 1.0, None), ("RealDiv", 255.0, "0-255"), ("Mul", 1 / 255, "0-255"), ("Mul", 3.0, None)],
)
def test_wanted(tmp_path: Path, op: str | None, factor: float, expected: str | None) -> None:
    assert wanted_range(open_model(taker(tmp_path / "b", op, factor)).meta, "x:0") == expected


def test_scaled_twice(tmp_path: Path) -> None:
    found = the(
        findings_of(plan(decoder(tmp_path / "a", "RealDiv"), taker(tmp_path / "b", "RealDiv"))), "R5-range"
    )
    assert (found.severity, found.where) == ("warning", "a@y=b@x")
    assert "scales 0-255 down again" in found.message and "before the scaling" in (found.hint or "")


def test_models_that_share_an_input(tmp_path: Path) -> None:
    """One value can't be in two ranges."""
    pixels, plain = taker(tmp_path / "a", "RealDiv"), taker(tmp_path / "b")
    made = Tiny(tmp_path / "c").placeholder("x", "float32", PICTURE).const("two", 2.0).const("one", 1.0)
    made.node("twice", "Mul", "x", "two", T="float32").node("y", "Sub", "twice", "one", T="float32")
    fraction = made.signature(x_in=("x:0", "float32", PICTURE), y_out=("y:0", "float32", PICTURE)).save()

    def found(*paths: Path) -> list[Finding]:
        return [one for one in findings_of(Plan.join(*paths, shares={"x": "x"})) if one.code.startswith("R5")]

    assert found(pixels, pixels) == [] and found(plain, plain) == []
    (unknown,) = found(pixels, plain)
    assert (unknown.code, unknown.severity) == ("R5-range-unknown", "info") and "b@x" in unknown.message
    assert wanted_range(open_model(fraction).meta, "x:0") == "0-1"
    (range_,) = found(pixels, fraction)
    assert (range_.code, range_.severity) == ("R5-range", "warning")
    assert range_.message == "a@x begins as if its value was 0-255, c@x as if it was 0-1."
    assert range_.hint is not None and "`scale 1/255` before c@x" in range_.hint


def test_not_scaled_at_all(tmp_path: Path) -> None:
    found = the(findings_of(plan(decoder(tmp_path / "a"), taker(tmp_path / "b"))), "R5-range")
    assert found.severity == "warning" and "0-255" in found.message and "255" in (found.hint or "")


@pytest.mark.parametrize(("given", "wanted"), [(("RealDiv",), None), ((), "RealDiv")])
def test_scaled_once_is_right(tmp_path: Path, given: tuple[str, ...], wanted: str | None) -> None:
    found = findings_of(plan(decoder(tmp_path / "a", *given), taker(tmp_path / "b", wanted)))
    assert "R5-range" not in codes(found)


def shifted(folder: Path, factor: float = 127.5) -> Path:
    """A decoder whose pixels are scaled and shifted: x / factor - 1."""
    made = Tiny(folder).placeholder("png", "string", ()).node("decoded", "DecodePng", "png", dtype="uint8")
    made.node("float", "Cast", "decoded", SrcT="uint8", DstT="float32")
    made.const("factor", factor).const("one", 1.0)
    made.node("scaled", "RealDiv", "float", "factor", T="float32").node(
        "y", "Sub", "scaled", "one", T="float32"
    )
    return made.signature(png_in=("png:0", "string", ()), y_out=("y:0", "float32", PICTURE)).save()


def mean_off(folder: Path, *mean: float) -> Path:
    """`x` → `y`, after a mean of each channel was taken off."""
    made = Tiny(folder).placeholder("x", "float32", (None, 8, 8, 3)).const("mean", mean[0])
    tensor = made.meta.graph_def.node[-1].attr["value"].tensor
    tensor.tensor_shape.dim.add(size=len(mean))
    tensor.float_val[:] = mean
    made.node("y", "Sub", "x", "mean", T="float32")
    shape = (None, 8, 8, 3)
    return made.signature(x_in=("x:0", "float32", shape), y_out=("y:0", "float32", shape)).save()


def test_shifted_pixels(tmp_path: Path) -> None:
    assert given_range(open_model(shifted(tmp_path / "a")).meta, "y:0") == "-1-1"
    assert given_range(open_model(shifted(tmp_path / "b", 3.0)).meta, "y:0") is None


@pytest.mark.parametrize(
    ("mean", "expected"),
    [((123.7, 116.8, 103.9), "0-255"), ((0.485, 0.456, 0.406), "0-1"), ((7.0, 8.0, 9.0), None)],
)
def test_a_mean_that_is_taken_off(tmp_path: Path, mean: tuple[float, ...], expected: str | None) -> None:
    assert wanted_range(open_model(mean_off(tmp_path / "b", *mean)).meta, "x:0") == expected


def test_pixels_for_a_taker_of_0_to_1(tmp_path: Path) -> None:
    made = decoder(tmp_path / "a")
    found = the(findings_of(plan(made, taker(tmp_path / "b", "Mul", 255.0))), "R5-range")
    assert found.severity == "warning" and "0-255" in found.message and "0-1" in found.message
    assert "y | scale 1/255 = x" in (found.hint or "")


@pytest.mark.parametrize(("taking", "said"), [("RealDiv", "expects 0-255"), (None, "Neither graph tells")])
def test_a_range_that_is_not_known_is_said(tmp_path: Path, taking: str | None, said: str) -> None:
    found = the(
        findings_of(plan(typed(tmp_path / "a", "float32", PICTURE), taker(tmp_path / "b", taking))),
        "R5-range-unknown",
    )
    assert found.severity == "info" and said in found.message


@pytest.mark.parametrize(
    ("dtype", "shape"), [("uint8", PICTURE), ("float32", (None, 4)), ("float32", (None, 8, 8, 64))]
)
def test_what_is_no_picture_of_floats_is_not_remarked_on(
    tmp_path: Path, dtype: str, shape: tuple[int | None, ...]
) -> None:
    found = findings_of(plan(typed(tmp_path / "a", dtype, shape), typed(tmp_path / "b", dtype, shape)))
    assert not [code for code in codes(found) if code.startswith("R5-range")]


def test_in_functions(sample_models: Path) -> None:
    """The TF2 sample scales in a function."""
    assert given_range(open_model(sample_models / "image_base64_tf2").meta, "PartitionedCall:0") in (
        "0-1",
        None,
    )
    meta = open_model(sample_models / "image_base64_tf2").meta
    assert given_range(meta, meta.signatures["serving_default"].outputs["pixels"].tensor) == "0-1"


@pytest.mark.parametrize(
    ("have", "want", "said"),
    [
        ((None, 32, 32, 3), (None, 3, None, None), "looks like NHWC, the input [?,3,?,?] like NCHW"),
        ((None, 3, None, None), (None, 32, 32, 3), "looks like NCHW, the input [?,32,32,3] like NHWC"),
        ((None, 32, 32, 3), (None, 32, 32, 3), ""),
        ((None, 32, 32, 3), (None, None, None, None), ""),
        ((None, 3), (None, 3), ""),
        (None, (None, 3, 8, 8), ""),
    ],
)
def test_layout(
    tmp_path: Path, have: tuple[int | None, ...] | None, want: tuple[int | None, ...], said: str
) -> None:
    """Only a shape that is half open can be both: a refuted one is an error already."""
    from workbench.surgery.resolve.preprocessing import _layout

    found = _layout(have, want)
    assert (said in found[1]) if said and found is not None else found is None and not said
    checked = findings_of(
        plan(typed(tmp_path / "a", "float32", have), typed(tmp_path / "b", "float32", want))
    )
    if said:
        assert set(codes(checked)) & {"R4-shape", "R5-layout"}
    else:
        assert "R5-layout" not in codes(checked)


def test_layout_as_a_finding(tmp_path: Path) -> None:
    have, want = (None, None, None, 3), (None, 3, None, None)
    found = findings_of(plan(typed(tmp_path / "a", "float32", have), typed(tmp_path / "b", "float32", want)))
    one = the(found, "R5-layout")
    assert (one.severity, one.where) == ("warning", "a@y=b@x") and "y | layout NHWC>NCHW = x" in (
        one.hint or ""
    )


def test_a_scalar_string(sample_models: Path) -> None:
    found = the(
        findings_of(plan(sample_models / "image_base64", sample_models / "digits", "pixels=myInput")),
        "R5-scalar",
    )
    assert (found.severity, found.where) == ("info", "a@base64_input") and "instances" in found.message
    batch = findings_of(plan(sample_models / "image_bytes_batch", sample_models / "digits", "pixels=myInput"))
    assert "R5-scalar" not in codes(batch)
