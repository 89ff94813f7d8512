"""Arguments of adapters: kinds of values, how each is written, and how it stands in a recipe."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.disk import dtypes
from workbench.errors import UnknownName
from workbench.names import nearest
from workbench.surgery.adapters.language import Word

_DECIMAL = re.compile(r"[+-]?([0-9]{1,101}(\.[0-9]{0,101})?|\.[0-9]{1,101})([eE][+-]?[0-9]{1,2})?\Z")
_MOST = 10**100  # of a numerator and of a denominator: what is printed can be read again
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z")


class Unreadable(ValueError):
    """A word can't be read as a value of its kind."""


class Kind(ABC):
    """A kind of value.

    Attributes:
        takes: what it takes, for messages: `a number or a fraction (1/255)`.
    """

    takes: str

    @abstractmethod
    def read(self, word: Word) -> Any:
        """Return the value of a word.

        Raises:
            Unreadable: it is none of this kind.
        """

    def write(self, value: Any) -> Word:
        """Return the word of a value."""
        return Word(str(value))

    def as_json(self, value: Any) -> Any:
        """Return the value as it stands in a recipe."""
        return value

    def from_json(self, value: Any) -> Any:
        """Return the value of what stands in a recipe.

        Raises:
            Unreadable: it is none of this kind.
        """
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise Unreadable
        return self.read(Word(str(value)))


class _Text(Kind):
    takes = "a text"

    def read(self, word: Word) -> str:
        if word.file:
            raise Unreadable
        return word.text

    def from_json(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Unreadable
        return value


class _Number(Kind):
    takes = "a number or a fraction (1/255)"

    def read(self, word: Word) -> Fraction:
        above, slash, below = word.text.partition("/")
        parts = (above, below) if slash else (above,)
        if word.file or not all(map(_DECIMAL.match, parts)):
            raise Unreadable
        found = Fraction(above)
        if slash:
            if Fraction(below) == 0:
                raise Unreadable
            found /= Fraction(below)
        if abs(found.numerator) >= _MOST or found.denominator >= _MOST:
            raise Unreadable
        return found

    def write(self, value: Fraction) -> Word:
        return Word(number_text(value))

    def as_json(self, value: Fraction) -> int | str:
        return int(value) if value.denominator == 1 and abs(value) < 1 << 53 else number_text(value)

    def from_json(self, value: Any) -> Fraction:
        if isinstance(value, float):
            return self.read(Word(repr(value)))
        found: Fraction = super().from_json(value)
        return found


class _Integer(Kind):
    def __init__(self, least: int | None = None, most: int = 1 << 31) -> None:
        self.least, self.most = least, most
        self.takes = "a whole number" + ("" if least is None else f" of at least {least}")

    def read(self, word: Word) -> int:
        if word.file or not _WHOLE.match(word.text):
            raise Unreadable
        found = int(word.text)
        if (self.least is not None and found < self.least) or abs(found) >= self.most:
            raise Unreadable
        return found


class _Size(_Integer):
    """A size of a dimension; None, written `?`, for the one that follows from the others."""

    def __init__(self) -> None:
        super().__init__(0)
        self.takes = "a size, or ? for the one that follows from the others"

    def read(self, word: Word) -> int | None:  # type: ignore[override]
        return None if word == Word("?") else super().read(word)

    def write(self, value: int | None) -> Word:
        return Word("?" if value is None else str(value))

    def from_json(self, value: Any) -> int | None:
        return None if value is None else super().from_json(value)


class _Flag(Kind):
    takes = "true or false"

    def read(self, word: Word) -> bool:
        if word.file or word.text not in ("true", "false"):
            raise Unreadable
        return word.text == "true"

    def write(self, value: bool) -> Word:
        return Word("true" if value else "false")

    def from_json(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Unreadable
        return value


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.takes = f"{', '.join(words[:-1])} or {words[-1]}"

    def read(self, word: Word) -> str:
        """Return the word."""
        if word.file or word.text not in self.words:
            raise Unreadable
        return word.text


class _DType(Kind):
    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self.takes = f"a dtype: {', '.join(known)}"

    def read(self, word: Word) -> str:
        try:
            found = dtypes.name(dtypes.enum(word.text))
        except UnknownName:
            raise Unreadable from None
        if word.file or found not in self.known:
            raise Unreadable
        return found


class _File(Kind):
    takes = "a file, written @PATH"

    def read(self, word: Word) -> str:
        if not word.file or not word.text or "\0" in word.text:
            raise Unreadable
        return word.text

    def write(self, value: str) -> Word:
        return Word(value, file=True)

    def as_json(self, value: str) -> Any:
        return {"file": value}

    def from_json(self, value: Any) -> str:
        match value:
            case {"file": str(path)} if path and "\0" not in path:
                return path
        raise Unreadable


TEXT = _Text()
NUMBER = _Number()
INTEGER = _Integer()
SIZE = _Integer(1)
INDEX = _Integer(0)
FREE_SIZE = _Size()
FLAG = _Flag()
FILE = _File()
NUMERIC = (
    *("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float16", "bfloat16", "float32", "float64", "bool"),
)
DTYPE = _DType(NUMERIC)


def number_text(value: Fraction) -> str:
    """Return a number as people write it: `255`, `0.017`, or a fraction where no short decimal is exact."""
    if value.denominator == 1 and abs(value) < 10**16:
        return str(value.numerator)
    short = repr(float(value))
    return short if Fraction(short) == value else f"{value.numerator}/{value.denominator}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a field of an adapter is written; stands in the field's metadata.

    Attributes:
        kind: the kind of its values.
        help: what it means, in a few words.
        positional: whether it may be written without its name.
        many: whether it takes all positional words that are left, one at least unless it has a default.
    """

    kind: Kind
    help: str
    positional: bool = False
    many: bool = False


def argument(kind: Kind, help_: str, *, many: bool = False, default: Any = ...) -> Any:
    """Make a field that is written by its position."""
    metadata = {"parameter": Parameter(kind, help_, True, many)}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


def option(kind: Kind, help_: str, default: Any) -> Any:
    """Make a field that is written `name=value`, and left out where it has its default."""
    return field(default=default, metadata={"parameter": Parameter(kind, help_)})


def did_you_mean(text: str, known: Collection[str]) -> str:
    """Return `Did you mean a or b?`, or an empty text."""
    near = nearest(text, known)
    return f"Did you mean {' or '.join(near)}?" if near else ""
