"""What a proposed adapter loses, or what was guessed for it: never left out where a chain is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Mark:
    """A remark on one adapter of a proposed chain.

    Attributes:
        adapter: the adapter as written.
        kind: `lossy`: values are lost; `guessed`: the types do not imply it.
        why: what is lost or guessed, as a sentence.
    """

    adapter: str
    kind: Literal["lossy", "guessed"]
    why: str

    def __str__(self) -> str:
        return f"`{self.adapter}` is {self.kind}: {self.why}"
