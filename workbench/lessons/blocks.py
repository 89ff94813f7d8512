"""What a page is made of: headings, paragraphs, code, outputs of commands, questions. A face renders them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutputKind = Literal["text", "picture", "values"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    Attributes:
        text: inline Markdown.
        level: 1 for the largest.
    """

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of inline Markdown: `code`, *emphasis*, **strong**."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list.

    Attributes:
        text: inline Markdown.
        mark: `-`, or a number with a dot.
        depth: 0 for an item of the outermost list.
    """

    text: str
    mark: str = "-"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be shown as they are.

    Attributes:
        text: the lines.
        language: as the fence names it, or empty.
    """

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A command and what it printed.

    Attributes:
        command: its words, without `workbench`.
        text: what it printed, or the excerpt of it that the page asks for.
        exit: its exit code; None if it was not run.
        kind: a picture of a graph, values of tensors, or other text.
    """

    command: tuple[str, ...]
    text: str
    exit: int | None = 0
    kind: OutputKind = "text"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark beside the lesson: that TensorFlow is missing, where the files are.

    Attributes:
        text: inline Markdown.
        kind: `info`, `right`, `wrong` or `hint`.
    """

    text: str
    kind: Literal["info", "right", "wrong", "hint"] = "info"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the student is to do or to answer.

    Attributes:
        text: inline Markdown.
        options: answers to choose, by their letters in order; empty where there is nothing to choose.
        kind: a command to type, or an answer.
    """

    text: str
    options: tuple[str, ...] = ()
    kind: Literal["command", "answer"] = "answer"


Block = Heading | Paragraph | Item | Code | Output | Note | Ask
