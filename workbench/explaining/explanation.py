"""An explanation: a summary and sections of lines, with links to what else can be explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from workbench.names import show

Kind = Literal["model", "signature", "node", "tensor", "function", "op", "term", "wire"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation.

    Attributes:
        text: what it says, safe to print.
        link: what `explain` takes to explain what the line is about, or None.
    """

    text: str
    link: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a title.

    Attributes:
        title: of the section.
        lines: its lines.
    """

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A model, or something in it, in sentences.

    Attributes:
        subject: what is explained, as `explain` takes it.
        kind: model, signature, node, tensor, function, op, term or wire.
        summary: what it is, in a sentence or two.
        sections: the rest, by topic.
    """

    subject: str
    kind: Kind
    summary: str
    sections: tuple[Section, ...] = ()

    def __str__(self) -> str:
        lines = [self.summary]
        for section in self.sections:
            lines += ["", section.title, *(f"  {line.text}" for line in section.lines)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Explanation of the {self.kind} {show(self.subject)}: {self.summary[:80]}>"

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as `workbench explain --json` prints it."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "summary": self.summary,
            "sections": [
                {
                    "title": section.title,
                    "lines": [{"text": line.text, "link": line.link} for line in section.lines],
                }
                for section in self.sections
            ],
        }


def section(title: str, *lines: Line | str | None) -> Section:
    """Return a section of lines; None is left out, and a text is a line without a link."""
    return Section(
        title, tuple(Line(one) if isinstance(one, str) else one for one in lines if one is not None)
    )
