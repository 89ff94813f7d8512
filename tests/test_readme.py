"""The README's commands and code are run as they stand."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.cli.main import COMMANDS, main, make_parser, summaries

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The words of every `$ workbench …` line, continued ones joined."""
    text = "\n".join(blocks("console")).replace("\\\n", " ")
    return [shlex.split(line[2:])[1:] for line in text.splitlines() if line.startswith("$ workbench ")]


@pytest.mark.parametrize("name", summaries())
def test_every_command_is_there(name: str) -> None:
    assert re.search(rf"`workbench {name}\b", README), f"the README does not name `workbench {name}`"


def test_every_command_line_parses() -> None:
    assert len(commands()) >= 5
    for name, *rest in commands():
        make_parser(name).parse_args(rest)


def test_what_to_type_first_exists() -> None:
    first, second = blocks("sh")[:2]
    assert "workbench demo" in first and "demo" in COMMANDS
    assert "python -m pytest" in second
    assert README.index("## Try it") < README.index("## Test")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the sample models in it."""
    (tmp_path / "sample_models").symlink_to(ROOT / "sample_models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.needs_tf
def test_the_commands_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = 0
    for words in commands():
        if words[0] in ("tui", "demo"):
            continue  # one needs a terminal, the other has tests of its own
        assert main(words) == 0, (words, capsys.readouterr().err)
        ran += 1
    assert ran >= 5
    assert "largest: [3]" in " ".join(capsys.readouterr().out.split())


@pytest.mark.needs_tf
def test_the_python_runs(here: Path) -> None:
    """The blocks one after the other, as somebody would type them."""
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        for text in blocks("python"):
            exec(compile(text, "README.md", "exec"), space)
    told = said.getvalue()
    assert re.search(r"^verified \S*merged$", told, re.MULTILINE) and "<Proof verified: merged" in told
    for comment in re.findall(r"print\(signature\)  # (.+)", "\n".join(blocks("python"))):
        assert comment in told
    assert "True" in told and "StatefulPartitionedCall::StatefulPartitionedCall::MatMul" in told
    assert "image: There is no such input. The inputs are myInput." in told
    assert (here / "merged" / "saved_model.pb").is_file() and (here / "digits.graphml").is_file()


def test_the_names_of_the_api() -> None:
    """Every name that the README uses exists, and each public name has one row in the page of the API."""
    for name in set(re.findall(r"\bwb\.(\w+)", README)):
        assert name in workbench.__all__, name
    for name in set(re.findall(r"\bwb\.errors\.(\w+)", README)):
        assert issubclass(getattr(workbench.errors, name), workbench.WorkbenchError)
    page = README.partition("### The API")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `wb\.(\w+)(\(?)[^|]* \| \S[^|]* \|$", page, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(workbench.__all__)
    for name, call in rows:
        assert bool(call) == inspect.isfunction(getattr(workbench, name)), name
