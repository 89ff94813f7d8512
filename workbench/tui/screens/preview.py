"""The joined graph."""

from __future__ import annotations

from textual.screen import Screen

from workbench.session.session import Session


class PreviewScreen(Screen[None]):
    """The picture."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
