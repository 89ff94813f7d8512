"""A lesson at a prompt: a page is printed, a line is read, what comes of it is printed."""

from __future__ import annotations

import sys

from workbench.cli.output import Output
from workbench.cli.pages.lesson_page import print_blocks, print_page
from workbench.errors import UsageError
from workbench.lessons.reading.commands import starts_tensorflow
from workbench.lessons.walking.typed import WORDS, Typed, understand
from workbench.lessons.walking.walk import Outcome, Walk
from workbench.names import show


def walk_through(walk: Walk, out: Output) -> None:
    """Walk through a lesson until its end, `quit`, or the end of the input."""
    typed = 0
    show_page(walk, out)
    while not walk.finished:
        line = _read(out)
        if line is None:
            if not typed and not sys.stdin.isatty():  # nobody is there to type: all is printed to be read
                at = walk.number
                print_all(walk, out)
                walk.go(at)
            return
        typed += 1
        if not _step(walk, line.strip(), out):
            return


def show_page(walk: Walk, out: Output) -> None:
    """Print the page that is open; that it takes a while is said before."""
    if walk.slow and out.terminal:
        out.talk("running the commands of the page in TensorFlow …")
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
    typed = understand(line)
    if typed.wish == "quit":
        return False
    if typed.wish == "help":
        out.code(WORDS.splitlines())
    elif typed.wish == "pages":
        titles = enumerate(walk.titles)
        out.code(f"{'▸' if at == walk.number else ' '} {at + 1:>2}  {title}" for at, title in titles)
    elif typed.wish == "hint":
        _show(walk.hint(), walk, out)
    elif typed.wish == "answer":
        _show(walk.solution(), walk, out)
    elif typed.wish == "text":
        if out.terminal and starts_tensorflow(typed.text):
            out.talk("running it in TensorFlow …")
        _show(walk.do(typed.text), walk, out)
    else:
        _move(walk, typed, out)
    return True


def _move(walk: Walk, typed: Typed, out: Output) -> None:
    if typed.wish == "next" and not walk.done:
        out.line("This page is not done: do what it asks for, or type `hint` or `skip`.", style="dim")
        return
    try:
        if typed.wish == "back":
            walk.back()
        elif typed.wish == "go":
            walk.go(typed.page)
        elif typed.wish != "again":
            walk.next()
    except UsageError as problem:
        out.line(f"{problem.message} {problem.hint or ''}".rstrip(), style="yellow")
        return
    show_page(walk, out)


def _show(outcome: Outcome, walk: Walk, out: Output) -> None:
    print_blocks(outcome.blocks, out)
    if outcome.judged:
        out.line("Press enter to go on.", style="dim")
