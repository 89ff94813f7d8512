"""Answers: the right one, how a typed one is read, and what is said of one that is not right."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite, isnan

from workbench.disk import dtypes
from workbench.errors import UnknownName
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.names import CALL_SEPARATOR, count, show

MOST = 2000
"""Characters of an answer."""
_NOTHING = ("none", "nothing", "no node", "no nodes", "-", "[]", "()", "{}")
_ANY_SIZE = ("?", "none", "-1", "null", "any", "*")
_NUMBER_WORDS = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        range(13),
        strict=True,
    )
)
_ALIASES = {"integer": "int32", "long": "int64", "boolean": "bool", "text": "string", "floats": "float32"}
_CLOSE = 0.005


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of a typed answer.

    Attributes:
        right: whether it is right.
        read: how it was understood; None where it could not be read, and does not count.
        said: what was compared and how it differs, without the right answer.
    """

    right: bool
    read: str | None
    said: str


class Answer(ABC):
    """The right answer to a question."""

    @abstractmethod
    def text(self) -> str:
        """Return the answer as one would type it."""

    @abstractmethod
    def wrong(self) -> str:
        """Return an answer of the same form that is not right."""

    @abstractmethod
    def form(self) -> str:
        """Return what an answer looks like, for a message."""

    @abstractmethod
    def compare(self, given: str) -> Judged | None:
        """Return what is said of a typed answer; None if it can't be read."""

    def judge(self, given: str) -> Judged:
        """Return what is said of what was typed."""
        text = given.strip().strip("`'\"").strip()
        if not text:
            return Judged(False, None, f"The answer is empty. Write {self.form()}.")
        if len(text) > MOST:
            return Judged(False, None, f"The answer is longer than {MOST} characters. Write {self.form()}.")
        found = self.compare(text)
        if found is None:
            return Judged(False, None, f"{show(text, 60)!r} can't be read. Write {self.form()}.")
        return found


@dataclass(frozen=True, slots=True)
class Whole(Answer):
    """A whole number."""

    number: int
    noun: str = "the number"

    def text(self) -> str:
        """Return the number."""
        return str(self.number)

    def wrong(self) -> str:
        """Return the next number."""
        return str(self.number + 1)

    def form(self) -> str:
        """Return that it is a number."""
        return "a whole number, such as 12"

    def compare(self, given: str) -> Judged | None:
        """Compare, with `1,000` and `1000` alike."""
        text = given.lower().replace(",", "").replace("_", "").replace(" ", "")
        number = _NUMBER_WORDS.get(text)
        if number is None:
            if re.fullmatch(r"[+-]?\d{1,18}(\.0+)?", text) is None:
                return None
            number = int(float(text)) if "." in text else int(text)
        if number == self.number:
            return Judged(True, str(number), f"{self.noun} is {number}.")
        size = "smaller" if number < self.number else "larger"
        return Judged(False, str(number), f"Your number {number} is {size} than {self.noun}.")


@dataclass(frozen=True, slots=True)
class Number(Answer):
    """A number that was computed; half a percent more or less is right."""

    number: float
    noun: str = "the value"

    def text(self) -> str:
        """Return six digits of it."""
        return f"{self.number:.6g}"

    def wrong(self) -> str:
        """Return a number that is half as large again."""
        return f"{self.number * 1.5 + 1:.6g}" if isfinite(self.number) else "1"

    def form(self) -> str:
        """Return that it is a number."""
        return "a number, such as 0.123 or 1.2e-05"

    def compare(self, given: str) -> Judged | None:
        """Compare to half a percent, or to as many digits as were typed, two at least."""
        text = given.lower().replace("\u2212", "-").replace(" ", "")
        if "," in text and "." not in text and text.count(",") == 1:
            text = text.replace(",", ".")
        percent = text.endswith("%")
        try:
            number = float(text.removesuffix("%")) / (100 if percent else 1)
        except ValueError:
            return None
        if isnan(self.number) or isnan(number):
            right = isnan(self.number) and isnan(number)
        else:
            right = isclose(number, self.number, rel_tol=_CLOSE, abs_tol=1e-12) or self._rounded(
                text, percent
            )
        if right:
            return Judged(True, f"{number:g}", f"{self.noun} is {self.text()}.")
        if not isfinite(number) or not isfinite(self.number):
            return Judged(False, f"{number:g}", f"Your value {number:g} is not {self.noun}.")
        size = "smaller" if number < self.number else "larger"
        return Judged(
            False, f"{number:g}", f"Your value {number:g} is {size} than {self.noun}; 0.5 % is allowed."
        )

    def _rounded(self, text: str, percent: bool) -> bool:
        """Return whether it was rounded to the digits that were typed."""
        digits = re.fullmatch(r"[+-]?(\d*)\.?(\d*)(?:e([+-]?\d{1,3}))?%?", text)
        if digits is None or len((digits[1] + digits[2]).lstrip("0")) < 2:
            return False
        exact = self.number * (100 if percent else 1)
        power = int(digits[3] or 0)
        step = 10.0 ** (power - len(digits[2]))
        return abs(float(text.removesuffix("%")) - exact) <= step / 2


@dataclass(frozen=True, slots=True)
class ShapeAnswer(Answer):
    """A shape, `[?,784]`."""

    shape: Shape
    noun: str = "the shape"

    def text(self) -> str:
        """Return the shape."""
        return "unknown" if self.shape is None else shapes.text(self.shape)

    def wrong(self) -> str:
        """Return a shape with one size more."""
        return "[3]" if self.shape is None else shapes.text((*self.shape, 3))

    def form(self) -> str:
        """Return what a shape looks like."""
        return "the sizes in brackets, such as [?,28,28] or []"

    def compare(self, given: str) -> Judged | None:
        """Compare; `[?,784]`, `(None, 784)`, `?x784` and `float32 [?,784]` are alike."""
        lowered = given.lower().strip()
        if lowered in ("unknown", "unknown rank", "[…]", "[...]", "[?…]"):
            right = self.shape is None
            return Judged(right, "unknown", f"{self.noun} is unknown." if right else f"{self.noun} is known.")
        typed = re.fullmatch(r"(?:[a-z]+\d*(?:_ref)?)?\s*[\[(<{](.*)[\])>}]", lowered)
        inner = typed[1] if typed else lowered
        if inner.strip() in ("", "scalar"):
            sizes: list[int | None] | None = [] if typed or inner.strip() == "scalar" else None
        else:
            parts = [
                part for part in re.split(r"[,\s]+|(?<=[\d?e])\s*[x×]\s*(?=[\d?n])", inner.strip()) if part
            ]
            sizes = []
            for part in parts:
                if part in _ANY_SIZE:
                    sizes.append(None)
                elif re.fullmatch(r"\d{1,15}", part):
                    sizes.append(int(part))
                else:
                    return None
        if sizes is None:
            return None
        read = shapes.text(tuple(sizes))
        if self.shape is not None and tuple(sizes) == tuple(self.shape):
            return Judged(True, read, f"{self.noun} is {read}.")
        return Judged(False, read, f"{read} is not {self.noun}: {self._difference(sizes)}")

    def _difference(self, sizes: Sequence[int | None]) -> str:
        if self.shape is None:
            return "not even the number of sizes is known."
        if len(sizes) != len(self.shape):
            return f"yours has {count(len(sizes), 'size')}, and the number of sizes differs."
        at = next(at for at, (mine, true) in enumerate(zip(sizes, self.shape, strict=True)) if mine != true)
        return f"the number of sizes is right, size {at} (counted from 0) is not."


@dataclass(frozen=True, slots=True)
class DTypeAnswer(Answer):
    """A dtype, `float32`."""

    dtype: int
    noun: str = "the dtype"

    def text(self) -> str:
        """Return the dtype."""
        return dtypes.name(dtypes.base(self.dtype))

    def wrong(self) -> str:
        """Return another dtype."""
        return "int64" if dtypes.base(self.dtype) != dtypes.INT64 else "float32"

    def form(self) -> str:
        """Return what a dtype looks like."""
        return "a dtype, such as float32, int64 or string"

    def compare(self, given: str) -> Judged | None:
        """Compare; `float`, `tf.float32`, `DT_FLOAT` and `float32` are alike, as are `float64` and `double`."""
        word = given.split("[")[0].strip().removeprefix("tf.").removeprefix("np.")
        lowered = word if word.startswith("DT_") else word.lower()
        try:
            found = dtypes.base(dtypes.enum(_ALIASES.get(lowered, lowered)))
        except UnknownName:
            return None
        mine, right = dtypes.name(found), dtypes.base(self.dtype)
        if found == right or (lowered in ("int", "integer") and right == dtypes.INT64):
            return Judged(True, dtypes.name(right), f"{self.noun} is {dtypes.name(right)}.")
        return Judged(False, mine, f"{mine} is not {self.noun}.")


@dataclass(frozen=True, slots=True)
class Names(Answer):
    """Several names, in any order.

    Attributes:
        names: all of them.
        known: names that an answer may have; others can't be read. Empty where any may.
        noun: what they are.
    """

    names: frozenset[str]
    known: frozenset[str] = frozenset()
    noun: str = "names"

    def text(self) -> str:
        """Return the names with commas."""
        return ", ".join(sorted(self.names)) or "none"

    def wrong(self) -> str:
        """Return a name that does not belong to them, or one too few."""
        others = sorted(self.known - self.names)
        if others:
            return others[0]
        return "none" if self.names else "a"

    def form(self) -> str:
        """Return how names are written."""
        return "the names with commas between them, or `none`"

    def compare(self, given: str) -> Judged | None:
        """Compare, whatever the order; `:0` and the path of calls may be left out."""
        if given.lower() in _NOTHING and given not in self.names:
            parts = []
        else:
            inner = given.strip("[](){}")
            parts = [part.strip("`'\" ") for part in re.split(r"[,;\n]|\s+and\s+|\s+", inner)]
        known = {_short(name): name for name in sorted(self.known | self.names)}
        mine = {known.get(_short(part), part) for part in parts if part}
        unknown = sorted(one for one in mine if self.known and one not in self.known | self.names)
        if unknown:
            said = f"There is no {show(unknown[0], 60)!r} here. Write {self.form()}."
            return Judged(False, None, said)
        read = ", ".join(show(one, 60) for one in sorted(mine)) or "none"
        if mine == self.names:
            return Judged(True, read, f"{self.noun}: {read}.")
        good, extra, lacking = len(mine & self.names), len(mine - self.names), len(self.names - mine)
        told = [_share(good, len(mine))] if mine else []
        told += [f"{count(extra, 'name')} too many"] if extra and good else []
        told += [f"{count(lacking, 'name')} missing"] if lacking and (good or not mine) else []
        return Judged(False, read, f"Compared with {self.noun}: {', '.join(told)}.")


def _share(good: int, names: int) -> str:
    if names == 1:
        return "your name is right" if good else "your name is not among them"
    if not good:
        return "none of your names is among them"
    return f"{good} of your {names} names {'is' if good == 1 else 'are'} right"


@dataclass(frozen=True, slots=True)
class OneOf(Answer):
    """Any one of some names."""

    names: frozenset[str]
    known: frozenset[str] = frozenset()
    noun: str = "what is asked for"

    def text(self) -> str:
        """Return the first of the names."""
        return min(self.names)

    def wrong(self) -> str:
        """Return another name of the model."""
        others = sorted(self.known - self.names)
        return others[0] if others else "no_such_node"

    def form(self) -> str:
        """Return that it is a name."""
        return "one name, as the model writes it"

    def compare(self, given: str) -> Judged | None:
        """Compare; `:0` and the path of calls may be left out."""
        right = {_short(name) for name in self.names}
        read = show(given, 100)
        if _short(given) in right:
            return Judged(True, read, f"`{read}` is {self.noun}.")
        if self.known and _short(given) not in {_short(name) for name in self.known}:
            return Judged(False, None, f"The model has no node `{read}`. Write {self.form()}.")
        return Judged(False, read, f"`{read}` exists, and is not {self.noun}.")


@dataclass(frozen=True, slots=True)
class Text(Answer):
    """A text or a truth value that a tensor holds."""

    value: str
    noun: str = "the value"

    def text(self) -> str:
        """Return it."""
        return self.value

    def wrong(self) -> str:
        """Return another text."""
        return "false" if self.value == "true" else "true" if self.value == "false" else f"{self.value}x"

    def form(self) -> str:
        """Return that it is a text."""
        return "true or false" if self.value in ("true", "false") else "the text"

    def compare(self, given: str) -> Judged | None:
        """Compare, without regard to case; `yes` is true, and `no` is false."""
        mine = given.lower()
        if self.value in ("true", "false"):
            mine = {"yes": "true", "1": "true", "no": "false", "0": "false"}.get(mine, mine)
            if mine not in ("true", "false"):
                return None
        right = mine == self.value.lower()
        return Judged(right, show(given, 60), f"{self.noun} is{'' if right else ' not'} {show(given, 60)!r}.")


@dataclass(frozen=True, slots=True)
class Choice(Answer):
    """One of several texts, by its letter.

    Attributes:
        options: the texts in the order in which they are shown.
        right: positions of those that are right.
    """

    options: tuple[str, ...]
    right: frozenset[int]

    def text(self) -> str:
        """Return the letter."""
        return chr(ord("a") + min(self.right))

    def wrong(self) -> str:
        """Return the letter of an option that is not right."""
        return chr(ord("a") + next(at for at in range(len(self.options)) if at not in self.right))

    def form(self) -> str:
        """Return which letters there are."""
        return f"a letter, a to {chr(ord('a') + len(self.options) - 1)}"

    def compare(self, given: str) -> Judged | None:
        """Compare a letter, a number from 1, or the text of the option."""
        text = given.lower().strip(" .)([]")
        at = ord(text) - ord("a") if len(text) == 1 and text.isalpha() else None
        if text.isdecimal() and len(text) < 3:
            at = int(text) - 1
        if at is None:
            plain = [_plain(option) for option in self.options]
            at = plain.index(_plain(given)) if _plain(given) in plain else None
        if at is None or not 0 <= at < len(self.options):
            return None
        letter, option = chr(ord("a") + at), self.options[at]
        if at in self.right:
            return Judged(True, letter, f"{letter}: {option}")
        return Judged(False, letter, f"The model does not agree with {letter}: {option}")


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[`*.]", "", text).lower().split())


def _short(name: str) -> str:
    """Return a name without `^`, without the path of calls, and without the number of an output."""
    last = name.strip("`'\" ").removeprefix("^").rpartition(CALL_SEPARATOR)[2]
    return last.partition(":")[0].lower()
