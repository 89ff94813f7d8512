"""What the tests of lessons share: commands in this process, and small lessons written into a folder."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

from workbench.cli.main import main
from workbench.lessons.running import Ran

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
HEAD = """\
title = "A lesson"
summary = "A small one."

[models]
digits = "sample:digits"
other = "sample:digits_tf2"
"""
STEP = """
[[steps]]
title = "Look"
text = "look.md"
"""
LOOK = "Look at it.\n\n```console from=Signature lines=3\n$ workbench inspect digits\n```\n"
QUESTION = """
[[questions]]
ask = "{ask}"
model = "other"
{rest}
"""


def here(words: Sequence[str], folder: Path) -> Ran:
    """Runs a command in this process, as a lesson runs it in one of its own."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(words))
    finally:
        os.chdir(before)
    return Ran(tuple(words), code, out.getvalue(), err.getvalue())


def question(ask: str, rest: str = "") -> str:
    """A question about the model that the lesson does not show."""
    return QUESTION.format(ask=ask, rest=rest)


THREE = (
    question("shape of", 'of = { variable = "*" }')
    + question("dtype of", 'of = [{ input = "*" }, { variable = "*" }]')
    + question("count", 'of = { op = ["MatMul", "Const", "NoOp"], everywhere = true }')
)


def write(
    folder: Path, *, head: str = HEAD, steps: str = STEP, questions: str = THREE, text: str = LOOK
) -> Path:
    """Writes a lesson; without changes it has no errors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lesson.toml").write_text(head + steps + questions, "utf-8")
    (folder / "look.md").write_text(text, "utf-8")
    return folder
