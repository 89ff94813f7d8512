"""A TOML file that somebody wrote by hand: its values, and the line of each for messages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import LessonError
from workbench.findings import Finding
from workbench.names import did_you_mean, show

MAX_BYTES = 1 << 20
SCHEMA = "lesson-schema"
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_NAMES = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table", list: "a list"}
_MAX_DEPTH = 20

Path_ = tuple[str | int, ...]
"""Keys and positions that lead to a value."""


class Document:
    """A parsed TOML file.

    Args:
        path: the file.
        shown: how messages name it.

    Raises:
        LessonError: it can't be read, or is no TOML.
    """

    def __init__(self, path: Path, shown: str | None = None) -> None:
        self.path = path
        self.shown = show(shown or path.name, 500)
        self.findings: list[Finding] = []
        self.text = read_text(path, self.shown)
        self.value = _parse(self.text, self.shown)
        self._lines = _lines(self.text)

    # -- places

    def where(self, path: Path_) -> str:
        """Return file and line of a value: `lesson.toml:12`; of its table where it is not there."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return f"{self.shown}:{line}"
        return f"{self.shown}:1"

    def add(self, path: Path_, message: str, hint: str | None = None) -> None:
        """Add an error at a value."""
        self.findings.append(Finding(SCHEMA, "error", self.where(path), message, hint))

    # -- values

    def get(self, table: dict[str, Any], path: Path_, key: str, kind: type, default: Any = None) -> Any:
        """Return a value of a table, or the default where it is missing or of another type.

        Args:
            table: that it is in.
            path: of the table.
            key: of the value.
            kind: `str`, `int`, `bool`, `dict` or `list`.
            default: what is returned where there is none; `REQUIRED` adds an error and returns an empty value.
        """
        value = table.get(key)
        if value is None:
            if default is REQUIRED:
                self.add(path, f"`{key}` is missing; it must be {_NAMES[kind]}.")
            return kind() if default is REQUIRED else default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.add((*path, key), f"`{key}` must be {_NAMES[kind]}, not {described(value)}.")
            return kind() if default is REQUIRED else default
        return value

    def texts(self, table: dict[str, Any], path: Path_, key: str) -> tuple[str, ...]:
        """Return a text, or a list of texts, as a tuple; empty where there is none."""
        value = table.get(key)
        if value is None:
            return ()
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            self.add((*path, key), f"`{key}` must be a text or a list of texts, not {described(value)}.")
            return ()
        return tuple(listed)

    def tables(self, table: dict[str, Any], path: Path_, key: str) -> list[tuple[Path_, dict[str, Any]]]:
        """Return the tables of a list with their paths."""
        found = []
        for number, one in enumerate(self.get(table, path, key, list, [])):
            here = (*path, key, number)
            if isinstance(one, dict):
                found.append((here, one))
            else:
                self.add(here, f"Each of `{key}` must be a table, not {described(one)}.")
        return found

    def known(self, table: dict[str, Any], path: Path_, keys: Iterable[str], what: str) -> None:
        """Add an error for each key that is not among those that a table may have."""
        for key in table:
            if key not in keys:
                hint = did_you_mean(key, sorted(keys), noun="keys", limit=20)
                self.add((*path, key), f"{what} has no `{show(key, 60)}`.", hint)

    def choice(
        self, table: dict[str, Any], path: Path_, key: str, choices: tuple[str, ...], default: Any
    ) -> Any:
        """Return one of some texts."""
        value = self.get(table, path, key, str, default)
        if value and value not in choices:
            self.add(
                (*path, key), f"`{key}` is {show(value, 60)!r}.", f"It must be one of: {', '.join(choices)}."
            )
            return choices[0]
        return value

    def done(self, message: str) -> None:
        """Raise what was found.

        Raises:
            LessonError: there are errors.
        """
        if self.findings:
            found = tuple(self.findings)
            raise LessonError(message, found, where=self.shown)


REQUIRED: Any = object()
"""As a default: the value must be there."""


def described(value: object) -> str:
    """Return what a value is, for a message."""
    if isinstance(value, str):
        return f"the text {show(value, 60)!r}"
    if isinstance(value, bool | int | float):
        return f"{value}".lower() if isinstance(value, bool) else f"the number {value}"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def read_text(path: Path, shown: str) -> str:
    """Return the text of a small file.

    Raises:
        LessonError: it can't be read, is too large, or is not UTF-8.
    """
    try:
        if not path.is_file():  # a pipe or device would never end
            raise LessonError("The file does not exist, or is no regular file.", where=shown)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise LessonError(f"Cannot read it: {problem.strerror or problem}.", where=shown) from None
    if len(data) > MAX_BYTES:
        raise LessonError(f"The file is larger than {MAX_BYTES >> 20} MB.", where=shown)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise LessonError("The file is not UTF-8 text.", where=f"{shown}:{line}") from None


def _parse(text: str, shown: str) -> dict[str, Any]:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        message = str(problem)
        found = re.search(r" \(at line (\d+), column \d+\)$", message)
        line = f":{found[1]}" if found else f":{text.count(chr(10)) or 1}"
        said = show(message[: found.start()] if found else message.replace(" (at end of document)", ""), 300)
        raise LessonError(f"The file is no TOML: {said}.", where=f"{shown}{line}") from None
    except RecursionError:
        raise LessonError("Its tables and lists are nested too deep.", where=shown) from None
    except ValueError as problem:  # a date that does not exist, a number of thousands of digits
        raise LessonError(f"The file is no TOML: {show(str(problem), 200)}.", where=shown) from None
    if _depth(value) > _MAX_DEPTH:
        raise LessonError(f"Its tables and lists are nested deeper than {_MAX_DEPTH}.", where=shown)
    return value


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level and depth <= _MAX_DEPTH:
        inner = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level, depth = [one for some in inner for one in some], depth + 1
    return depth


def _lines(text: str) -> dict[Path_, int]:
    """Return the line of each table, and of each key that stands at the beginning of a line.

    `tomllib` does not say where a value was. This reads only what it needs: headers, and keys of lines that begin one.
    """
    found: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    here: Path_ = ()
    for number, line in enumerate(_without_long_texts(text), 1):
        header = _HEADER.match(line)
        if header is not None:
            here = _table(header[2], header[1] == "[[", counts)
            found.setdefault(here, number)
            continue
        key, equals, _ = line.partition("=")
        if equals and re.fullmatch(r"\s*[\w.\"'-]+\s*", key):
            names = tuple(part.strip().strip("\"'") for part in key.split("."))
            found.setdefault((*here, *names), number)
    return found


def _table(dotted: str, listed: bool, counts: dict[Path_, int]) -> Path_:
    """Return the path of a table's header, with the position of each list of tables on it."""
    path: Path_ = ()
    parts = [part.strip().strip("\"'") for part in dotted.split(".")]
    for number, part in enumerate(parts):
        path = (*path, part)
        if listed and number == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _without_long_texts(text: str) -> list[str]:
    """Return the lines, those inside texts of several lines empty."""

    def blank(match: re.Match[str]) -> str:
        return '""' + "\n" * match[0].count("\n")

    return re.sub(r'""".*?"""|\'\'\'.*?\'\'\'', blank, text, flags=re.DOTALL).split("\n")
