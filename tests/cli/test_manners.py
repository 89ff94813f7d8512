"""Manners of the command line: exit codes, streams, help, what it imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import ROOT, command
from tests.forking.commands import Command
from tests.timing import HANG
from workbench.cli import main as cli
from workbench.cli.output import Column, Output
from workbench.describe.text import size
from workbench.names import count, elide
from workbench.version import __version__


def test_version() -> None:
    assert command("--version").out == f"workbench {__version__}\n"


def test_bare_is_help_and_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    out = capsys.readouterr().out
    assert "usage: workbench COMMAND" in out
    for name in cli.summaries():
        assert f"  {name}" in out


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(cli.summaries()))
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: workbench {name}")
    assert f"examples:\n  workbench {name}" in out
    assert "--quiet" in out and "--verbose" in out
    assert cli.main(["help", name]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["inspct", "x"], "Did you mean inspect?"),
        (["--verion"], "Did you mean --version?"),
        (["nosuch"], "The commands are inspect, check"),
        (["inspect"], "MODEL"),
        (["inspect", "m", "--signatur", "x"], "--signature"),
        (["inspect", "m", "--jsn"], "--json"),
        (["inspect", "m", "--signature"], "expected one argument"),
        (["completion", "bsh"], "bash"),
        (["show", "a", "--dir", "b"], "twice"),
        (["show"], "No MODEL"),
        (["scan"], "No MODEL"),
    ],
)
def test_wrong_words_are_usage_and_the_nearest_is_offered(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert says in captured.err


@pytest.mark.parametrize(
    "words", [["inspect", "--json"], ["inspect", "m", "--jso", "--json"], ["scan", "--json"]]
)
def test_a_usage_error_with_json_is_json_too(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    error = json.loads(capsys.readouterr().out)
    assert error["schema_version"] == 1
    assert error["error"]["code"] == "usage"
    assert set(error["error"]) == {"code", "message", "where", "hint"}


def test_an_option_is_not_abbreviated(sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(sample_models / "digits"), "--js"]) == 2


def printing(start: Callable[..., subprocess.Popen[str]], sample_models: Path) -> subprocess.Popen[str]:
    """Start a command that prints more than its pipe holds, and read its first line."""
    models = [str(sample_models / "digits")] * 20
    process = start("inspect", *models, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def afresh(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a user does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", *words], text=True, env=environment, **options
    )


def test_a_reader_that_closes_the_pipe_ends_nothing(sample_models: Path) -> None:
    with printing(Command, sample_models) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=HANG) == 0


def test_interrupted(sample_models: Path) -> None:
    process = printing(afresh, sample_models)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANG)
    # Python ends itself by the signal if it struck while a string was executed; a shell calls both 130
    assert (process.returncode in (130, -signal.SIGINT), err) == (True, "interrupted\n")


def test_a_terminal_that_knows_ascii_only(sample_models: Path) -> None:
    ran = command("inspect", sample_models / "digits_tf2", env={"PYTHONIOENCODING": "ascii"})
    assert ran.code == 0
    assert "\\u2192" in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in cli.summaries():
        assert name in script
    assert "--variables" in script or "variables" in script


def test_completion_works_in_bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["completion", "bash"])
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)
    ask = (
        f"source {script}; COMP_WORDS=(workbench inspect --sig); COMP_CWORD=2; _shtab_workbench;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert done.stdout.split() == ["--signature"], done.stderr


def test_sizes_and_counts() -> None:
    assert [size(n) for n in (0, 784, 31360, 999_499, 1_000_000, 204_960_000, 5_000_000_000)] == [
        "0 B", "784 B", "31.4 kB", "999 kB", "1.0 MB", "205 MB", "5.0 GB",
    ]  # fmt: skip
    assert size(None) == "?"
    assert (count(0, "node"), count(1, "node"), count(2889, "node")) == ("0 nodes", "1 node", "2,889 nodes")


def test_elide() -> None:
    assert elide("short", 10) == "short"
    cut = elide("abcdefghijklmnop", 9)
    assert cut == "ab…klmnop", "the end of a name tells more"
    assert elide("abcdef", 2) == "…f"


def test_quiet_and_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(quiet=True, verbose=True)
    out.talk("one")
    out.detail("two")
    assert capsys.readouterr().err == ""
    out = Output(verbose=True)
    out.talk("one")
    out.detail("two")
    assert capsys.readouterr().err == "one\ntwo\n"


def test_a_table_leaves_out_empty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "", "10"), ("bb", "", "9")]
    Output().table(rows, (Column(), Column(), Column(align="right")))
    assert capsys.readouterr().out == "  a   10\n  bb   9\n"


def test_json_writes_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True)
    out.heading("x")
    out.line("x")
    out.facts([("a", "b")])
    out.table([("a",)], (Column(),))
    out.findings([])
    assert capsys.readouterr().out == ""


def test_only_what_is_near_is_offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("env.sh", "notes.txt", "digits"):
        (tmp_path / name).mkdir()
    assert cli.main(["inspect", str(tmp_path / "nosuch")]) == 3
    assert "Did you mean" not in capsys.readouterr().err
    assert cli.main(["inspect", str(tmp_path / "digit")]) == 3
    assert f"Did you mean {tmp_path / 'digits'}?" in capsys.readouterr().err


MISSPELT = [
    ["inspect", "DIGITS", "--signature", "serving"],
    ["inspect", "DIGITS", "--nodes", "nosuch"],
    ["draw", "DIGITS", "--signature", "serving"],
    ["draw", "DIGITS", "--open", "nosuch"],
    ["draw", "DIGITS", "--focus", "nosuch"],
    ["run", "DIGITS", "--input", "myinput=1"],
    ["signature", "DIGITS", "--rename-input", "myinput=x", "--dry-run"],
    ["signature", "DIGITS", "--rename", "serving=x", "--dry-run"],
    ["signature", "DIGITS", "--add", "n", "--outputs", "y=nosuch:0", "--dry-run"],
    ["merge", "IMAGE", "DIGITS", "--wire", "pixel=myInput", "--dry-run"],
    ["merge", "IMAGE", "DIGITS", "--wire", "pixels=myInput", "--rename-input", "x=y", "--dry-run"],
    ["merge", "IMAGE", "DIGITS", "--wire", "pixels=myInput", "--signature-b", "serving", "--dry-run"],
    ["merge", "IMAGE", "DIGITS", "--wire", "pixels=myInput", "--tag-set-b", "serv", "--dry-run"],
    ["check", "--explain", "nosuch"],
    ["show", "DIGITS", "--tag_set", "serv"],
]


@pytest.mark.parametrize("words", MISSPELT, ids=" ".join)
def test_a_name_that_is_not_there_is_a_fault_of_usage(
    words: list[str], sample_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"DIGITS": str(sample_models / "digits"), "IMAGE": str(sample_models / "image_base64")}
    assert cli.main([models.get(word, word) for word in words]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("command", ["inspect", "check", "scan", "draw", "show"])
def test_several_models(command: str, sample_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = [str(sample_models / name) for name in ("digits", "nosuch", "image_base64")]
    assert cli.main([command, models[0], models[2]]) == 0
    whole = capsys.readouterr().out
    assert cli.main([command, *models]) == 3
    done = capsys.readouterr()
    assert [line for line in done.out.splitlines() if line] == [line for line in whole.splitlines() if line]
    assert "nosuch" in done.err


@pytest.mark.parametrize("command", ["inspect", "check", "scan", "draw", "show"])
def test_verbose_says_what_it_took(
    command: str, sample_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, str(sample_models / "digits"), "-v"]) == 0
    assert " of memory" in capsys.readouterr().err


def test_a_glob_may_be_left_out_before_the_model(
    sample_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = str(sample_models / "digits")
    assert cli.main(["inspect", digits, "--nodes"]) == 0
    expected = capsys.readouterr().out
    assert cli.main(["inspect", "--nodes", digits]) == 0
    assert capsys.readouterr().out == expected
    assert cli.main(["inspect", "--nodes", digits, digits]) == 2
    assert "That is a path" in capsys.readouterr().err


def test_quiet_leaves_the_line_with_the_verdict(
    sample_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge = [
        "merge",
        str(sample_models / "image_base64"),
        str(sample_models / "digits"),
        "--wire",
        "pixels=myInput",
    ]
    signature = ["signature", str(sample_models / "digits"), "--rename", "serving_default=predict"]
    for number, words in enumerate((merge, signature)):
        target = str(tmp_path / str(number))
        assert cli.main([*words, "-o", target, "--no-verify", "-q"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(f"{target}: unverified")
