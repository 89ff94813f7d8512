"""The written form of adapters: `decode-image channels=1 | resize 28 28 | scale 1/255`. Parse and print.

Tokens are those of a POSIX shell: white space separates, quotes and backslashes protect. A `|` or a `=` separates
only where it is an unquoted token of its own. Parsing what was printed gives the same calls again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.names import show

_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_-]*=")
_PLAIN = re.compile(r"[^\s'\"\\]+\Z")
_SPACE = " \t\r\n"
_ESCAPED_IN_QUOTES = '"\\$`'
MOST_CALLS = 100
"""A chain of more adapters than this is refused."""


class Word(NamedTuple):
    """A value as written.

    Attributes:
        text: the text without quotes; of a file its path, without the `@`.
        file: whether it is written `@PATH`.
    """

    text: str
    file: bool = False

    def __str__(self) -> str:
        return f"@{_quoted(self.text)}" if self.file else _quoted(self.text)


class Call(NamedTuple):
    """One adapter as written.

    Attributes:
        name: the name of the adapter.
        values: the positional arguments.
        named: the arguments `name=value`, in the order written.
    """

    name: str
    values: tuple[Word, ...] = ()
    named: tuple[tuple[str, Word], ...] = ()

    def __str__(self) -> str:
        return " ".join([_quoted(self.name), *map(str, self.values), *(f"{k}={v}" for k, v in self.named)])


class WireText(NamedTuple):
    """A wire with adapters as written: `SOURCE | CALL | CALL = TARGET`."""

    source: str
    calls: tuple[Call, ...]
    target: str

    @property
    def chain(self) -> str:
        """The text of the adapters."""
        return print_calls(self.calls)

    def __str__(self) -> str:
        return f"{' | '.join([_quoted(self.source), *map(str, self.calls)])} = {_quoted(self.target)}"


def parse_calls(text: str) -> tuple[Call, ...]:
    """Parse a chain of adapters; an empty text is a chain of none.

    Raises:
        UsageError: a quote is open, there is nothing between two `|`, a `=` stands alone, or a position follows a name.
    """
    tokens = _tokens(text)
    if not tokens:
        return ()
    return _calls(_split(tokens, text), text)


def print_calls(calls: Sequence[Call]) -> str:
    """Return the text of a chain, of which `parse_calls` makes the same calls."""
    return " | ".join(map(str, calls))


def has_adapters(text: str) -> bool:
    """Return whether a wire is in the form with adapters: a `|` stands in it as a word, quoted or not."""
    return any(word.strip("'\"") == "|" for word in re.split(f"[{_SPACE}]+", text))


def print_wire(source: str, chain: str, target: str) -> str:
    """Return the text of a wire: `SOURCE=TARGET`, or with its chain of adapters as `parse_wire` reads it."""
    plain = f"{source}={target}"
    if not chain and not has_adapters(plain):
        return plain
    return f"{_quoted(source)}{f' | {chain}' if chain else ''} = {_quoted(target)}"


def files_in(calls: Sequence[Call]) -> tuple[str, ...]:
    """Return the paths of the files that calls name, as written."""
    words = [word for call in calls for word in (*call.values, *(value for _, value in call.named))]
    return tuple(dict.fromkeys(word.text for word in words if word.file))


def with_files(calls: Sequence[Call], paths: Mapping[str, str]) -> tuple[Call, ...]:
    """Return calls with other paths of files.

    Args:
        calls: the calls.
        paths: written path to the new one; others stay.
    """

    def moved(word: Word) -> Word:
        return Word(paths.get(word.text, word.text), True) if word.file else word

    return tuple(
        Call(call.name, tuple(map(moved, call.values)), tuple((name, moved(one)) for name, one in call.named))
        for call in calls
    )


def parse_wire(text: str) -> WireText:
    """Parse a wire with adapters.

    Raises:
        UsageError: it is not of the form `OUTPUT | ADAPTER … = INPUT`, or an adapter can't be parsed.
    """
    tokens = _tokens(text)
    equals = [at for at, token in enumerate(tokens) if token.is_sign("=")]
    if len(equals) != 1 or equals[0] != len(tokens) - 2:
        raise UsageError(
            f"{show(text)!r} is not a wire with adapters: it takes one ' = ' before the input.",
            hint="Write OUTPUT | ADAPTER … = INPUT, with spaces around | and =.",
        )
    first, *rest = _split(tokens[: equals[0]], text)
    if len(first) != 1:
        raise UsageError(
            f"The output in {show(text)!r} is {len(first)} words; it takes one.",
            hint="Quote a name that has spaces, and write | before each adapter.",
        )
    return WireText(first[0].text, _calls(rest, text), tokens[-1].text)


@dataclass(slots=True)
class _Token:
    """A token and, for each of its characters, whether it was quoted or escaped."""

    text: str
    quoted: list[bool]
    any_quote: bool = False

    def is_sign(self, sign: str) -> bool:
        return self.text == sign and not self.any_quote

    def plain(self, start: int, end: int) -> bool:
        return not any(self.quoted[start:end])

    def word(self, start: int = 0) -> Word:
        file = self.text[start : start + 1] == "@" and self.plain(start, start + 1)
        return Word(self.text[start + file :], file)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    token: _Token | None = None
    at = 0
    while at < len(text):
        char = text[at]
        if char in _SPACE:
            token = None
            at += 1
            continue
        if token is None:
            token = _Token("", [])
            found.append(token)
        if char in "'\"":
            token.any_quote = True
            at = _quote(text, at, token)
        elif char == "\\":
            if at + 1 == len(text):
                raise UsageError(f"{show(text)!r} ends with a backslash.", hint="Write \\\\ for a backslash.")
            token.any_quote = True
            _append(token, text[at + 1], True)
            at += 2
        else:
            _append(token, char, False)
            at += 1
    return found


def _append(token: _Token, char: str, quoted: bool) -> None:
    token.text += char
    token.quoted.append(quoted)


def _quote(text: str, start: int, token: _Token) -> int:
    """Read a quoted part; return where it ends."""
    mark, at = text[start], start + 1
    while at < len(text) and text[at] != mark:
        if mark == '"' and text[at] == "\\" and text[at + 1 : at + 2] in tuple(_ESCAPED_IN_QUOTES):
            at += 1
        _append(token, text[at], True)
        at += 1
    if at >= len(text):
        raise UsageError(f"A quote is not closed in {show(text)!r}.", hint=f"Add {mark} where the text ends.")
    return at + 1


def _split(tokens: Sequence[_Token], text: str) -> list[list[_Token]]:
    """Split tokens at each `|`."""
    groups: list[list[_Token]] = [[]]
    for token in tokens:
        if token.is_sign("|"):
            groups.append([])
        else:
            groups[-1].append(token)
    if not all(groups):
        raise UsageError(
            f"There is nothing before, after or between the | of {show(text)!r}.",
            hint="Write an adapter there, or remove the |.",
        )
    return groups


def _calls(groups: Sequence[Sequence[_Token]], text: str) -> tuple[Call, ...]:
    if len(groups) > MOST_CALLS:
        raise UsageError(f"The chain has {len(groups)} adapters; at most {MOST_CALLS} are taken.")
    return tuple(_call(group, text) for group in groups)


def _call(tokens: Sequence[_Token], text: str) -> Call:
    values: list[Word] = []
    named: list[tuple[str, Word]] = []
    for token in tokens:
        if token.is_sign("="):
            raise UsageError(
                f"A = stands alone in {show(text)!r}.",
                hint="Write name=value without spaces, or quote it: '='.",
            )
    for token in tokens[1:]:
        match = _NAMED.match(token.text)
        if match is not None and token.plain(0, match.end()):
            named.append((match.group()[:-1].replace("_", "-"), token.word(match.end())))
        elif named:
            raise UsageError(
                f"{show(token.text)!r} comes after {named[-1][0]}=… in {show(text)!r}.",
                hint="Write arguments without a name first.",
            )
        else:
            values.append(token.word())
    return Call(tokens[0].text, tuple(values), tuple(named))


def _quoted(text: str) -> str:
    """Return a word so that it is read as that text: quoted where it must be."""
    safe = _PLAIN.match(text) and text not in ("|", "=") and text[0] != "@" and not _NAMED.match(text)
    if safe:
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"
