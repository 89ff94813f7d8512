"""What to draw of a graph: from a signature's outputs backwards, calls opened, plumbing folded away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from workbench.picture.scene import Scene

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

MAX_BOXES = 150


def build_scene(
    meta: MetaGraph,
    *,
    signature: str | None = None,
    roots: Iterable[str] | None = None,
    function: str | None = None,
    expanded: Collection[str] = (),
    collapsed: Collection[str] = (),
    show_control: bool = False,
    focus: str | None = None,
    hops: int = 2,
    owners: Mapping[str, str] | None = None,
    seam: Collection[str] = (),
    max_boxes: int = MAX_BOXES,
) -> Scene:
    """The scene of a MetaGraph, or of a merged draft's (`draft.meta`).

    Args:
        meta: what to draw.
        signature: whose outputs to start from; None for the default one, and if there is none, all.
        roots: tensors or nodes of the main graph to start from instead.
        function: draw this function of the library instead of the main graph.
        expanded: keys (`Node.opens`) of scopes, calls and bodies to open.
        collapsed: keys (`Node.inside`) of scopes to close, whatever their size.
        show_control: draw control edges, and what hangs on them alone.
        focus: id or written place of a node: draw only what is `hops` away from it, uncollapsed.
        hops: how far to look around `focus`.
        owners: first scope of a node's name → handle, for a merged draft; None if there is one model.
        seam: nodes of the main graph at which a wire ends (`HANDLE/placeholder`).
        max_boxes: above this, name scopes are collapsed; level by level, as deep as fits.

    Raises:
        UnknownName: there is no such signature, root, function or focus.
    """
    raise NotImplementedError
