"""Pages of lessons as lines of spans, for any face that draws them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.describe.calling import command as wrapped
from workbench.lessons.blocks import Ask, Block, Code, Heading, Item, Note, Output, Paragraph
from workbench.lessons.reading.inline import InlineKind, pieces_of
from workbench.session.texts.detail import Line, Role, Span

_INLINE: dict[InlineKind, Role] = {"text": "", "code": "op", "strong": "title", "emphasis": "name"}
_NOTES: dict[str, tuple[str, Role]] = {
    "info": ("", "dim"),
    "right": ("✓ ", "good"),
    "wrong": ("✗ ", "maybe"),
    "hint": ("? ", "dtype"),
}


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line of a page.

    Attributes:
        line: its spans.
        wraps: whether it is prose, which is wrapped; what a command printed is not.
        hang: cells by which its further parts are indented.
        option: which answer to choose it is, from 0; or None.
    """

    line: Line
    wraps: bool = True
    hang: int = 0
    option: int | None = None


def lines_of(blocks: Iterable[Block]) -> list[PageLine]:
    """Return the lines of blocks, with an empty one before each; items of a list stand together."""
    found: list[PageLine] = []
    before: Block | None = None
    for block in blocks:
        if found and not (isinstance(block, Item) and isinstance(before, Item)):
            found.append(PageLine(()))
        found += _lines(block)
        before = block
    return found


def typed_line(text: str) -> list[PageLine]:
    """Return the lines that repeat what the student typed."""
    return [PageLine(()), PageLine((Span("> ", "dim"), Span(text, "name")), hang=2)]


def _lines(block: Block) -> Iterator[PageLine]:
    if isinstance(block, Heading):
        yield PageLine((Span("".join(text for text, _ in pieces_of(block.text)), "heading"),))
    elif isinstance(block, Paragraph):
        yield PageLine(_spans(block.text))
    elif isinstance(block, Item):
        indent = "  " * (block.depth + 1)
        mark = f"{indent}{block.mark or ' '} "
        yield PageLine((Span(mark, "dim"), *_spans(block.text)), hang=len(mark))
    elif isinstance(block, Code):
        yield from (PageLine((Span(f"    {line}", "op"),), wraps=False) for line in block.text.splitlines())
    elif isinstance(block, Output):
        yield from _output(block)
    elif isinstance(block, Note):
        sign, role = _NOTES[block.kind]
        spans = (
            Span(text, role if kind == "text" else _INLINE[kind]) for text, kind in pieces_of(block.text)
        )
        yield PageLine((Span(sign, role), *spans), hang=len(sign))
    elif isinstance(block, Ask):
        yield from _asked(block)


def _output(block: Output) -> Iterator[PageLine]:
    for number, text in enumerate(wrapped(["workbench", *block.command])):
        yield PageLine((Span("  " if number else "$ ", "dim"), Span(text, "dtype")), wraps=False)
    for line in block.text.splitlines():
        yield PageLine((Span(f"  {line}"),), wraps=False)
    if block.exit:
        yield PageLine((Span(f"  (exit code {block.exit})", "dim"),), wraps=False)


def _asked(block: Ask) -> Iterator[PageLine]:
    yield PageLine((Span("▸ ", "heading"), *_spans(block.text, "title")), hang=2)
    for at, option in enumerate(block.options):
        letter = chr(ord("a") + at)
        yield PageLine((Span(f"  {letter}) ", "heading"), *_spans(option)), hang=5, option=at)


def _spans(text: str, plain: Role = "") -> Line:
    return tuple(Span(piece, _INLINE[kind] or plain) for piece, kind in pieces_of(text))
