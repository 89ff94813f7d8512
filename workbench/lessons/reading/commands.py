"""Commands of a lesson: their words, which may be in a lesson's file, which run TensorFlow, and what they write."""

from __future__ import annotations

import re
import shlex
from functools import cache

from workbench.errors import UsageError
from workbench.names import did_you_mean, show
from workbench.surgery.step import commands as operations

LOOKING = ("inspect", "explain", "check", "scan", "show", "draw")
RUNNING = ("run", "probe", "verify")
CHANGING = ("merge", "edit", "apply")
NOT_HERE = ("tui", "demo", "learn", "completion")
"""Commands that a lesson does not run: they are for a terminal of their own, or are about no model."""
_UNSAFE = ("--allow-unsafe", "--python", "--import", "--op-library", "--gpu", "--serve")
_TARGETS = ("-o", "--output", "--npz", "--outdir", "--save-recipe")


@cache
def known() -> tuple[str, ...]:
    """Return the commands that a lesson runs."""
    return (*LOOKING, *RUNNING, *CHANGING, *operations())


def split(text: str) -> list[str]:
    """Return the words of a command as typed; `$` and `workbench` in front may be left out.

    Raises:
        UsageError: a quote is not closed, or it is no command that a lesson runs.
    """
    try:
        words = shlex.split(text.strip())
    except ValueError:
        raise UsageError("A quote is not closed.", hint="Close it, or leave it out.") from None
    if words[:1] == ["$"]:
        del words[0]
    if words[:1] == ["workbench"]:
        del words[0]
    if not words:
        raise UsageError(
            "There is no command.", hint=f"Commands: {', '.join((*LOOKING, *RUNNING, *CHANGING))}."
        )
    if words[0] in NOT_HERE:
        raise UsageError(
            f"`workbench {words[0]}` does not run inside a lesson.", hint="Type it in a terminal."
        )
    if words[0] not in known() and words != ["--help"]:
        hint = did_you_mean(words[0], known(), noun="commands", limit=50)
        raise UsageError(f"workbench has no command {show(words[0], 60)!r}.", hint=hint)
    return words


def looks_like_command(text: str) -> bool:
    """Return whether a typed line is a command."""
    first, _, rest = text.strip().removeprefix("$").strip().partition(" ")
    return first == "workbench" or (first in (*known(), *NOT_HERE) and bool(rest.strip()))


def wrong_in_file(words: list[str]) -> str | None:
    """Return why a lesson's file may not have a command, or None.

    Nobody types these: they run when a page is shown, so they stay inside the student's folder and allow nothing.
    """
    for word in words:
        option = word.partition("=")[0]
        if option in _UNSAFE:
            return f"a lesson may not use {option}"
        for part in re.split(r"[=@:,\s\"'(\[{]", word):
            if part.startswith(("/", "~")) or ".." in part.replace("\\", "/").split("/"):
                return f"the path {show(part, 60)!r} leaves the folder of the lesson"
    return None


def runs_tensorflow(words: list[str] | tuple[str, ...]) -> bool:
    """Return whether a command runs TensorFlow."""
    if "--help" in words or "-h" in words or not words or words[0] in LOOKING:
        return False
    if words[0] in RUNNING:
        return True
    return not {"--dry-run", "--no-verify", "--list"}.intersection(words)


def starts_tensorflow(text: str) -> bool:
    """Return whether a typed line is a command that runs TensorFlow."""
    try:
        return looks_like_command(text) and runs_tensorflow(split(text))
    except UsageError:
        return False


def unverified(words: list[str]) -> list[str]:
    """Return a command that changes a model as one that does not run it."""
    return (
        [*words, "--no-verify"] if words[0] not in (*LOOKING, *RUNNING) and runs_tensorflow(words) else words
    )


def targets(words: list[str] | tuple[str, ...]) -> list[str]:
    """Return the files and folders that a command writes."""
    if "--dry-run" in words:
        return []
    return [words[at + 1] for at, word in enumerate(words[:-1]) if word in _TARGETS]
