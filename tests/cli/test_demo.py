"""`workbench demo`: the story, told by commands that do what they say."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.tools import SAMPLES, call
from workbench import open_model
from workbench.cli.main import make_parser


@pytest.mark.needs_tf
def test_the_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "demo")
    assert done.code == 0, done.err
    headings = re.findall(r"^\d\. .*", done.out, re.MULTILINE)
    assert [heading[0] for heading in headings] == ["1", "2", "3"]
    assert "demo/merged: verified" in done.out
    assert "It answers 3." in done.out
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["merged"]
    assert [variable.shape for variable in open_model("demo/merged").meta.variables] == [(784, 10), (10,)]

    told = re.findall(r"^\$ workbench (\S+) ((?:.*\\\n)*.*)$", done.out, re.MULTILINE)
    assert [name for name, _ in told] == ["inspect", "merge", "run"]
    for name, rest in told:  # each can be copied
        make_parser(name).parse_args(shlex.split(rest.replace("\\\n", "")))
    words = shlex.split(told[1][1].replace("\\\n", ""))
    assert Path(words[0]).resolve() == SAMPLES / "image_base64"

    # the second time it takes another name; it touches nothing that is there
    stopped = call(capsys, "demo", "-o", tmp_path / "demo" / "merged")
    assert stopped.code == 3
    assert "target exists already" in stopped.err


def test_without_tensorflow_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    python.chmod(0o755)
    done = call(capsys, "demo", "-o", tmp_path / "out", "--python", python)
    assert done.code == 1
    assert "1. Inspect both models." in done.out and "2. Join them and verify the result." in done.out
    assert "Not published: not run" in done.out and "TensorFlow can't be imported" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["python"]
