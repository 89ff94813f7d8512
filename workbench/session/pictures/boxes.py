"""Boxes of a picture by what is searched or by their place, inside closed boxes too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.names import CALL_SEPARATOR, show

if TYPE_CHECKING:
    from workbench.picture.scene.scene import Scene

MOST_HITS = 500


@dataclass(frozen=True, slots=True)
class Hit:
    """A box that was found.

    Attributes:
        id: of the box.
        inside: keys of the scopes and bodies it is in, outermost first: opened, they show it.
    """

    id: str
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Going:
    """A row that the user wants to see, or to pick for a wire.

    Attributes:
        handle: of the model that was drawn alone; empty for the result of a plan.
        place: id of the box.
        pick: whether the row is picked.
    """

    handle: str
    place: str
    pick: bool = False


def find(whole: Scene, text: str) -> list[Hit]:
    """Return the scopes and boxes whose names contain a text, however deep they are; at most `MOST_HITS`.

    Args:
        whole: the scene with everything opened (`build_scene(whole=True)`).
        text: case is ignored.
    """
    word = text.lower()
    around = _around(whole)
    found = [Hit(key, around.get(key, ())) for key, name in whole.scopes if word in name.lower()]
    found += [Hit(node.id, node.inside) for node in whole.search(text)]
    return found[:MOST_HITS]


def locate(whole: Scene, place: str) -> Hit | None:
    """Return the box of a place, that into which it is folded, or the scope of that place.

    Args:
        whole: the scene with everything opened.
        place: of a node or a scope, as it is written, or the id of a box.
    """
    for node in whole.nodes:
        if place in (node.id, node.path):
            return Hit(node.id, node.inside)
    around = _around(whole)
    for key in (place, f"{place}{CALL_SEPARATOR}", f"{place}*"):
        if key in around:
            return Hit(key, around[key])
    shown = show(place)
    return next((Hit(node.id, node.inside) for node in whole.nodes if shown in node.folded), None)


def _around(whole: Scene) -> dict[str, tuple[str, ...]]:
    """Return the keys of the scopes around each scope, outermost first."""
    found: dict[str, tuple[str, ...]] = {}
    for node in whole.nodes:
        for depth, key in enumerate(node.inside):
            found.setdefault(key, node.inside[:depth])
    return found
