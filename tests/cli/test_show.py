"""`workbench show`: what saved_model_cli prints, word for word."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forking.client import FORKING, SAVED_MODEL_CLI
from tests.zoo import Example
from workbench.cli.main import main


def shown(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["show", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_tag_sets(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = "The given SavedModel contains the following tag-sets:\n'serve'\n"
    assert shown(capsys, "--dir", sample_models / "digits") == expected
    assert shown(capsys, sample_models / "digits") == expected


def test_signature_keys(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, sample_models / "digits", "--tag_set", "serve") == (
        "The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:\n"
        'SignatureDef key: "serving_default"\n'
    )


def test_one_signature(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(
        capsys, "--dir", sample_models / "digits", "--tag_set", "serve", "--signature_def", "serving_default"
    )
    assert out == (
        "The given SavedModel SignatureDef contains the following input(s):\n"
        "  inputs['myInput'] tensor_info:\n"
        "      dtype: DT_FLOAT\n"
        "      shape: (-1, 784)\n"
        "      name: myInput:0\n"
        "The given SavedModel SignatureDef contains the following output(s):\n"
        "  outputs['myOutput'] tensor_info:\n"
        "      dtype: DT_FLOAT\n"
        "      shape: (-1, 10)\n"
        "      name: myOutput:0\n"
        "Method name is: tensorflow/serving/predict\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tag_set", "serv"], "serve"),
        (["--tag_set", "serve", "--signature_def", "servng"], "serving_default"),
        (["--list_ops"], "--tag_set"),
    ],
)
def test_wrong_names(
    words: list[str], says: str, sample_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(sample_models / "digits"), *words]) == 2
    assert says in capsys.readouterr().err


def plain(text: str) -> list[str]:
    """Lines without what differs on purpose: the ops (order, those in branches), backspaces, named values."""
    lines = []
    for line in text.splitlines():
        line = line.rstrip().replace(", \b\b]", "]").replace(", \b\b}", "}")
        if "contains the following ops:" in line:
            line = line[: line.index("{")]
        if lines and "Named Argument #" in lines[-1]:  # whose value is left out there
            line = line.partition(":")[0]
        if line:
            lines.append(line)
    return lines


def ops(text: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", text[text.index("following ops:") :].splitlines()[0]))


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "name", ["v1_simple_save", "v1_tag_sets", "tf2_module", "tf2_callables_only", "tf2_ragged", "tf2_while"]
)
def test_it_is_what_saved_model_cli_prints(
    name: str, zoo: Callable[[str], Example], capsys: pytest.CaptureFixture[str]
) -> None:
    example = zoo(name)
    done = FORKING.program(SAVED_MODEL_CLI, "show", "--dir", str(example.path), "--all")
    assert done.returncode == 0, done.stderr
    theirs = done.stdout
    ours = shown(capsys, "--dir", example.path, "--all")
    expected, got = plain(theirs), plain(ours)
    if name == "tf2_ragged":  # the name and dtype of a ragged output are empty there, and worth having here
        start = next(i for i, line in enumerate(got) if "outputs[" in line)
        end = next(i for i, line in enumerate(got) if "Method name" in line and i > start)
        expected = expected[:start] + expected[end:]
        got = got[:start] + got[end:]
    if name == "tf2_callables_only":  # variants are listed there in the order of names made up in loading
        expected, got = sorted(expected), sorted(got)
    assert got == expected
    assert ops(ours) >= ops(theirs)
