"""Arguments that several commands have, with what a shell completes for them."""

from __future__ import annotations

import argparse
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.signature import Signature

_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
_FOLDERS = {"bash": "_shtab_compgen_dirs", "zsh": "_files -/", "tcsh": "d"}


def completes_files(action: argparse.Action) -> argparse.Action:
    """Let the shell complete file names for an argument (`shtab` reads the attribute)."""
    action.complete = _FILES  # type: ignore[attr-defined]
    return action


def completes_folders(action: argparse.Action) -> argparse.Action:
    """Let the shell complete folder names for an argument."""
    action.complete = _FOLDERS  # type: ignore[attr-defined]
    return action


def add_json(parser: argparse.ArgumentParser, help: str = "print JSON to stdout, errors included") -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=help)


def add_overwrite(parser: argparse._ActionsContainer, option: str) -> None:
    """Add `--overwrite`, for a command that writes a file by `option`."""
    parser.add_argument("--overwrite", action="store_true", help=f"let {option} replace an existing file")


def keys_of(signatures: Iterable[Signature]) -> tuple[frozenset[str], frozenset[str]]:
    """Collect the keys that inputs, and that outputs, of some signatures have."""
    inputs: set[str] = set()
    outputs: set[str] = set()
    for signature in signatures:
        inputs.update(signature.inputs)
        outputs.update(signature.outputs)
    return frozenset(inputs), frozenset(outputs)


def pairs(
    flag: str, texts: Iterable[str], form: str = "OLD=NEW", known: Container[str] = ()
) -> dict[str, str]:
    """Split words of the form `LEFT=RIGHT` at the first `=`.

    Args:
        flag: the option they were given to.
        texts: the words.
        form: what they should look like.
        known: what may stand left: the first `=` after one of these counts, since keys may contain `=`.

    Raises:
        UsageError: there is no `=`, or one left side is there twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        left, equals, right = text.partition("=")
        places = [index for index, char in enumerate(text) if char == "=" and text[:index] in known]
        if places:
            left, right = text[: places[0]], text[places[0] + 1 :]
        if not equals or not left:
            raise UsageError(f"{flag} {show(text)}: write {form}.")
        if left in found:
            raise UsageError(f"{flag} names {show(left)!r} twice.")
        found[left] = right
    return found
