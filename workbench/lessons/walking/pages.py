"""Pages of a lesson as blocks: its Markdown with the outputs of its commands, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.lessons.blocks import Ask, Block, Note, Output, OutputKind
from workbench.lessons.lesson import Step
from workbench.lessons.questions.pose import Posed
from workbench.lessons.reading.commands import runs_tensorflow, split
from workbench.lessons.reading.markdown import Console, blocks_of, excerpt
from workbench.lessons.running import Ran, Runner, has_tensorflow
from workbench.names import elide

MISSING = "This command runs TensorFlow, which is not installed: read on, or install it with `pip install tensorflow`."
_KINDS: dict[str, OutputKind] = {"draw": "picture", "probe": "values"}
_MOST_LINES = 400
_LONGEST = 500


class Shown:
    """Runs the commands of pages, each once.

    Args:
        folder: where they run.
        runner: what runs them.
    """

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.runner = runner
        self._ran: dict[tuple[str, ...], Ran] = {}

    def run(self, words: list[str]) -> Ran:
        """Return what a command of a page does."""
        key = tuple(words)
        if key not in self._ran:
            self._ran[key] = self.runner(key, self.folder)
        return self._ran[key]

    def waits_for(self, step: Step) -> bool:
        """Return whether a page has commands that have not been run yet and start TensorFlow."""
        found = [split(one.command) for one in blocks_of(step.text) if isinstance(one, Console)]
        return has_tensorflow() and any(runs_tensorflow(one) and tuple(one) not in self._ran for one in found)

    def forget(self) -> None:
        """Run the commands anew when they are shown next: the student has changed something."""
        self._ran.clear()


def step_blocks(step: Step, shown: Shown) -> Iterator[Block]:
    """Yield the blocks of a step, its commands run."""
    for block in blocks_of(step.text):
        if isinstance(block, Console):
            yield from _output(block, shown)
        else:
            yield block
    if step.task is not None:
        yield Ask(step.task.say, kind="command")


def question_block(posed: Posed) -> Ask:
    """Return what a question asks."""
    return Ask(posed.text, posed.options)


def _output(console: Console, shown: Shown) -> Iterator[Block]:
    words = split(console.command)
    kind = _KINDS.get(words[0], "text")
    if runs_tensorflow(words) and not has_tensorflow():
        yield Output(tuple(words), "", None, kind)
        yield Note(MISSING)
        return
    ran = shown.run(words)
    text = ran.output if ran.output.strip() and not ran.exit else ran.text
    part = excerpt(console, text) if not ran.exit else text
    yield Output(tuple(words), shorten(text if part is None else part), ran.exit, kind)


def output_of(ran: Ran) -> Output:
    """Return what a student's command did."""
    return Output(
        ran.words, shorten(ran.text), ran.exit, _KINDS.get(ran.words[0], "text") if ran.words else "text"
    )


def shorten(text: str) -> str:
    """Return a text without lines that nobody would read, and without the ends of endless ones."""
    lines = [elide(line, _LONGEST) for line in text.rstrip("\n").split("\n")]
    if len(lines) <= _MOST_LINES:
        return "\n".join(lines)
    return "\n".join([*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES:,} more lines"])
