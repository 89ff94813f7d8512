"""Markdown of a lesson to blocks. Fenced code marked `console` holds commands, whose outputs are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.lessons.blocks import Block, Code, Heading, Item, Paragraph

CONSOLE = "console"
_EXCERPT = ("from", "to", "lines")


@dataclass(frozen=True, slots=True)
class Console:
    """A command whose output belongs here.

    Attributes:
        command: as written behind `$ `, without `workbench`.
        after: text in the first line that is shown, or empty.
        until: text in the last line that is shown, or empty.
        lines: how many lines are shown at most, or None.
        line: number of the line in the file.
        unknown: what the fence says besides, which is wrong.
    """

    command: str
    after: str
    until: str
    lines: int | None
    line: int
    unknown: tuple[str, ...] = ()


def blocks_of(text: str) -> list[Block | Console]:
    """Return the blocks of a Markdown text: headings, paragraphs, lists, quotes, code and commands."""
    from markdown_it import MarkdownIt

    return list(_blocks(MarkdownIt("commonmark").parse(text)))


def _blocks(tokens: list[Any]) -> Iterator[Block | Console]:
    lists: list[int | None] = []
    kind, first = "", True
    for token in tokens:
        name = token.type
        if name == "fence":
            if token.info.split(" ")[0] == CONSOLE:
                yield from _console(token)
            else:
                yield Code(token.content.rstrip("\n"), token.info.strip())
        elif name == "code_block":
            yield Code(token.content.rstrip("\n"))
        elif name == "heading_open":
            kind = token.tag
        elif name == "paragraph_open":
            kind = "p"
        elif name in ("bullet_list_open", "ordered_list_open"):
            lists.append(None if name[0] == "b" else int(token.attrs.get("start", 1)))
        elif name in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif name == "list_item_open":
            first = True
        elif name == "list_item_close":
            if lists[-1] is not None:
                lists[-1] += 1
        elif name == "inline":
            text = " ".join(token.content.split())
            if kind.startswith("h"):
                yield Heading(text, int(kind[1]) + 1)
            elif lists:
                number = lists[-1]
                mark = "" if not first else "-" if number is None else f"{number}."
                yield Item(text, mark, len(lists) - 1)
                first = False
            else:
                yield Paragraph(text)


def _console(token: Any) -> Iterator[Console]:
    """Yield the commands of a fence; lines without `$` are what the author saw, and are left out."""
    options = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', token.info))
    found = {key: value.strip('"') for key, value in options.items()}
    rest = re.sub(r'(\w+)=("[^"]*"|\S+)', "", token.info).split()[1:]
    unknown = (*rest, *(key for key in found if key not in _EXCERPT))
    number = found.get("lines", "")
    if number and not number.isdecimal():
        unknown = (*unknown, f"lines={number}")
    lines = int(number) if number.isdecimal() else None
    start = (token.map[0] if token.map else 0) + 1
    text = token.content.replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("$ "):
            command = line[2:].strip().removeprefix("workbench ").strip()
            yield Console(command, found.get("from", ""), found.get("to", ""), lines, start, unknown)


def excerpt(console: Console, output: str) -> str | None:
    """Return the part of an output that a page asks for; None if the output does not have it."""
    lines = output.rstrip("\n").split("\n")
    begin = next((at for at, line in enumerate(lines) if console.after in line), None)
    if begin is None:
        return None
    end = len(lines)
    if console.until:
        found = next((at for at in range(begin, len(lines)) if console.until in lines[at]), None)
        if found is None:
            return None
        end = found + 1
    if console.lines is not None:
        end = min(end, begin + console.lines)
    part = lines[begin:end]
    while part and not part[-1].strip():
        part.pop()
    return "\n".join((["…"] if begin else []) + part + (["…"] if end < len(lines) else []))
