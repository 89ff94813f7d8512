"""From a row to its box in a picture, and from a box to its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workbench.names import CALL_SEPARATOR

if TYPE_CHECKING:
    from workbench.session.lists.rows import Key, Row
    from workbench.session.lists.viewer import Viewer

_ENDS = {"input": "#in#", "output": "#out#"}


def place_of(row: Row, handle: str = "") -> str:
    """Return the place of a row in a picture: `CALL::node`, `CALL::scope`; empty if it has none.

    Args:
        row: of a model.
        handle: what the names of the model begin with in a picture of several; there its inputs and outputs have no
            place of their own.
    """
    place = _place(row)
    if not handle or not place:
        return place
    return "" if place.startswith(tuple(_ENDS.values())) else f"{handle}/{place}"


def _place(row: Row) -> str:
    if row.kind == "scope":
        level, scope = row.ref
        called = level.function is None or level.calls
        return str(level.full_name(scope.prefix.rstrip("/"))) if called else ""
    if row.kind in ("input", "output"):
        return f"{_ENDS[row.kind]}{row.ref.key}"
    if row.spot is None or row.spot.level.startswith("fn:"):
        return ""
    return str(row.spot)


def row_at(viewers: Mapping[str, Viewer], handle: str, place: str) -> tuple[str, Key] | None:
    """Return the model and the row of a box, or None if no model has such a place.

    Args:
        viewers: of the models that are open.
        handle: the model that was drawn; a picture of the result has the handles in the places instead.
        place: id of the box.
    """
    for owner, rest in _readings(viewers, handle, place):
        key = _key_at(viewers[owner], rest)
        if key is not None:
            return owner, key
    return None


def _readings(viewers: Mapping[str, Viewer], handle: str, place: str) -> Iterator[tuple[str, str]]:
    """Yield (handle, place in that model) for each way to read the place of a box."""
    if handle in viewers:
        yield handle, place
    head, slash, rest = place.partition("/")
    if slash and head in viewers:
        yield head, rest


def _key_at(viewer: Viewer, place: str) -> Key | None:
    for side, start in _ENDS.items():
        if place.startswith(start):
            return _port_key(viewer, side, place.removeprefix(start))
    spot = viewer.places.find(place)
    if spot is not None:
        return ("node", spot.level, spot.node)
    path, _, name = place.rstrip("*").rpartition(CALL_SEPARATOR)
    level = viewer.places.level(path)
    if level is None or not name:
        return None
    tree = viewer.lister.trees.of(level)
    found = tree.scope(f"{name.rstrip('/')}/")
    if found is not None and found.node is None:
        return ("scope", path, found.prefix)
    inside = next((one for one in tree.names if one.startswith(name)), None)
    return ("node", path, inside) if inside is not None else None


def _port_key(viewer: Viewer, side: str, key: str) -> Key | None:
    """Return the key of an input or output of the first signature with this key."""
    name, separator, rest = key.partition("#")
    for signature in viewer.lister.signature_keys():
        ports = viewer.meta.signatures[signature]
        listed = ports.inputs if side == "input" else ports.outputs
        if separator and name == signature and rest in listed:
            return ("port", signature, side, rest)
        if key in listed:
            return ("port", signature, side, key)
    return None
