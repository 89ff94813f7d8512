"""An explanation: a summary and sections of lines, with links to what else can be explained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from workbench.explaining.texts.glossary import GLOSSARY
from workbench.names import show
from workbench.notebook import Shown

Kind = Literal["model", "signature", "node", "tensor", "function", "op", "term", "wire", "finding"]
_QUOTED = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line.

    Attributes:
        text: what it says.
        link: what `explain` takes to explain it, or None.
    """

    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation.

    Attributes:
        text: what it says, safe to print.
        link: what `explain` takes to explain what the line is about, or None.
        names: addresses of names in back quotes that have a link of their own, by the quoted name.
    """

    text: str
    link: str | None = None
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.text

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the line in pieces: each name or word that can be explained is a link."""
        quoted = [one for one in _QUOTED.finditer(self.text)]
        links = {one.span(): self.names[one.group()] for one in quoted if one.group() in self.names}
        if self.link is not None and self.link not in links.values():
            free = [one for one in quoted if one.span() not in links]
            place = self._place(self.link, free)
            if place is None:
                return (Span(self.text, self.link),)
            links[place] = self.link
        found: list[Span] = []
        start = 0
        for (begin, end), link in sorted(links.items()):
            found += [Span(self.text[start:begin]), Span(self.text[begin:end], link)]
            start = end
        found.append(Span(self.text[start:]))
        return tuple(one for one in found if one.text)

    def _place(self, link: str, free: list[re.Match[str]]) -> tuple[int, int] | None:
        """Return where the link of the line is in its text; None for all of it.

        The link to a term is on that word; any other on the last quoted name that ends as the link does, else on the
        first quoted name.
        """
        if link.startswith("term:"):
            word = re.search(rf"\b{re.escape(link.removeprefix('term:'))}s?\b", self.text, re.IGNORECASE)
            return word.span() if word else None
        alike = [one for one in free if show(link, 1000).endswith(one.group().strip("`"))]
        return alike[-1].span() if alike else free[0].span() if free else None


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
class Explanation(Shown):
    """A model, or something in it, in sentences.

    Attributes:
        subject: what is explained, as `explain` takes it.
        kind: model, signature, node, tensor, function, op, term, wire or finding.
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

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the words of the glossary that its sentences use, in the order of the glossary."""
        own = self.subject.removeprefix("term:") if self.kind == "term" else ""
        said = " ".join([self.summary, *(str(line) for part in self.sections for line in part.lines)])
        words = {match.lower() for match in _terms().findall(_QUOTED.sub("", said))}
        return tuple(term for term in GLOSSARY if term != own and {term.lower(), f"{term.lower()}s"} & words)

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as `workbench explain --json` prints it."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "summary": self.summary,
            "sections": [
                {
                    "title": section.title,
                    "lines": [_line_json(line) for line in section.lines],
                }
                for section in self.sections
            ],
            "terms": list(self.terms),
        }


@cache
def _terms() -> re.Pattern[str]:
    longest_first = sorted(GLOSSARY, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})s?\b", re.IGNORECASE)


def _line_json(line: Line) -> dict[str, Any]:
    spans = [{"text": span.text, "link": span.link} for span in line.spans]
    return {"text": line.text, "link": line.link, "spans": spans}


def section(title: str, *lines: Line | str | None) -> Section:
    """Return a section of lines; None is left out, and a text is a line without a link."""
    return Section(
        title, tuple(Line(one) if isinstance(one, str) else one for one in lines if one is not None)
    )
