"""A lesson at a prompt: a page is printed, a line is read, what comes of it is printed."""

from __future__ import annotations

import sys

from workbench.cli.output import Output
from workbench.cli.pages.lesson_page import print_blocks, print_page
from workbench.errors import UsageError
from workbench.lessons.walking.walk import Outcome, Walk
from workbench.names import show

HELP = """\
  enter      go on, when the page is done or asks for nothing
  skip       go on all the same
  back       the page before
  hint       a hint; the last one names a command
  answer     the command or the answer that is asked for
  again      print the page again
  go N       open page N
  pages      list the pages
  help       this list
  quit       leave; `workbench learn` comes back to this page
  Anything else is an answer, or a command: `inspect digits` or `workbench inspect digits`.
"""


def walk_through(walk: Walk, out: Output) -> None:
    """Walk through a lesson until its end, `quit`, or the end of the input."""
    typed = 0
    show_page(walk, out)
    while not walk.finished:
        line = _read(out)
        if line is None:
            if not typed and not sys.stdin.isatty():  # nobody is there to type: all is printed to be read
                print_all(walk, out)
            return
        typed += 1
        if not _step(walk, line.strip(), out):
            return


def show_page(walk: Walk, out: Output) -> None:
    """Print the page that is open."""
    print_page(walk.page(), walk.pages, out)
    out.flush()


def print_all(walk: Walk, out: Output) -> None:
    """Print the pages after the one that is open."""
    while not walk.finished:
        walk.next()
        if not walk.finished:
            show_page(walk, out)


def _read(out: Output) -> str | None:
    """Return a line that was typed, or None at the end of the input."""
    out.line()
    out.flush()
    if sys.stdin.isatty() and out.terminal:
        try:
            return input("> ")
        except EOFError:
            return None
    line = sys.stdin.readline(100_000)
    if not line:
        return None
    out.line(f"> {show(line.rstrip(), 500)}")
    return line


def _step(walk: Walk, line: str, out: Output) -> bool:
    """Do what a line asks for; return whether to go on."""
    word, _, rest = line.partition(" ")
    word = word.lower()
    alone = not rest
    if alone and word in ("quit", "exit", "q"):
        return False
    if alone and word in ("help", "?"):
        out.code(HELP.splitlines())
    elif (alone and word in ("", "next", "skip", "back", "again")) or (
        word == "go" and rest.strip().isdecimal()
    ):
        _move(walk, word, rest, out)
    elif alone and word == "pages":
        titles = enumerate(walk.titles)
        out.code(f"{'▸' if at == walk.number else ' '} {at + 1:>2}  {title}" for at, title in titles)
    elif alone and word == "hint":
        _show(walk.hint(), walk, out)
    elif alone and word == "answer":
        _show(walk.solution(), walk, out)
    else:
        _show(walk.do(line), walk, out)
    return True


def _move(walk: Walk, word: str, rest: str, out: Output) -> None:
    if word in ("", "next") and not walk.done:
        out.line("This page is not done: do what it asks for, or type `hint` or `skip`.", style="dim")
        return
    try:
        if word == "back":
            walk.back()
        elif word == "go":
            walk.go(int(rest) - 1)
        elif word != "again":
            walk.next()
    except UsageError as problem:
        out.line(f"{problem.message} {problem.hint or ''}".rstrip(), style="yellow")
        return
    show_page(walk, out)


def _show(outcome: Outcome, walk: Walk, out: Output) -> None:
    print_blocks(outcome.blocks, out)
    if outcome.judged:
        out.line("Press enter to go on.", style="dim")
