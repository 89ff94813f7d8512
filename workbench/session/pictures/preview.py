"""The state of a preview, what it shows of a plan or model, and its picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from workbench.names import CALL_SEPARATOR, count, show

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Model
    from workbench.picture.formats import Format
    from workbench.picture.layout.geometry import CutOff, Layout
    from workbench.picture.scene.scene import Edge, Frame, Node, Scene
    from workbench.surgery.draft import Draft
    from workbench.surgery.plan import Plan, Source

Zoom = Literal["full", "compact", "tiny"]
_LISTED = 24
_CALL = re.compile(r"(?:.*/)?(?:Stateful)?PartitionedCall(?:_\d+)?")
ZOOMS: tuple[Zoom, ...] = ("full", "compact", "tiny")


@dataclass(frozen=True, slots=True)
class View:
    """How much of a graph is drawn, and how.

    Attributes:
        expanded: keys of scopes and calls that were opened.
        collapsed: keys that were closed.
        focus: id of the box around which is drawn, or None for all.
        hops: how far around it.
        controls: whether control edges are drawn.
        zoom: how much a box says.
        across: data flows to the right instead of down.
    """

    expanded: frozenset[str] = frozenset()
    collapsed: frozenset[str] = frozenset()
    focus: str | None = None
    hops: int = 2
    controls: bool = False
    zoom: Zoom = "full"
    across: bool = False

    def opened(self, key: str) -> View:
        """Return the view with one more scope or function opened."""
        return replace(self, expanded=self.expanded | {key}, collapsed=self.collapsed - {key})

    def closed(self, key: str) -> View:
        """Return the view with one scope or function closed."""
        return replace(self, expanded=self.expanded - {key}, collapsed=self.collapsed | {key})

    def focused(self, id: str | None) -> View:
        """Return the view of a box's neighbourhood, or of everything."""
        return replace(self, focus=id)

    def wider(self, by: int) -> View:
        """Return the view with more or fewer hops around its focus, if it has one."""
        if self.focus is None:
            return self
        return replace(self, hops=max(1, min(self.hops + by, 12)))

    def showing(self, inside: Iterable[str]) -> View:
        """Return the view with everything opened that holds a box, and with no focus."""
        keys = frozenset(inside)
        return replace(self, expanded=self.expanded | keys, collapsed=self.collapsed - keys, focus=None)

    def fitting(self) -> list[View]:
        """Return the views that show the same, the one with most text first and the smallest last."""
        return [replace(self, zoom=zoom, across=across) for zoom in ZOOMS for across in (False, True)]

    def zoomed(self, by: int) -> View:
        """Return the view closer (negative) or further away."""
        return replace(self, zoom=ZOOMS[max(0, min(ZOOMS.index(self.zoom) + by, len(ZOOMS) - 1))])


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn: a model, or the result of a plan.

    Attributes:
        meta: its MetaGraph.
        signature: the signature whose outputs it starts from, None for the obvious one.
        owners: (first scope, handle) of the models of a result, and of adapters.
        seam: nodes at which wires end.
        handle: of the model that is drawn alone; empty for the result of a plan.
    """

    meta: MetaGraph
    signature: str | None = None
    owners: tuple[tuple[str, str], ...] = ()
    seam: tuple[str, ...] = ()
    handle: str = ""

    @classmethod
    def of_draft(cls, draft: Draft) -> Subject:
        """Return the result of a plan, with the boundaries marked."""
        seam = []
        for link in draft.join.links:
            part = draft.parts[link.target.handle]
            seam += [
                f"{part.handle}/{part.cuts[tensor]}" for tensor in link.target.tensors if tensor in part.cuts
            ]
        for port in draft.interface.inputs:
            for target in port.shared.targets if port.shared is not None else ():
                cuts = draft.parts[target.handle].cuts
                seam += [f"{target.handle}/{cuts[tensor]}" for tensor in target.tensors]
        from workbench.picture.scene.build import owners_of

        handles = tuple(draft.parts) if draft.plan.joins else ()
        owners = tuple(owners_of(draft.meta, handles, adapted=draft.plan.adapts).items())
        return cls(draft.meta, draft.signature.key, owners, tuple(seam))

    @classmethod
    def of_source(cls, plan: Plan, source: Source, model: Model) -> Subject:
        """Return one model alone, by the signature or callable it is joined by."""
        from workbench.surgery.resolve.join import see

        seen = see(plan, source, model)
        signature = seen.called.key if seen.called is not None else source.signature
        return cls(seen.meta, signature, handle=source.handle)

    def scene(self, view: View) -> Scene:
        """Return the scene to draw.

        Raises:
            UnknownName: the focus is not there any more.
        """
        from workbench.picture.scene.build import build_scene

        return build_scene(
            self.meta,
            signature=self.signature,
            expanded=view.expanded,
            collapsed=view.collapsed,
            show_control=view.controls,
            focus=view.focus,
            hops=view.hops,
            owners=dict(self.owners) or None,
            seam=self.seam,
        )

    def whole(self) -> Scene:
        """Return the scene with every scope and body opened, to search in or to write as a page."""
        from workbench.picture.scene.build import build_scene

        return build_scene(
            self.meta, signature=self.signature, owners=dict(self.owners) or None, seam=self.seam, whole=True
        )

    def picture(self, view: View, stop: Callable[[], bool]) -> Layout | CutOff:
        """Return the picture, laid out.

        It blocks until a time limit, so call it in a thread.

        Raises:
            WorkbenchError: the focus is not there, or the process died.
        """
        from workbench.picture.layout.layout import lay_out_within

        return lay_out_within(
            self.scene(view), direction="right" if view.across else "down", detail=view.zoom, stop=stop
        )


def drawn(layout: Layout) -> str:
    """Return what is in a picture: `57 boxes, 60 edges, 1 crossing`."""
    counts = (
        count(len(layout.scene.nodes), "box", "boxes"),
        count(len(layout.lines), "edge"),
        count(layout.crossings, "crossing"),
    )
    return ", ".join(counts)


def describe(item: Node | Frame, edges: Iterable[Edge] = ()) -> list[tuple[str, str]]:
    """Return (label, text) pairs of a box, for a pane beside the picture: shapes and attributes first, then its place.

    Args:
        item: the box.
        edges: of the picture.
    """
    from workbench.picture.scene.scene import Frame

    if isinstance(item, Frame):
        return [("scope" if item.scope else "body", item.title), *_place(item)]
    found = [_kind(item)]
    found += [("input", edge.label) for edge in edges if edge.target == item.id and edge.label]
    found += item.attributes
    if item.count:
        found.append(("inside", item.subtitle))
    if item.contents:
        found.append(("from, to" if item.count else "inside", item.contents))
    found += item.facts
    if item.seam:
        found.append(("boundary", "a wire ends here"))
    found += _place(item)
    for number, name in enumerate(item.folded[:_LISTED]):
        found.append(("ops" if item.count else "folded in" if not number else "", readable(name)))
    if len(item.folded) > _LISTED:
        found.append(("", f"and {len(item.folded) - _LISTED:,} more"))
    return found


def _kind(item: Node) -> tuple[str, str]:
    """Return what kind of op a box is, with the sign that stands in it."""
    from workbench.picture.scene.families import SAID, SIGNS, family

    kind = family(item)
    if kind == "other":
        return "kind", "scope" if item.count else item.kind
    return "kind", f"{SIGNS[kind]} {item.kind if item.kind in ('input', 'output', 'result') else SAID[kind]}"


def _place(item: Node | Frame) -> list[tuple[str, str]]:
    """Return whose a box is, and where."""
    from workbench.picture.scene.scene import ADAPTERS

    found = []
    if item.owner == ADAPTERS:
        found.append(("adapters", "inserted on a wire, before an input or after an output"))
    elif item.owner:
        found.append(("model", item.owner))
    if item.path and not item.path.startswith("#"):
        found.append(("place", readable(item.path)))
    return found


def readable(path: str) -> str:
    """Return where a node is, without calls that TensorFlow named; what is copied has them."""
    words = path.split(CALL_SEPARATOR)
    return show(
        CALL_SEPARATOR.join([*(word for word in words[:-1] if not _CALL.fullmatch(word)), words[-1]]), 1000
    )


def written(subject: Subject, layout: Layout, format: Format, title: str) -> str:
    """Return a picture as text in a format.

    Args:
        subject: what is drawn.
        layout: the picture as it is on the screen; a page has everything, and opens and closes boxes itself.
        format: as `picture.drawing` has them.
        title: of an SVG or a page.
    """
    from workbench.picture.drawing import Drawing, as_text

    drawing = Drawing(right=layout.direction == "right")
    if format == "svg":
        from workbench.picture.render.svg import to_svg

        return to_svg(layout, title=title)
    if format == "text":
        return as_text(layout)
    return drawing.text(subject.whole() if format == "html" else layout.scene, format, title)
