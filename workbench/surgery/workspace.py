"""Workspace placeholder."""

from __future__ import annotations

from typing import Literal, Protocol


class Workspace(Protocol):
    """What operations change."""

    def note(
        self,
        code: str,
        severity: Literal["info", "warning", "error"],
        where: str,
        message: str,
        hint: str | None = None,
    ) -> None:
        """Add a finding."""
