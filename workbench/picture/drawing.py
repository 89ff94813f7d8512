"""What is drawn of a graph, and how: from a MetaGraph to the text of a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Literal

from workbench.errors import ChildTimeout, UnknownName, UsageError
from workbench.findings import Action, Hint
from workbench.model import MetaGraph, Model
from workbench.names import CALL_SEPARATOR, did_you_mean, show
from workbench.picture.formats import Format
from workbench.picture.layout.geometry import CutOff, Detail, Layout
from workbench.picture.scene.build import MAX_BOXES, build_scene, find_seam, owners_of

if TYPE_CHECKING:
    from workbench.picture.render.page_data import About
    from workbench.picture.render.svg import Theme
    from workbench.picture.scene.scene import Node, Scene
    from workbench.picture.values import ValueLayer

TIME_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a graph, and how.

    Attributes:
        signature: whose outputs to start from; None for the default one, and if there is none, all.
        function: the function of the library that is drawn instead of the main graph, or None.
        focus: the node or box whose neighbourhood is drawn alone, or None.
        hops: size of that neighbourhood, in steps.
        open: boxes whose inside is shown, by what they say or by their place.
        max_boxes: above this number scopes are collapsed.
        control: whether control edges are drawn.
        right: whether data flows to the right instead of downwards.
        detail: how much text a box has.
        ascii: whether text has ASCII characters only.
        theme: the colours of an SVG or a page.
        time_limit: for the layout, in seconds.
        source: the node or box from which the ways that are drawn begin, or None.
        target: the node or box at which they end, or None.
    """

    signature: str | None = None
    function: str | None = None
    focus: str | None = None
    hops: int = 2
    open: Sequence[str] = ()
    max_boxes: int = MAX_BOXES
    control: bool = False
    right: bool = False
    detail: Detail = "full"
    ascii: bool = False
    theme: Theme = "auto"
    time_limit: float = TIME_LIMIT
    source: str | None = None
    target: str | None = None

    def scene(
        self, meta: MetaGraph, handles: Sequence[str] = (), *, adapted: bool = False, whole: bool = False
    ) -> Scene:
        """Return what is drawn: boxes and edges, without places.

        Args:
            meta: the MetaGraph.
            handles: of the models that it was joined from; each is the first scope of the names of its nodes.
            adapted: whether adapters were put into it.
            whole: whether every scope and body is opened, for a page that closes and opens them itself.

        Raises:
            UnknownName: there is no such signature, function, focus or box, or nothing is inside a box.
        """
        owners = owners_of(meta, handles, adapted=adapted)
        seam = find_seam(meta, owners)
        wanted = set(self.open)
        opened: set[str] = set()
        known: dict[str, set[str]] = {}
        build = partial(
            build_scene,
            meta,
            signature=self.signature,
            function=self.function,
            focus=self.focus,
            hops=self.hops,
            source=self.source,
            target=self.target,
            show_control=self.control,
            owners=owners or None,
            seam=seam,
            max_boxes=self.max_boxes,
        )
        if whole and not wanted:
            return build(whole=True)
        while True:
            scene = build(expanded=opened)
            for node in scene.nodes:
                if node.opens:
                    known[node.opens] = _names(node.opens, node)
                for key in node.inside:  # what is open already
                    known.setdefault(key, _names(key))
            new = {node.opens for node in scene.nodes if node.opens and wanted & known[node.opens]} - opened
            if not new:
                break
            opened |= new
        _check_opened(wanted, known, scene)
        return replace(build(whole=True), asked=tuple(sorted(opened))) if whole else scene

    def layout(self, scene: Scene) -> Layout:
        """Return a scene's boxes and lines at their places.

        Raises:
            ChildTimeout: it took longer than the time limit.
        """
        from workbench.picture.layout.layout import lay_out_within

        direction: Literal["right", "down"] = "right" if self.right else "down"
        found = lay_out_within(scene, self.time_limit, direction=direction, detail=self.detail)
        if isinstance(found, CutOff):
            raise ChildTimeout(found.message, hint=Hint("", Action("draw-less")))
        return found

    def text(
        self,
        scene: Scene,
        format: Format,
        title: str = "",
        values: ValueLayer | None = None,
        about: About | None = None,
    ) -> str:
        """Return the picture of a scene as text in a format.

        Args:
            scene: what is drawn; for `html`, a whole one.
            format: `text`, `svg`, `dot`, `mermaid`, `html` or `json`.
            title: of an SVG or a page.
            values: of a run, which a page lays over the boxes.
            about: gives sentences on a box, which a page shows with its details.

        Raises:
            ChildTimeout: the layout took longer than the time limit.
        """
        if format == "dot":
            from workbench.picture.render.dot import to_dot

            return to_dot(scene)
        if format == "mermaid":
            from workbench.picture.render.mermaid import to_mermaid

            return to_mermaid(scene)
        if format == "json":
            from workbench.picture.render.data import to_json

            return to_json(scene)
        if format == "html":
            from workbench.picture.render.html import FIRST_BOXES, to_html

            first = FIRST_BOXES if self.max_boxes == MAX_BOXES else self.max_boxes
            return to_html(
                scene,
                theme=self.theme,
                title=title,
                right=self.right,
                first=first,
                values=values,
                about=about,
            )
        layout = self.layout(scene)
        if format == "svg":
            from workbench.picture.render.svg import to_svg

            return to_svg(layout, theme=self.theme, title=title)
        return as_text(layout, ascii=self.ascii)


def as_text(layout: Layout, *, ascii: bool = False) -> str:
    """Return a layout as lines of characters, below what its signs mean."""
    from workbench.picture.render.canvas import Canvas

    canvas = Canvas(layout, "ascii" if ascii else "unicode")
    head = "".join(text for text, _ in canvas.legend())
    return f"{head}\n\n{canvas.text()}\n" if head else f"{canvas.text()}\n"


class Picture(str):
    """The text of a picture, which a notebook shows as the picture.

    Attributes:
        kind: the format of the text.
        drawn: gives the same picture as SVG, for a notebook that shows a text; None where there is none.
    """

    kind: Format
    drawn: Callable[[], str] | None

    def __new__(cls, text: str, kind: Format, drawn: Callable[[], str] | None = None) -> Picture:
        """Return a text of a format."""
        found = super().__new__(cls, text)
        found.kind = kind
        found.drawn = drawn
        return found

    def _repr_svg_(self) -> str | None:
        if self.kind == "text" and self.drawn is not None:
            return self.drawn()
        return str(self) if self.kind == "svg" else None

    def _repr_html_(self) -> str | None:
        if self.kind == "html":  # a page of its own, which can't reach the notebook
            style = "width:100%;height:600px;border:1px solid #888"
            return f'<iframe sandbox="allow-scripts allow-downloads" style="{style}" srcdoc="{escape(self)}"></iframe>'
        plain = self.kind == "text" and self.drawn is None
        return f"<pre>{escape(self)}</pre>" if plain else None


def check_values(format: str, function: str | None) -> None:
    """Check that values of a run can be laid over such a picture.

    Args:
        format: of the picture.
        function: the function of the library that is drawn, or None.

    Raises:
        UsageError: they can't.
    """
    if format != "html":
        raise UsageError(
            f"Values are laid over HTML pictures; the format is {show(format)}.",
            hint="Choose the format html, or leave the values out.",
        )
    if function is not None:
        raise UsageError(
            f"Values are those of a signature; the picture is of function {show(function)}.",
            hint="Draw the signature: it shows its functions opened.",
        )


def handles_of(model: Model) -> list[str]:
    """Return the handles of a joined model's sources by its recipe; else none."""
    recipe = model.origin.recipe if model.origin is not None else None
    sources = recipe.get("sources") if recipe is not None else None
    handles = (
        [one.get("handle") for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    )
    return [handle for handle in handles if isinstance(handle, str)]


def is_adapted(model: Model) -> bool:
    """Return whether adapters were put into a model, by its recipe."""
    recipe = model.origin.recipe if model.origin is not None else None
    steps = recipe.get("steps") if recipe is not None else None
    listed = [one for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []
    return any(one.get("operation") == "adapt" or one.get("through") for one in listed)


def _check_opened(wanted: set[str], known: Mapping[str, set[str]], scene: Scene) -> None:
    """Refuse names of boxes to open that no box has.

    Raises:
        UnknownName: no box has such a name, or nothing is inside it.
    """
    for name in sorted(wanted):
        if any(name in names for names in known.values()):
            continue
        leaf = next((node for node in scene.nodes if name in _names(node.path or node.id, node)), None)
        if leaf is not None:
            raise UnknownName(
                f"There is nothing inside {show(name)!r} to open.", hint=f"It is a {leaf.kind}."
            )
        titles = [node.title for node in scene.nodes if node.opens]
        hint = did_you_mean(name, [*titles, *map(_bare, known)], noun="boxes that open")
        raise UnknownName(f"No box is called {show(name)!r}.", hint=hint)


def _bare(key: str) -> str:
    """Return the place of a box without its end."""
    return key.rstrip("*").removesuffix(CALL_SEPARATOR)


def _names(key: str, node: Node | None = None) -> set[str]:
    """Return what a user may call a box: its place, or a text in it."""
    found = {key, _bare(key)}
    if node is not None:
        found |= {text for text in (node.title, node.subtitle, node.label, node.path, node.id) if text}
    return found | {f"{text}/" for text in found}
