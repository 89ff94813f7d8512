"""A scene as DOT text, for Graphviz to lay out."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.names import show
from workbench.picture.layout.boxes import third_line
from workbench.picture.render.colours import FAMILIES, OWNERS, SEAM
from workbench.picture.render.glyphs import ADAPTERS_MARK, kind_sign
from workbench.picture.scene.families import SAID, family, kinds
from workbench.picture.scene.scene import ADAPTERS, Frame, Node, Scene

_COLOURS = tuple(OWNERS[owner][0] for owner in ("o0", "o1", "o2"))
_ADAPTERS = OWNERS["oa"][0]
_SEAM = SEAM[0]
_SHAPES = {"input": "cds", "output": "cds", "result": "cds", "scope": "box3d", "call": "component"}


def to_dot(scene: Scene) -> str:
    """Return a scene as DOT text.

    Frames become clusters; edges to a frame end at its border.
    """
    return "\n".join(_document(scene)) + "\n"


def _document(scene: Scene) -> Iterator[str]:
    yield "digraph graph_ {"
    yield "  compound=true; rankdir=TB;"
    yield '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="monospace", fontsize=11];'
    yield '  edge [fontname="monospace", fontsize=9];'
    ids = _ids(scene)
    yield from _legend(scene)
    yield from _inside(scene, ids, None, "  ")
    inner = _representatives(scene)
    for edge in scene.edges:
        attrs = []
        if edge.label:
            attrs.append(f"label={quote(edge.label)}")
        if edge.control:
            attrs.append("style=dashed")
        if edge.seam:
            attrs.append(f'penwidth=3, color="{_SEAM}"')
        if edge.source in inner:
            attrs.append(f"ltail={ids[edge.source]}")
        if edge.target in inner:
            attrs.append(f"lhead={ids[edge.target]}")
        source, target = inner.get(edge.source, edge.source), inner.get(edge.target, edge.target)
        yield f"  {ids[source]} -> {ids[target]}{_attrs(attrs)};"
    yield "}"


def _legend(scene: Scene) -> Iterator[str]:
    """Yield what the signs of kinds mean, as the title under the picture."""
    found = [f"{kind_sign(kind, 'unicode')} {SAID[kind]}" for kind in kinds(scene.nodes)]
    if found:
        yield f'  label={quote("   ".join(found))}; labelloc=b; fontname="monospace"; fontsize=10;'


def _ids(scene: Scene) -> dict[str, str]:
    """Return the DOT ID of each frame and box; equal names get a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    wanted = [(frame.id, f"cluster {frame.id}") for frame in scene.frames]
    for id, text in [*wanted, *((node.id, node.id) for node in scene.nodes)]:
        shown, number = quote(text), 1
        while shown in taken:
            number += 1
            shown = quote(f"{text} #{number}")
        taken.add(shown)
        found[id] = shown
    return found


def _inside(scene: Scene, ids: dict[str, str], frame: str | None, indent: str) -> Iterator[str]:
    for inner in scene.frames:
        if inner.frame == frame:
            yield f"{indent}subgraph {ids[inner.id]} {{"
            yield f"{indent}  label={quote(inner.title)}; style=dashed;"
            yield from _inside(scene, ids, inner.id, indent + "  ")
            yield f"{indent}}}"
    for node in scene.nodes:
        if node.frame == frame:
            yield f"{indent}{ids[node.id]}{_attrs(_node(scene, node))};"


def _node(scene: Scene, node: Node) -> list[str]:
    kind = family(node)
    mark = ADAPTERS_MARK["unicode"] if node.owner == ADAPTERS else ""
    title = " ".join(filter(None, (mark, kind_sign(kind, "unicode"), node.title)))
    lines = [line for line in (title, node.subtitle, third_line(node)) if line]
    attrs = ["label=" + '"' + "\\n".join(quote(line)[1:-1] for line in lines) + '"']
    if kind != "other":
        attrs.append(f'fontcolor="{FAMILIES[kind][0]}", tooltip="{SAID[kind]}"')
    if node.kind in _SHAPES:
        attrs.append(f"shape={_SHAPES[node.kind]}")
    if node.owner == ADAPTERS:
        attrs.append(f'color="{_ADAPTERS}", style="rounded,filled,dashed"')
    elif node.owner in scene.owners:
        attrs.append(f'color="{_COLOURS[scene.owners.index(node.owner) % len(_COLOURS)]}"')
    if node.seam:
        attrs.append("penwidth=3, peripheries=2")
    return attrs


def _representatives(scene: Scene) -> dict[str, str]:
    """Return for each frame a box in it, for edges that end at the cluster."""
    frames = {frame.id: frame for frame in scene.frames}
    found: dict[str, str] = {}
    for node in scene.nodes:
        frame: Frame | None = frames.get(node.frame or "")
        while frame is not None and frame.id not in found:
            found[frame.id] = node.id
            frame = frames.get(frame.frame or "")
    return found


def _attrs(attrs: list[str]) -> str:
    return f" [{', '.join(attrs)}]" if attrs else ""


def quote(text: str) -> str:
    """Return `text` as a quoted DOT string, whole, without control characters."""
    return f'"{_escape(show(text, len(text)))}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
