"""The views that a model's panes share: places, rows, details and search."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from workbench.session.lists.lister import Lister
from workbench.session.lists.spots import Places

if TYPE_CHECKING:
    from workbench.explaining.api import Explainer
    from workbench.model import Model
    from workbench.session.lists.search import Index
    from workbench.session.texts.checked import Checked
    from workbench.session.texts.detail import Span
    from workbench.session.texts.row_detail import Teller


_FOLLOWED = 12_000
"""Nodes up to which a signature is followed from input to output without being asked."""


class Viewer:
    """The views of one opened model.

    Args:
        model: the model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.meta = model.meta
        self.checked: Checked | None = None
        """What checks found, once they have run."""
        self._explainers: dict[str | None, Explainer] = {}

    @cached_property
    def places(self) -> Places:
        """Its bodies."""
        return Places(self.meta)

    @cached_property
    def lister(self) -> Lister:
        """Its rows."""
        return Lister(self.model, self.meta, self.places)

    @cached_property
    def teller(self) -> Teller:
        """Its details."""
        from workbench.session.texts.row_detail import Teller

        return Teller(self.model, self.meta, self.places, self.lister.trees, self.does)

    @cached_property
    def index(self) -> Index:
        """Its names, for searching."""
        from workbench.session.lists.search import Index

        return Index(self.lister)

    def explainer(self, chosen: str | None = None) -> Explainer:
        """Return what explains its parts.

        Args:
            chosen: the chosen signature, to which keys belong; None for the obvious one.
        """
        from workbench.explaining.api import Explainer

        key = chosen if chosen in self.meta.shown_signatures else None
        if key not in self._explainers:
            self._explainers[key] = Explainer(self.model, key)
        return self._explainers[key]

    def does(self, signature: str) -> list[tuple[Span, ...]]:
        """Return what a signature does, in lines with links to rows; nothing for a huge graph, which takes seconds."""
        from workbench.explaining.models import path_lines
        from workbench.session.texts.detail import Link, Span
        from workbench.session.texts.explained import key_of

        meta = self.meta
        if len(meta.graph.node) + sum(meta.function_sizes.values()) > _FOLLOWED:
            return []
        found = []
        for line in path_lines(self.explainer(signature).view, meta.signatures[signature]):
            spans = []
            for span in line.spans:
                key = key_of(self, span.link) if span.link is not None else None
                spans.append(Span(span.text.replace("`", ""), "", Link(key) if key is not None else None))
            found.append(tuple(spans))
        return found
