"""A scene as Mermaid text, for Mermaid to lay out (GitHub and many wikis draw it)."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.names import show
from workbench.picture.layout.boxes import third_line
from workbench.picture.render.colours import BACKGROUNDS, FAMILIES, OWNERS, SEAM
from workbench.picture.render.glyphs import ADAPTERS_MARK, kind_sign
from workbench.picture.scene.families import SAID, family, kinds
from workbench.picture.scene.scene import ADAPTERS, Node, Scene

_COLOURS = tuple(OWNERS[owner][0] for owner in ("o0", "o1", "o2"))
_ADAPTERS = f"stroke:{OWNERS['oa'][0]},stroke-dasharray:5 3"
_SHAPES = {"input": ("([", "])"), "output": ("([", "])"), "result": ("([", "])"), "scope": ("[[", "]]")}


def to_mermaid(scene: Scene) -> str:
    """Return a scene as Mermaid text, a flowchart; frames become subgraphs."""
    return "\n".join(_document(scene)) + "\n"


def _document(scene: Scene) -> Iterator[str]:
    ids = [*(frame.id for frame in scene.frames), *(node.id for node in scene.nodes)]
    names = {id: f"n{at}" for at, id in enumerate(ids)}
    yield "flowchart TD"
    yield from _inside(scene, names, None, "  ")
    seams = []
    for at, edge in enumerate(scene.edges):
        arrow = "-.->" if edge.control else "==>" if edge.seam else "-->"
        label = f'|"{_escape(edge.label)}"|' if edge.label else ""
        yield f"  {names[edge.source]} {arrow}{label} {names[edge.target]}"
        if edge.seam:
            seams.append(str(at))
    if seams:
        yield f"  linkStyle {','.join(seams)} stroke:{SEAM[0]},stroke-width:3px"
    for kind in kinds(scene.nodes):
        members = [names[node.id] for node in scene.nodes if family(node) == kind]
        word = kind.replace(" ", "")
        yield f"  %% {kind_sign(kind, 'unicode')} {SAID[kind]}"
        yield f"  classDef {word} color:{FAMILIES[kind][0]},fill:{BACKGROUNDS['box'][0]}"
        yield f"  class {','.join(members)} {word}"
    for owner, number in scene.numbers.items():
        members = [names[node.id] for node in scene.nodes if node.owner == owner]
        kind = "adapters" if number < 0 else f"owner{number}"
        style = _ADAPTERS if number < 0 else f"stroke:{_COLOURS[number % len(_COLOURS)]}"
        if members:
            yield f"  classDef {kind} {style},stroke-width:2px"
            yield f"  class {','.join(members)} {kind}"


def _inside(scene: Scene, names: dict[str, str], frame: str | None, indent: str) -> Iterator[str]:
    for inner in scene.frames:
        if inner.frame == frame:
            yield f'{indent}subgraph {names[inner.id]}["{_escape(inner.title)}"]'
            yield from _inside(scene, names, inner.id, indent + "  ")
            yield f"{indent}end"
    for node in scene.nodes:
        if node.frame == frame:
            left, right = _SHAPES.get(node.kind, ("[", "]"))
            yield f'{indent}{names[node.id]}{left}"{_label(node)}"{right}'


def _label(node: Node) -> str:
    mark = ADAPTERS_MARK["unicode"] if node.owner == ADAPTERS else ""
    title = " ".join(filter(None, (mark, kind_sign(family(node), "unicode"), node.title)))
    lines = (title, node.subtitle, third_line(node))
    return "<br>".join(_escape(line) for line in lines if line)


def _escape(text: str) -> str:
    """Return text with every sign that Mermaid reads written as an entity.

    Mermaid reads HTML entities with `#` for `&`.
    """
    shown = show(text, len(text))
    return "".join(char if char.isalnum() or char in " _/.,:=+-…×?◇" else f"#{ord(char)};" for char in shown)
