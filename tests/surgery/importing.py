"""Models written down by hand as imported models, for tests of what works on one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests import protos
from workbench.disk.schema import GraphDef
from workbench.model import open_model
from workbench.surgery.imported import ImportedModel
from workbench.surgery.plan import Source


def imported(
    folder: Path,
    meta: Any,
    *,
    cuts: Iterable[str] = (),
    roots: Iterable[str] | None = None,
    handle: str = "m",
) -> ImportedModel:
    """A MetaGraphDef, written to a folder, opened and imported.

    Args:
        folder: is made.
        meta: the MetaGraphDef.
        cuts: tensors `n:k` to cut it at.
        roots: what is kept of it; None for all nodes.
        handle: its handle.
    """
    model = open_model(protos.write(folder, meta))
    chosen = next(iter(model.meta.signatures.values()), None)
    part = ImportedModel(Source(handle, folder), model, model.meta, chosen)
    for tensor in cuts:
        part.cut(tensor)
    kept = [f"^{name}" for name in model.meta.nodes] if roots is None else roots
    part.keep(kept, GraphDef())
    return part


def written(nodes: Iterable[Any]) -> list[str]:
    """Nodes as lines `name = Op(input, …)`."""
    return [f"{node.name} = {node.op}({', '.join(node.input)})" for node in nodes]
