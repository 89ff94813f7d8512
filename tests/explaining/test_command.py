"""`workbench explain` on the command line, and wires."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.tools import DIGITS, IMAGE, SAMPLES, call
from workbench.explaining.wires import explain_wire
from workbench.model import open_model


def test_the_page_is_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    import workbench as wb

    done = call(capsys, "explain", DIGITS, "MatMul")
    assert done.code == 0 and done.out.rstrip() == str(wb.explain(DIGITS, "MatMul"))
    found = json.loads(call(capsys, "explain", DIGITS, "MatMul", "--json").out)
    assert found == {"schema_version": 1, **wb.explain(DIGITS, "MatMul").as_json()}


def test_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert "capture: A capture is a value" in call(capsys, "explain", "--terms").out
    general = call(capsys, "explain", "--term", "capture").out
    assert general.startswith("A capture is") and "__call__" not in general
    there = call(capsys, "explain", SAMPLES / "digits_tf2", "--term", "capture").out
    assert there.startswith(general.rstrip()) and "`__call__` captures 2 values" in there


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "No model is given"),
        ((DIGITS, "MatMul", "--term", "op"), "--term explains a word"),
        ((DIGITS, "--wire", "a=b"), "--wire needs two models"),
        ((IMAGE, DIGITS, "--wire", "a=b", "--signature", "s"), "--wire does not take --signature"),
        ((DIGITS, "MatMull"), "Did you mean MatMul?"),
        ((IMAGE, DIGITS, "--wire", "pixels"), "is not a wire"),
        ((DIGITS, "--term", "nodule"), "Did you mean node"),
        ((DIGITS, "--signature", "nix"), "There is no signature 'nix'"),
    ],
)
def test_what_is_wrong(capsys: pytest.CaptureFixture[str], words: tuple[object, ...], message: str) -> None:
    done = call(capsys, "explain", *map(str, words))
    assert done.code == 2 and message in done.err


def wire(text: str) -> str:
    return str(explain_wire(open_model(IMAGE), open_model(DIGITS), text))


def test_a_wire_that_fits() -> None:
    told = wire("pixels=myInput")
    assert told.startswith("The wire fits")
    assert "Output `pixels`: float32 [1,784] (pixels:0)" in told


def test_a_wire_that_adapters_make_fit() -> None:
    told = wire("DecodePng=myInput")
    assert told.startswith("The wire does not fit.")
    assert "Output `DecodePng` is uint8 [?,?,1]; input `myInput` takes float32 [?,784]." in told
    assert "`resize 28 28` makes it" in told and "--wire 'DecodePng | resize 28 28" in told
    chain = told.partition("--wire '")[2].partition("'")[0]
    assert wire(chain).startswith(("The wire fits", "The wire may fit"))


def test_a_wire_without_an_end() -> None:
    told = wire("nothing=myInput")
    assert told.startswith("The wire can't be judged") and "The outputs are pixels." in told


def test_what_is_loaded() -> None:
    """No TensorFlow for `explain`, and no `explaining` for another command."""
    code = (
        "import sys\nfrom workbench.cli.main import main\n"
        "for word in ('inspect', 'explain'):\n"
        "    main([word, sys.argv[1]])\n"
        "    print(sorted(name for name in sys.modules if name.startswith('workbench.explaining.')), "
        "'tensorflow' in sys.modules, 'networkx' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(DIGITS)], capture_output=True, text=True, check=True
    )
    inspected, explained = (line for line in done.stderr.splitlines() if line.startswith("["))
    assert inspected == "[] False False"
    assert explained.endswith("'] False False")
