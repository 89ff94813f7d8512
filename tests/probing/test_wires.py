"""Values at the wires of merged models, beside those of the sources alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.cli.json_shapes import check_keys
from tests.cli.tools import call
from workbench.runtime.child_process.child import Child


def merged(sample_models: Path, target: Path, wire: str) -> Path:
    plan = wb.Plan.join(image=sample_models / "image_base64", net=sample_models / "digits", wires=wire)
    wb.commit(wb.apply(plan), target, verify=False)
    return target


@pytest.mark.needs_tf
def test_a_plain_wire(sample_models: Path, child: Child, tmp_path: Path) -> None:
    model = merged(sample_models, tmp_path / "m", "pixels=myInput")
    png = (sample_models / "digits_png" / "sample-3.png").read_bytes()
    import base64

    text = base64.urlsafe_b64encode(png)
    sources = {"image": sample_models / "image_base64", "net": sample_models / "digits"}
    found = wb.probe_wires(model, {"base64_input": text}, sources, child=child)
    (wire,) = found.wires
    assert (wire.wire, wire.is_adapted) == ("image@pixels=net@myInput", False)
    pixels = wb.run(sources["image"], {"base64_input": text}, child=child)["pixels"]
    assert wire.given.array is not None and wire.arrived.array is not None
    np.testing.assert_array_equal(wire.given.array, pixels)
    np.testing.assert_array_equal(wire.arrived.array, pixels)
    assert wire.difference.is_equal and wire.difference.size == 784
    assert wire.arrived.address == "net/myInput:0" and found.sources == sources


@pytest.mark.needs_tf
def test_a_wire_with_adapters(
    sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = merged(sample_models, tmp_path / "m", "pixels | scale 1/2 = myInput")
    words = ("--wires", "--source", f"image={sample_models / 'image_base64'}")
    words += ("--source", f"net={sample_models / 'digits'}")
    done = call(capsys, "probe", model, *words, "--json")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    check_keys("probe", 1, data)
    (wire,) = data["wires"]
    assert wire["expected"]["max"] == pytest.approx(wire["given"]["max"] / 2)
    assert wire["arrived"]["first"] == wire["expected"]["first"]
    assert wire["difference"]["differing"] == 0


def test_a_model_without_wires(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "probe", sample_models / "digits", "--wires")
    assert done.code == 3 and "no recipe" in done.err and "Only a model that workbench merged" in done.err
    done = call(capsys, "probe", sample_models / "digits", "add", "--wires")
    assert done.code == 2 and "TENSOR and --wires exclude each other" in done.err
    done = call(capsys, "probe", sample_models / "digits", "--source", "x")
    assert done.code == 2 and "HANDLE=DIR" in done.err
