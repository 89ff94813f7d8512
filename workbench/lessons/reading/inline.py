"""Inline Markdown of a lesson as pieces: plain text, code, emphasis."""

from __future__ import annotations

import re
from typing import Literal

InlineKind = Literal["text", "code", "strong", "emphasis"]
_CODE = re.compile(r"(`+[^`]*`+)")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_STRONG = re.compile(r"(\*\*|__)(.+?)\1")
_EMPHASIS = re.compile(r"(?<!\w)([*_])(\S.*?\S|\S)\1(?!\w)")


def pieces_of(text: str) -> list[tuple[str, InlineKind]]:
    """Return the pieces of a text without their marks; a link is its text and, in brackets, its target."""
    found: list[tuple[str, InlineKind]] = []
    for at, part in enumerate(_CODE.split(text)):
        if at % 2:
            found.append((part.strip("`"), "code"))
        else:
            found += _marked(_LINK.sub(r"\1 (\2)", part))
    return [one for one in found if one[0]]


def _marked(text: str) -> list[tuple[str, InlineKind]]:
    for pattern, kind in ((_STRONG, "strong"), (_EMPHASIS, "emphasis")):
        match = pattern.search(text)
        if match is not None:
            inner: InlineKind = "strong" if kind == "strong" else "emphasis"
            return [*_marked(text[: match.start()]), (match[2], inner), *_marked(text[match.end() :])]
    return [(text, "text")]


def plain(text: str) -> str:
    """Return inline Markdown as text: marks of emphasis are left out, code keeps its back quotes."""
    return "".join(f"`{piece}`" if kind == "code" else piece for piece, kind in pieces_of(text))
