"""Output of a command: data to stdout, talk to stderr, JSON where asked for.

On a terminal the page is laid out for its width and styled with rich; into a pipe go plain columns, whole names,
and rich is not imported. Text from models must have gone through `workbench.names.show` before it gets here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Literal, NamedTuple

from workbench.describe.actions import finding_json, hint_json, words
from workbench.errors import CannotWrite, WorkbenchError
from workbench.findings import Finding, in_short
from workbench.names import elide

SCHEMA_VERSION = 1
TIE = "\u00a0"
"""A blank at which a line is not broken; written as a plain one."""
_MIN_FLEX = 12
_SEVERITY = {"error": "bold red", "warning": "yellow", "info": "dim"}


class Column(NamedTuple):
    """How one column of a table looks."""

    align: Literal["left", "right"] = "left"
    """Where the cell stands in its column."""
    style: str = ""
    """A rich style, used on a terminal only."""
    flex: int = 0
    """Whether the cell may be cut in the middle when a line does not fit the terminal: 2 first, then 1, 0 never."""


NAME = Column(style="bold", flex=1)
TEXT = Column(flex=2)
DTYPE = Column(style="cyan")
DIM = Column(style="dim", flex=2)
NUMBER = Column(align="right")
LABEL = Column(style="dim")


class Output:
    """What a command writes with.

    Args:
        json: whether data is JSON; then the page methods write nothing.
        quiet: leave out talk on stderr, errors excepted.
        verbose: also write details to stderr.
        stdout: receives data.
        stderr: receives messages.
    """

    def __init__(
        self,
        *,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.stdout = stdout if stdout is not None else sys.stdout
        self.stderr = stderr if stderr is not None else sys.stderr
        self.terminal = _is_terminal(self.stdout)
        self._console: Any = None
        self._emitted = False

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None where lines may be as long as they are."""
        return int(self._rich().width) if self.terminal else None

    # ---- data

    def emit(self, value: object) -> None:
        """Write one line of JSON to stdout."""
        import json

        self._emitted = True
        self._put(json.dumps(value, separators=(", ", ": ")) + "\n")

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write one line of the page, wrapped on a terminal with its indent."""
        if self.json:
            return
        width = self.width
        for part in _wrap(text, width - indent) if width else [text]:
            self._write([(" " * indent, ""), (part, style)])

    def spans(self, spans: Sequence[tuple[str, str]]) -> None:
        """Write one line of styled pieces, never wrapped or cut."""
        if not self.json:
            self._write(spans)

    def code(self, lines: Iterable[str], style: str = "") -> None:
        """Write lines to be copied: at the left edge, never wrapped or cut."""
        if self.json:
            return
        for text in lines:
            self._write([(text, style)])

    def heading(self, text: str, note: str = "", indent: int = 0) -> None:
        """Write a heading with a quieter `note` behind it."""
        if self.json:
            return
        width = self.width
        if width and len(text) + len(note) + indent + 2 > width:
            text = elide(text, max(width - indent - (len(note) + 2 if note else 0), width // 2))
        spans = [(" " * indent, ""), (text, "bold")]
        if note:
            spans += [("  ", ""), (note, "dim")]
        self._write(spans)

    def facts(self, rows: Sequence[tuple[str, str]], indent: int = 2) -> None:
        """Label and value, one fact a line; long values go on under themselves."""
        if self.json or not rows:
            return
        label_width = max(len(label) for label, _ in rows)
        room = self.width
        for label, value in rows:
            start = indent + label_width + 2
            parts = _wrap(value, room - start) if room else [value]
            for number, part in enumerate(parts):
                lead = (label if number == 0 else "").ljust(label_width)
                self._write([(" " * indent, ""), (lead, "dim"), ("  ", ""), (part, "")])

    def table(self, rows: Sequence[Sequence[str]], columns: Sequence[Column], indent: int = 2) -> None:
        """Write rows of cells in columns.

        They are two blanks apart; what does not fit a terminal is cut in the middle.
        """
        if self.json or not rows:
            return
        widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
        if self.width:
            _shrink(widths, columns, self.width - indent)
        last = max((index for index, width in enumerate(widths) if width), default=0)
        for row in rows:
            spans = [(" " * indent, "")]
            for index, column in enumerate(columns):
                if not widths[index]:
                    continue
                cell = elide(row[index], widths[index])
                if column.align == "right":
                    cell = cell.rjust(widths[index])
                elif index != last:
                    cell = cell.ljust(widths[index])
                spans += [(cell, column.style), ("  " if index != last else "", "")]
            self._write(spans)

    def findings(self, findings: Iterable[Finding], indent: int = 2) -> None:
        """Write findings, one a paragraph: severity, code and place, message, hint."""
        if self.json:
            return
        for finding in in_short(findings):
            style = _SEVERITY[finding.severity]
            head = f"{finding.severity} {finding.heading}"
            width = self.width
            for part in _wrap(head, width - indent) if width else [head]:
                self._write([(" " * indent, ""), (part, style)])
            for text in finding.message.splitlines():
                self.line(text, indent=indent + 2)
            for text in words(finding.hint, "command line").splitlines() if finding.hint else ():
                self.line(text, style="dim", indent=indent + 2)

    # ---- talk

    def talk(self, text: str) -> None:
        """Something said beside the data, on stderr; `-q` leaves it out."""
        if not self.quiet:
            self.stderr.write(text + "\n")

    def detail(self, text: str) -> None:
        """Something said with `-v` only."""
        if self.verbose and not self.quiet:
            self.stderr.write(text + "\n")

    def remarks(self, findings: Iterable[Finding]) -> None:
        """Write findings that stop nothing: warnings always, infos with `-v` only."""
        for finding in in_short(findings):
            say = self.talk if finding.severity == "warning" else self.detail
            say(_paragraph(finding))

    def error(self, problem: WorkbenchError) -> None:
        """Write an error to stderr, and with `--json` to stdout as well."""
        where = f"{problem.where}: " if problem.where else ""
        mark = "error:"
        if _is_terminal(self.stderr) and "NO_COLOR" not in os.environ:
            mark = f"\033[1;31m{mark}\033[0m"
        self.stderr.write(f"{mark} {where}{problem.message}\n")
        for finding in in_short(getattr(problem, "findings", ())):
            if finding.severity != "info":
                self.stderr.write(f"  {_paragraph(finding, '  ')}\n")
        for hint_line in words(problem.hint, "command line").splitlines():
            self.stderr.write(f"  {hint_line}\n")
        for note in problem.notes:
            self.stderr.write(f"  {note}\n")
        if self.json:
            self.emit(error_json(problem))

    def interrupted(self, notes: Sequence[str] = ()) -> None:
        """Report Ctrl-C on stderr, and with `--json` on stdout if nothing is there."""
        if self.json and not self._emitted:
            error = {"code": "interrupted", "message": "Interrupted.", "where": None, "hint": None}
            self.emit({"schema_version": SCHEMA_VERSION, "error": error})
            self.flush()
        self.stderr.write("".join(f"{line}\n" for line in ("interrupted", *notes)))

    # ---- how

    def flush(self) -> None:
        """Make sure that the data is written.

        Raises:
            CannotWrite: stdout takes no more, its disk being full or the like.
        """
        with _writing_stdout():
            self.stdout.flush()

    def _put(self, text: str) -> None:
        with _writing_stdout():
            self.stdout.write(text)

    def _rich(self) -> Any:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self.stdout, highlight=False, markup=False, emoji=False)
        return self._console

    def _write(self, spans: Sequence[tuple[str, str]]) -> None:
        spans = [(text.replace(TIE, " "), style) for text, style in spans]
        if not self.terminal:
            self._put("".join(text for text, _ in spans).rstrip() + "\n")
            return
        from rich.text import Text

        line = Text.assemble(*spans)
        line.rstrip()
        # no_wrap and overflow="ignore": the page is laid out already, rich only puts the colours in
        self._rich().print(line, no_wrap=True, overflow="ignore", crop=False)


@contextmanager
def _writing_stdout() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise CannotWrite(f"Cannot write: {problem.strerror or problem}.", where="stdout") from None


def _paragraph(finding: Finding, indent: str = "") -> str:
    hint = f"\n{words(finding.hint, 'command line')}" if finding.hint else ""
    return f"{finding.severity} {finding.heading}: {finding.message}{hint}".replace("\n", f"\n{indent}  ")


def error_json(problem: WorkbenchError) -> dict[str, Any]:
    """Return an error as every command shows it with `--json`."""
    error: dict[str, Any] = {
        "code": problem.code,
        "message": problem.message,
        "where": problem.where,
        **hint_json(problem.hint),
    }
    findings = [finding_json(finding) for finding in getattr(problem, "findings", ())]
    if findings:
        error["findings"] = findings
    if problem.notes:
        error["notes"] = problem.notes
    return {"schema_version": SCHEMA_VERSION, "error": error}


def _shrink(widths: list[int], columns: Sequence[Column], room: int) -> None:
    """Narrow the flexible columns until the line fits, as far as they may be."""
    over = sum(widths) + 2 * (sum(1 for width in widths if width) - 1) - room
    for flex in (2, 1):
        flexible = [index for index, column in enumerate(columns) if column.flex == flex]
        while over > 0 and flexible:
            widest = max(flexible, key=lambda index: widths[index])
            if widths[widest] <= _MIN_FLEX:
                break
            widths[widest] -= 1
            over -= 1


def _wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width`, broken at blanks.

    A longer word keeps its line.
    """
    if len(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
