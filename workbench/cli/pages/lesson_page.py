"""Pages of lessons on a terminal or as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.cli.output import DIM, NAME, NUMBER, TEXT, Output
from workbench.describe.calling import command as wrapped
from workbench.lessons.blocks import Ask, Block, Code, Heading, Item, Note, Paragraph
from workbench.lessons.blocks import Output as Shown
from workbench.lessons.lesson import Lesson
from workbench.lessons.marking import Marked
from workbench.lessons.reading.inline import plain
from workbench.lessons.walking.folder import kept_folder
from workbench.lessons.walking.progress import read_progress
from workbench.lessons.walking.walk import Page
from workbench.names import count, show

_STYLES = {"info": "dim", "right": "bold green", "wrong": "yellow", "hint": "cyan"}
_INDENT = 2
_LINE = 100


def print_page(page: Page, pages: int, out: Output) -> None:
    """Print a page: its title and number, and its blocks."""
    out.line()
    out.heading(
        page.title, f"{page.number + 1}/{pages}{' · done' if page.done and page.kind != 'end' else ''}"
    )
    print_blocks(page.blocks, out)


def print_blocks(blocks: Iterable[Block], out: Output) -> None:
    """Print blocks with an empty line before each; items of a list stand together."""
    before: Block | None = None
    for block in blocks:
        if not (isinstance(block, Item) and isinstance(before, Item)):
            out.line()
        _block(block, out)
        before = block


def _block(block: Block, out: Output) -> None:
    if isinstance(block, Heading):
        out.heading(plain(block.text))
    elif isinstance(block, Paragraph):
        _text(plain(block.text), out)
    elif isinstance(block, Item):
        mark = " " * (_INDENT * (block.depth + 1)) + f"{block.mark} ".rjust(2)
        _text(plain(block.text), out, first=mark)
    elif isinstance(block, Code):
        out.code([f"    {line}" for line in block.text.splitlines()])
    elif isinstance(block, Shown):
        _shown(block, out)
    elif isinstance(block, Note):
        _text(plain(block.text), out, style=_STYLES[block.kind])
    elif isinstance(block, Ask):
        _text(plain(block.text), out, first="▸ ", style="bold")
        for at, option in enumerate(block.options):
            _text(plain(option), out, first=f"  {chr(ord('a') + at)}) ")


def _shown(block: Shown, out: Output) -> None:
    lines = wrapped(["workbench", *block.command])
    out.code([f"{'  ' if number else '$ '}{text}" for number, text in enumerate(lines)], "cyan")
    width = _width(out) - _INDENT
    for line in block.text.splitlines():
        lead = len(line) - len(line.lstrip())
        folds = block.kind == "text" and len(line) > width and "  " not in line.strip()
        parts = _folded(line.strip(), width - lead, _INDENT) if folds else [line.strip()]
        out.code(" " * (_INDENT + lead) + part if part else "" for part in parts)
    if block.exit:
        out.line(f"  (exit code {block.exit})", style="dim")


def _width(out: Output) -> int:
    """Return how long a line may be; a file gets lines that can be read as well."""
    return min(out.width or _LINE, _LINE)


def _folded(text: str, width: int, indent: int = 0) -> list[str]:
    """Return a text in lines, those after the first with an indent more."""
    import textwrap

    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [lines[0], *(" " * indent + line for line in lines[1:])] if lines else [""]


def _text(text: str, out: Output, *, first: str = "", style: str = "") -> None:
    """Print a paragraph, folded, with something in front of its first line."""
    for number, line in enumerate(_folded(text, _width(out) - len(first))):
        out.code([f"{first if not number else ' ' * len(first)}{line}"], style)


def print_lessons(lessons: Sequence[Lesson], out: Output) -> None:
    """Print a list of lessons, with how far the student is in each."""
    rows = [
        (str(at + 1), show(one.name), show(one.title), f"{one.minutes} min", _reached(one))
        for at, one in enumerate(lessons)
    ]
    out.table(rows, [NUMBER, NAME, TEXT, DIM, DIM])


def _reached(lesson: Lesson) -> str:
    found = read_progress(kept_folder(lesson))
    reached = 0 if found is None else found.reached(lesson)
    pages = len(lesson.steps) + len(lesson.questions)
    return "done" if reached == pages else f"{reached} of {pages} pages" if reached else ""


def print_marks(marked: Sequence[Marked], out: Output) -> None:
    """Print what is right in files of answers: one row a file, and below it what was said of each answer."""
    most = max((len(one.marks) for one in marked), default=0)
    rows = []
    for one in marked:
        signs = [_SIGNS[mark.result] for mark in one.marks] + [""] * (most - len(one.marks))
        total = "error" if one.error else f"{one.right} of {len(one.marks)}"
        rows.append((one.name, one.lesson, "" if one.seed is None else str(one.seed), total, *signs))
    heads = ("name", "lesson", "seed", "right", *(str(at + 1) for at in range(most)))
    out.table([heads, *rows], [NAME, TEXT, NUMBER, NUMBER, *([TEXT] * most)], indent=0)
    for one in marked:
        if one.error is not None or one.right < len(one.marks):
            out.line()
            out.heading(one.name, one.path)
            _detail(one, out)


_SIGNS = {
    "right": "right",
    "wrong": "wrong",
    "empty": "empty",
    "unreadable": "unreadable",
    "not marked": "not marked",
}


def _detail(one: Marked, out: Output) -> None:
    if one.error is not None:
        where = f"{one.error.where}: " if one.error.where else ""
        out.line(f"{where}{one.error.message}", indent=_INDENT, style="red")
        out.findings(getattr(one.error, "findings", ()), indent=_INDENT + 2)
        if one.error.hint:
            out.line(str(one.error.hint), indent=_INDENT, style="dim")
        return
    for mark in one.marks:
        if mark.result != "right":
            given = f"{mark.given}  " if mark.given else ""
            right = f" The answer is {mark.answer}." if mark.answer else ""
            out.line(f"{mark.question}  {mark.result}: {given}{plain(mark.said)}{right}", indent=_INDENT)


def print_proof(name: str, errors: int, total: int, out: Output) -> None:
    """Print whether a lesson works."""
    out.heading(
        show(name), "works" if not total else count(errors, "error") if errors else "works, with remarks"
    )
