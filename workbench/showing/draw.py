"""Drawing a model or a plan in one call, with its explanations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from workbench.errors import UsageError, WrongType
from workbench.model import MetaGraph, Model, as_model
from workbench.names import show
from workbench.picture.drawing import (
    TIME_LIMIT,
    Drawing,
    Picture,
    check_values,
    handles_of,
    is_adapted,
)
from workbench.picture.formats import FORMATS, Format
from workbench.picture.layout.geometry import Detail
from workbench.picture.scene.build import MAX_BOXES
from workbench.showing.sentences import explain_boxes

if TYPE_CHECKING:
    from workbench.picture.render.svg import Theme
    from workbench.picture.values import HasValues
    from workbench.surgery.draft import Draft
    from workbench.surgery.plan import Plan


def draw(
    model: Model | MetaGraph | Plan | Draft | str | os.PathLike[str],
    *,
    format: Format = "text",
    signature: str | None = None,
    function: str | None = None,
    focus: str | None = None,
    hops: int = 2,
    open: Sequence[str] = (),
    max_boxes: int = MAX_BOXES,
    control: bool = False,
    right: bool = False,
    detail: Detail = "full",
    ascii: bool = False,
    theme: Theme = "auto",
    time_limit: float = TIME_LIMIT,
    source: str | None = None,
    target: str | None = None,
    values: HasValues | None = None,
    explained: bool = True,
) -> Picture:
    """Return a picture of a model or a plan as text, SVG, DOT, Mermaid, HTML or JSON.

    Of a plan, its result is drawn.

    Function calls are drawn opened; constants and variable reads are folded into the ops that use them. A large
    graph is collapsed by name scope. In a joined model each source has its own colour and mark, and the boundary
    between them is highlighted. A notebook shows a text and an SVG as the picture, an HTML page in a frame.

    Args:
        model: an opened model, a MetaGraph, a plan, a draft, or what `open_model` takes.
        format: `text`, `svg`, `dot`, `mermaid`, `html` or `json`.
        signature: whose outputs to start from; None for the default one, and if there is none, all.
        function: draw this function of the library instead of the main graph.
        focus: draw only the neighbourhood of this node or box.
        hops: size of that neighbourhood, in steps.
        open: show the inside of these boxes.
        max_boxes: above this number of boxes, collapse scopes.
        control: draw control edges as well.
        right: draw from left to right instead of downwards.
        detail: how much text a box has: `full`, `compact` or `tiny`.
        ascii: draw text with ASCII characters only.
        theme: colours of an SVG or a page: `light`, `dark` or `auto`.
        time_limit: for the layout, in seconds.
        source: draw only what depends on this node or box.
        target: draw only what this node or box depends on; with `source`, the ways between the two.
        values: of a run, which an HTML page lays over the boxes: the result of `probe`.
        explained: whether an HTML page explains its boxes in plain sentences.

    Raises:
        UsageError: there is no such format, or values are given where none can be shown.
        UnknownName: there is no such signature, function, focus or box.
        PlanError: the plan can't be applied.
        ChildTimeout: the layout took longer than the time limit.
        WrongType: it is no model and no plan.
    """
    if format not in FORMATS:
        raise UsageError(
            f"There is no picture format {show(str(format))!r}.", hint=f"Formats: {', '.join(FORMATS)}."
        )
    if isinstance(open, str):
        raise WrongType("The boxes to open", "a list of texts", open)
    layer = None if values is None else values.value_layer()
    if layer is not None:
        check_values(format, function)
        signature = layer.signature if signature is None else signature
    meta, handles, title, adapted = _subject(model)
    drawing = Drawing(
        signature,
        function,
        focus,
        hops,
        open,
        max_boxes,
        control,
        right,
        detail,
        ascii,
        theme,
        time_limit,
        source,
        target,
    )
    scene = drawing.scene(meta, handles, adapted=adapted, whole=format == "html")
    about = explain_boxes(meta, scene, signature) if explained and format == "html" else None
    text = drawing.text(scene, format, title, layer, about)
    return Picture(text, format, partial(drawing.text, scene, "svg", title) if format == "text" else None)


def _subject(
    given: Model | MetaGraph | Plan | Draft | str | os.PathLike[str],
) -> tuple[MetaGraph, Sequence[str], str, bool]:
    """Return what is drawn, the handles of its sources, its title, and whether it has adapters."""
    if isinstance(given, MetaGraph):
        return given, (), "", False
    if not isinstance(given, (str, os.PathLike, Model)):
        from workbench.surgery.draft import Draft, apply
        from workbench.surgery.plan import Plan

        draft = apply(given) if isinstance(given, Plan) else given
        if isinstance(draft, Draft):
            handles = [source.handle for source in draft.plan.sources]
            return draft.meta, handles, " + ".join(map(show, handles)), draft.plan.adapts
    model = as_model(given)
    return model.meta, handles_of(model), show(model.path.name), is_adapted(model)
