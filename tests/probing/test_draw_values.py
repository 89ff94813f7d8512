"""`draw --values`: one run, whose values are laid over the picture of the model that ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.cli.tools import call
from tests.picture.test_html import Parser, texts
from tests.zoo import Example
from workbench.runtime.child_process.child import Child

Zoo = Callable[[str], Example]
DIGITS = wb.sample_models() / "digits"


def values_of(text: str) -> dict[str, list[Any]]:
    data = Parser(text).data
    names = texts(data, "nodes", 2)
    groups = texts(data, "groups", 2)
    return {names[at] if at >= 0 else groups[-1 - at]: found for at, found in data["values"]["of"]}


@pytest.mark.needs_tf
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 784)
    np.save(tmp_path / "x.npy", image)
    target = tmp_path / "p.html"
    done = call(capsys, "draw", DIGITS, "--input", f"myInput=@{tmp_path / 'x.npy'}", "-o", target)
    assert done.code == 0, done.err
    found = values_of(target.read_text(encoding="utf-8"))
    assert list(found) == ["myInput", "MatMul", "AddV2", "Softmax", "myOutput"]
    data = Parser(target.read_text(encoding="utf-8")).data
    bundle = wb.open_model(DIGITS).bundle
    assert bundle is not None
    product = image @ bundle.array("softmax/weights")
    assert data["texts"][found["MatMul"][0][1]] == "float32 [1,10]"
    assert found["MatMul"][0][7] == pytest.approx(np.abs(product).max(), rel=1e-4)
    assert data["values"]["notes"] == []


@pytest.mark.needs_tf
def test_inside_a_loop(zoo: Zoo, child: Child) -> None:
    model = wb.open_model(zoo("tf2_while").path)
    scene = wb.draw(model, format="html", values=wb.probe(model, child=child))
    assert any(name.startswith("While") or "While" in name for name in values_of(scene)), list(
        values_of(scene)
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--values"], "the format is text"),
        (["--values", "--format", "svg"], "the format is svg"),
        (["--input", "myInput=1", "--format", "dot"], "the format is dot"),
    ],
)
def test_values_need_a_page(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "draw", DIGITS, *flags)
    assert done.code == 2 and words in done.err and "Choose the format html" in done.err
