"""A box that is ticked or not, told by its sign and not by its colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """A checkbox drawn as `[x]` or `[ ]`."""

    @property
    def _button(self) -> Content:
        """Return the sign."""
        return Content("[x]" if self.value else "[ ]")
