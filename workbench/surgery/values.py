"""Kinds of values that an operation's fields take: check, JSON, written form.

Fields hold immutable values (texts, tuples), so that operations can be compared and hashed; recipes hold JSON.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.names import show

Change = Callable[[str, bool], str]


class WrongValue(Exception):
    """The error for a value of another kind than its field takes.

    Raised and caught inside the room.

    Args:
        expected: what it has to be.
    """

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def shown(value: object) -> str:
    """Return a JSON value as an error shows it."""
    return show(json.dumps(value), 60)


def is_text(value: object) -> bool:
    """Return whether a value is a text that a file can hold.

    JSON can spell half a character.
    """
    return isinstance(value, str) and not re.search("[\ud800-\udfff\0]", value)


class Kind(ABC):
    """A kind of value. `read` and `write` are inverse, and so are `parse` and `print`.

    Attributes:
        expected: what a value has to be, for an error.
        several: whether a value may be given in several words.
    """

    expected = ""
    several = False

    def normal(self, value: Any) -> Any:
        """Return a value as the field holds it: immutable. It is not checked."""
        return value

    @abstractmethod
    def read(self, value: object) -> Any:
        """Return the field's value for a JSON value.

        Raises:
            WrongValue: it is of another kind.
        """

    def write(self, value: Any) -> Any:
        """Return the JSON value of a field's value."""
        return value

    def parse(self, words: Sequence[str]) -> Any:
        """Return the JSON value that the words given for a field mean.

        Raises:
            WrongValue: there are several, and it takes one.
        """
        return self.one(words)

    def print(self, value: Any) -> list[str]:
        """Return the words that `parse` reads as a JSON value."""
        return [json.dumps(value, ensure_ascii=False)]

    def files(self, value: Any) -> tuple[str, ...]:
        """Return the paths of the files that a field's value names, as written."""
        return ()

    def with_files(self, value: Any, paths: Mapping[str, str]) -> Any:
        """Return a field's value with other paths of files."""
        return value

    def with_texts(self, value: Any, change: Change) -> Any:
        """Return a field's value with its names and references changed; constants and adapters stay.

        Args:
            value: the field's value.
            change: returns the new text of one; its second argument is whether it is a key, the left of a pair.
        """
        return value

    def one(self, words: Sequence[str]) -> str:
        """Return the only word.

        Raises:
            WrongValue: there are several.
        """
        if len(words) > 1:
            raise WrongValue(f"one value, {self.expected}")
        return words[0]


class Text(Kind):
    """A text.

    Args:
        choices: the only ones there are; empty for any text.
        optional: whether it may be None.
    """

    def __init__(self, *choices: str, optional: bool = False) -> None:
        self.choices = choices
        self.optional = optional
        self.expected = f"one of {', '.join(choices)}" if choices else "a text"

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if value is None and self.optional:
            return None
        if not is_text(value) or (self.choices and value not in self.choices):
            raise WrongValue(self.expected)
        return value

    def print(self, value: Any) -> list[str]:
        """Return the words of a value; see `Kind`."""
        return [value]

    def with_texts(self, value: Any, change: Change) -> Any:
        """Return a changed text; see `Kind`."""
        return value if value is None or self.choices else change(value, False)


class Flag(Kind):
    """True or false."""

    expected = "true or false"

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, bool):
            raise WrongValue(self.expected)
        return value

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        return from_text(self.one(words))


class Count(Kind):
    """A whole number, 1 at least."""

    expected = "a whole number, 1 or more"

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
            raise WrongValue(self.expected)
        return value

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        return from_text(self.one(words))


class Texts(Kind):
    """A list of texts."""

    expected = "a list of texts"
    several = True

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`."""
        return value if isinstance(value, str) else tuple(value)

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, (list, tuple)) or not all(map(is_text, value)):
            raise WrongValue(self.expected)
        return tuple(value)

    def write(self, value: Any) -> Any:
        """Return a value as JSON; see `Kind`."""
        return list(value)

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        found: list[Any] = []
        for word in words:
            value = from_text(word)
            found += value if isinstance(value, list) else [word]
        return found

    def print(self, value: Any) -> list[str]:
        """Return the words of a value; see `Kind`."""
        if not value or any(isinstance(from_text(text), list) for text in value):
            return super().print(value)
        return list(value)

    def with_texts(self, value: Any, change: Change) -> Any:
        """Return changed texts; see `Kind`."""
        return tuple(change(text, False) for text in value)


class Pairs(Kind):
    """A mapping of texts to texts: old names to new ones, keys to tensors.

    Args:
        form: how a word of it is written.
    """

    expected = "an object of texts"
    several = True

    def __init__(self, form: str = "OLD=NEW") -> None:
        self.form = form

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`."""
        return tuple(dict(value).items())

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, dict) or not all(map(is_text, (*value, *value.values()))):
            raise WrongValue(self.expected)
        return tuple(value.items())

    def write(self, value: Any) -> Any:
        """Return a value as JSON; see `Kind`."""
        return dict(value)

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        found: dict[str, Any] = {}
        for word in words:
            value = from_text(word)
            if not isinstance(value, dict):
                left, equals, right = word.partition("=")
                if not equals:
                    raise WrongValue(f"{self.form}, or an object of texts")
                value = {left: right}
            for key, one in value.items():
                if key in found:
                    raise WrongValue(f"an object of texts, with {show(key)!r} only once")
                found[key] = one
        return found

    def print(self, value: Any) -> list[str]:
        """Return the words of a value; see `Kind`."""
        words = [f"{left}={right}" for left, right in value.items()]
        if (
            not words
            or any("=" in key for key in value)
            or any(isinstance(from_text(w), dict) for w in words)
        ):
            return super().print(value)
        return words

    def with_texts(self, value: Any, change: Change) -> Any:
        """Return changed pairs; see `Kind`."""
        return tuple((change(left, True), change(right, False)) for left, right in value)


class Lists(Kind):
    """A mapping of texts to lists of texts: a key, and the names it is made of.

    As text it is `KEY=NAME,NAME`.
    """

    expected = "an object of lists of texts"
    several = True

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`. A text is read as on the command line."""
        return tuple(
            (key, tuple(one.split(",") if isinstance(one, str) else one)) for key, one in dict(value).items()
        )

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, dict) or not all(map(is_text, value)):
            raise WrongValue(self.expected)
        if not all(isinstance(one, list) and all(map(is_text, one)) for one in value.values()):
            raise WrongValue(self.expected)
        return self.normal(value)

    def write(self, value: Any) -> Any:
        """Return a value as JSON; see `Kind`."""
        return {key: list(one) for key, one in value}

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        found: dict[str, Any] = {}
        for word in words:
            value = from_text(word)
            if not isinstance(value, dict):
                key, equals, rest = word.partition("=")
                if not equals:
                    raise WrongValue("KEY=NAME,NAME, or an object of lists of texts")
                value = {key: rest.split(",")}
            for key, one in value.items():
                if key in found:
                    raise WrongValue(f"an object of lists of texts, with {show(key)!r} only once")
                found[key] = one
        return found

    def print(self, value: Any) -> list[str]:
        """Return the words of a value; see `Kind`."""
        words = [f"{key}={','.join(one)}" for key, one in value.items()]
        plain = all(one and not any("," in name for name in one) for one in value.values())
        if (
            not words
            or not plain
            or any("=" in key for key in value)
            or any(isinstance(from_text(word), dict) for word in words)
        ):
            return super().print(value)
        return words

    def with_texts(self, value: Any, change: Change) -> Any:
        """Return changed lists; see `Kind`."""
        return tuple(
            (change(key, True), tuple(change(text, False) for text in texts)) for key, texts in value
        )


class Integer(Kind):
    """A whole number."""

    expected = "a whole number"

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongValue(self.expected)
        return value

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        return from_text(self.one(words))


class Tensors(Pairs):
    """A mapping of keys to tensors, in words also tensors alone: the key is then the last part of the name."""

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        given = [
            word if "=" in word or from_text(word) is not None else f"{default_key(word)}={word}"
            for word in words
        ]
        return super().parse(given)


def default_key(tensor: str) -> str:
    """Return the key of a tensor that is given without one: `Relu` for `CALL::dense/Relu:0`."""
    name, _, index = tensor.rpartition("::")[2].rpartition("#")[2].removeprefix("%").partition(":")
    name = name.rpartition("/")[2]
    return f"{name}_{index}" if index.strip("0") else name


class Constant(Kind):
    """A JSON value of texts, finite numbers, booleans and lists, or any other text; `@PATH` is a file."""

    expected = "a text, a number, true or false, or a list of them"

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`."""
        return tuple(map(self.normal, value)) if isinstance(value, (list, tuple)) else value

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if isinstance(value, (list, tuple)):
            return tuple(map(self.read, value))
        if is_text(value) or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        raise WrongValue(self.expected)

    def write(self, value: Any) -> Any:
        """Return a value as JSON; see `Kind`."""
        return [self.write(one) for one in value] if isinstance(value, tuple) else value

    def files(self, value: Any) -> tuple[str, ...]:
        """Return the path that a value is; see `Kind`."""
        return (value[1:],) if isinstance(value, str) and value.startswith("@") else ()

    def with_files(self, value: Any, paths: Mapping[str, str]) -> Any:
        """Return a value with another path; see `Kind`."""
        return "".join(f"@{paths.get(path, path)}" for path in self.files(value)) or value

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        found = [word if (value := from_text(word)) is None else value for word in words]
        return found if len(found) > 1 else found[0]

    def print(self, value: Any) -> list[str]:
        """Return the words of a value; see `Kind`."""
        if isinstance(value, str) and from_text(value) is None:
            return [value]
        return super().print(value)


def from_text(text: str) -> Any:
    """Return the JSON value that a text is; None if it is none, or null."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
