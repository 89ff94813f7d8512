"""Values of a run as rows and details, and the value that an input has before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.session.running.runs import digits_run, kept, request_for
from workbench.names import CALL_SEPARATOR
from workbench.picture.values import TensorValue, ValueLayer
from workbench.session.command import run_line
from workbench.session.options import CommitOptions
from workbench.session.running.form import make_form
from workbench.session.running.offered import completed_path, files_for, offered
from workbench.session.running.rows import first_odd, value_rows
from workbench.session.running.run import KeptRun
from workbench.session.texts.detail import Detail
from workbench.session.texts.value_detail import add_value, square, value_detail


def text(detail: Detail) -> str:
    return "\n".join("".join(span.text for span in line) for line in detail.lines)


def test_outputs_come_first_then_inputs_then_steps(sample_models: Path) -> None:
    run = digits_run(request_for(sample_models / "digits"))
    rows = value_rows(run)
    assert [(row.depth, row.text) for row in rows] == [
        (0, "Outputs"), (1, "myOutput"), (0, "Inputs"), (1, "myInput"),
        (0, "Steps  2 tensors, in the order they ran"), (1, "MatMul:0"), (1, "add:0"),
    ]  # fmt: skip
    assert rows[1].answer == "it is a 3 (0.91)" and rows[5].op == "MatMul"
    assert first_odd(rows) == 6 and first_odd(rows[:6]) is None


def test_steps_inside_calls_stand_below_their_call() -> None:
    def value(address: str) -> TensorValue:
        return TensorValue(address, "float32", (1,))

    inner = CALL_SEPARATOR.join(("call", "deep", "Relu:0"))
    layer = ValueLayer([value("x:0"), value(inner), value(inner + "0"), value("y:0")])
    rows = value_rows(KeptRun(Path("m"), "s", {}, {}, {}, {}, layer))
    assert [(row.depth, row.text) for row in rows[1:]] == [
        (0, "Steps  4 tensors, in the order they ran"), (1, "x:0"),
        (1, f"in call{CALL_SEPARATOR}deep"), (2, "Relu:0"), (2, "Relu:00"), (1, "in the main graph"), (1, "y:0"),
    ]  # fmt: skip


def test_the_detail_of_a_value(sample_models: Path) -> None:
    run = digits_run(request_for(sample_models / "digits"))
    values = {value.address: value for value in run.layer.values}
    said = text(value_detail(run, values["#out#myOutput"], "colours"))
    assert "myOutput  output" in said and "it is a 3 (0.91)" in said and "0.01, 0.01, 0.01, 0.91" in said
    said = text(value_detail(run, values["#in#myInput"], "colours"))
    assert "made for it: " in said and "as a picture of 28 × 28" in said and "▀" in said
    said = text(value_detail(run, values["add:0"], "ascii"))
    assert "! 1 NaN, 1 +Inf" in said and "NaN, +Inf, 0, 1" in said and "#" in said
    assert said.isascii() or "…" in said
    assert run.told == "myInput made"


@pytest.mark.parametrize("drawing", ["shades", "ascii"])
def test_without_colours_pictures_are_shades(drawing: Any) -> None:
    out = Detail(("v",), "", "")
    picture = np.linspace(0, 1, 784, dtype=np.float32)[None]
    add_value(out, TensorValue("x", "float32", (1, 784), 0.0, 1.0, 0.5), drawing, picture)
    assert "@@" in text(out) and "▀" not in text(out)


@pytest.mark.parametrize(
    "array",
    [
        np.linspace(-1, 1, 784, dtype=np.float32),
        np.zeros(784, np.float32),
        np.ones((2, 392), np.float32),
        np.ones(10, np.float32),
        np.full(784, np.nan, np.float32),
    ],
)
def test_what_is_no_row_of_pixels(array: Any) -> None:
    assert square(array) is None


def test_strings_are_listed(sample_models: Path) -> None:
    request = request_for(sample_models / "digits")
    words = np.array([b"a\x1b[1m", b"\xff\xfe", b"z"] * 20, object)
    run = kept(request, {"words": words})
    said = text(value_detail(run, run.layer.values[-1], "colours"))
    assert "a\\x1b[1m" in said and "2 bytes" in said and "and 36 more" in said


def test_an_offered_value_is_shown(sample_models: Path, tmp_path: Path) -> None:
    (one,) = request_for(sample_models / "image_base64").form.inputs
    said = text(offered(one, "", "colours"))
    assert said.startswith("  made for it: a 16 by 16 grey PNG") and "▀" in said
    file = sample_models / "digits_png" / "sample-3.png"
    said = text(offered(one, f"base64url:@{file}", "shades"))
    assert "a PNG of 28 × 28" in said and "@@" in said
    assert text(offered(one, "base64url:@none.png", "colours")) == "", "somebody is typing"
    (one,) = request_for(sample_models / "digits").form.inputs
    assert "▀" in text(offered(one, "", "colours"))
    assert text(offered(one, "[[1", "colours")) == ""
    (tmp_path / "big.npy").write_bytes(bytes((1 << 22) + 1))
    assert text(offered(one, f"@{tmp_path}/big.npy", "colours")) == "", "a large file is read when it is run"


def test_a_path_is_completed(sample_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample_models)
    assert completed_path("@digits_p") == "@digits_png/"
    assert completed_path("base64url:@digits_png/sample-4") == "base64url:@digits_png/sample-4.png"
    for word in ("digits_p", "@", "@digits_png/", "@nothing", "me@digits_p", "@no/such"):
        assert completed_path(word) is None, word


def test_sample_pictures_are_offered_for_images(sample_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample_models)
    (image,), (numbers,) = (
        request_for(sample_models / name).form.inputs for name in ("image_base64", "digits")
    )
    assert [entry.text for entry in files_for(image, sample_models)[:2]] == [
        "Sample pictures",
        "sample-0.png",
    ]
    assert files_for(numbers, sample_models)[0].text == "Here"


def test_the_command_of_a_run() -> None:
    path = Path("-m")
    assert run_line(path, "serving_default", {"x": "", "y": ""}) == "workbench run ./-m"
    line = run_line(
        Path("m"), "other", {"x": " [1, 2] "}, tags=("serve", "gpu"), probe=True, tensors=("a:0",),
        options=CommitOptions(allow_unsafe=True, python="py"),
    )  # fmt: skip
    assert line == (
        "workbench probe m a:0 --signature other --tag-set serve,gpu --input 'x=[1, 2]' --allow-unsafe --python py"
    )


def test_typed_values_are_told(sample_models: Path) -> None:
    request = request_for(sample_models / "digits", texts={"myInput": "@x.npy"})
    run = digits_run(request)
    assert run.told == "myInput=@x.npy" and not run.made
    assert make_form(request.model, run.name).name == "serving_default"


def test_a_scope_that_all_steps_of_a_body_are_in_is_said_once() -> None:
    names = ["net/conv/Conv2D:0", "net/conv/Relu:0", "net/dense/MatMul:0"]
    layer = ValueLayer([TensorValue(f"call{CALL_SEPARATOR}{name}", "float32", (1,)) for name in names])
    rows = value_rows(KeptRun(Path("m"), "s", {}, {}, {}, {}, layer))
    assert [(row.depth, row.text) for row in rows[2:]] == [
        (1, "in call net/"), (2, "conv/Conv2D:0"), (2, "conv/Relu:0"), (2, "dense/MatMul:0"),
    ]  # fmt: skip
