"""What a student types at a page: a word that turns pages or asks for help, or else an answer or a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Wish = Literal["next", "skip", "back", "again", "go", "pages", "hint", "answer", "help", "quit", "text"]
_WORDS: dict[str, Wish] = {
    "": "next",
    "next": "next",
    "skip": "skip",
    "back": "back",
    "again": "again",
    "pages": "pages",
    "hint": "hint",
    "answer": "answer",
    "help": "help",
    "?": "help",
    "quit": "quit",
    "exit": "quit",
    "q": "quit",
}
WORDS = """\
  enter      go on, when the page is done or asks for nothing
  skip       go on all the same
  back       the page before
  hint       a hint; the last one names a command
  answer     the command or the answer that is asked for
  again      show the page again
  go N       open page N
  pages      list the pages
  help       this list
  quit       leave; the lesson opens at this page again
  Anything else is an answer, or a command: `inspect digits` or `workbench inspect digits`.
"""
"""The words and what they do, for a face to show."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a line asks for.

    Attributes:
        wish: what to do; `text` is an answer or a command.
        text: the line without blanks around it.
        page: for `go`: the page, from 0; else -1.
    """

    wish: Wish
    text: str
    page: int = -1


def understand(line: str) -> Typed:
    """Return what a line that was typed asks for."""
    text = line.strip()
    word, _, rest = text.partition(" ")
    if not rest and word.lower() in _WORDS:
        return Typed(_WORDS[word.lower()], text)
    if word.lower() == "go" and rest.strip().isascii() and rest.strip().isdecimal():
        return Typed("go", text, int(rest.strip()[:9]) - 1)
    return Typed("text", text)
