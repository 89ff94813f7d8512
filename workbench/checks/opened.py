"""The model as users of the package open it: the model's own views, its graph for networkx, its findings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.model import model

if TYPE_CHECKING:
    import networkx as nx

    from workbench.findings import Finding


class Model(model.Model):
    """An opened model. All but the model file is read when it is asked for."""

    def networkx(
        self, *, functions: bool = False, max_nodes: int = 200_000, plain: bool = False
    ) -> nx.MultiDiGraph[str]:
        """Return the chosen MetaGraph as a `networkx.MultiDiGraph`, see `workbench.to_networkx`.

        Args:
            functions: with the bodies of functions, each under its call and connected with it.
            max_nodes: with `functions`: how many nodes are too many.
            plain: for `networkx.write_graphml` and other files, with texts and numbers only.
        """
        from workbench.graph.views import to_networkx

        return to_networkx(self.meta, functions=functions, max_nodes=max_nodes, plain=plain)

    @property
    def findings(self) -> list[Finding]:
        """Return the findings of opening: missing files, unknown ops and names. Errors first."""
        from workbench.checks.open_model import examine

        return examine(self)


def open_model(path: str | os.PathLike[str], tags: str | Iterable[str] | None = None) -> Model:
    """Open a SavedModel folder, its `saved_model.pb` or `.pbtxt`, or a frozen GraphDef file.

    Only the model file itself is read; variables, shards and assets may be missing.

    Args:
        path: the model; a folder with only version numbers in it means the highest.
        tags: the tag set of the MetaGraph that `.meta` should be, `"serve,gpu"` or one by one; None for
            `{serve}` if it exists, else the only one.

    Raises:
        NotASavedModel: the path holds no model.
        UnsupportedFormat: it is another format; the message names it and the way to a SavedModel.
        DamagedFile: the file can't be parsed.
        UnknownName: no MetaGraph has these tags.
        WrongType: it is no path.
    """
    opened = model.open_model(path, tags)
    return Model(opened.location, opened.proto, opened.tags, opened.stamp)
