"""A piece of a folded graph: what is near a node, or on the way from one to another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from workbench import names
from workbench.errors import UnknownName
from workbench.picture.scene.flat import Item
from workbench.picture.scene.fold import Folded

Members = Callable[[str], Collection[str]]
"""The items that a closed box of a name represents."""


def around(folded: Folded, focus: str, members: Members, hops: int) -> Folded:
    """Return what is within some edges of a node, in either direction.

    Args:
        folded: the whole graph.
        focus: the node; of a scope, any node in it.
        members: the items of a scope.
        hops: how many edges.

    Raises:
        UnknownName: there is no such node or scope.
    """
    before, after = _inputs(folded), _readers(folded)
    near = _reached(_found(folded, focus, members), (before, after), hops)
    return folded.only(near)


def between(folded: Folded, source: str | None, target: str | None, members: Members) -> Folded:
    """Return what is on a way from one node to another.

    Args:
        folded: the whole graph.
        source: where the ways begin, a node or scope; None for every beginning.
        target: where they end; None for every end.
        members: the items of a scope.

    Raises:
        UnknownName: there is no such node or scope, or no way from one to the other.
    """
    keys: set[str] = {*folded.items}
    if source is not None:
        keys &= _reached(_found(folded, source, members), (_readers(folded),))
    if target is not None:
        keys &= _reached(_found(folded, target, members), (_inputs(folded),))
    if not keys:
        raise UnknownName(
            f"No data flows from {names.show(str(source))!r} to {names.show(str(target))!r}.",
            hint="Exchange the two, or draw the neighbourhood of each.",
        )
    return folded.only(keys)


def _found(folded: Folded, name: str, members: Members) -> list[str]:
    """Return the items that a name means: a node, a scope's, those that say it.

    Raises:
        UnknownName: there is none, or several boxes say it.
    """
    start = folded.home.get(name, name)
    centre = [start] if start in folded.items else [key for key in members(name) if key in folded.items]
    if not centre:
        inside = tuple(f"{name.rstrip('*')}{end}" for end in ("/", names.CALL_SEPARATOR, "_"))
        exact = name.endswith((names.CALL_SEPARATOR, "*"))
        centre = [key for key in folded.items if key.startswith(name.rstrip("*") if exact else inside)]
    if not centre:
        centre = [key for key, item in folded.items.items() if name in _said(item)]
        if len(centre) > 1:
            listed = ", ".join(map(names.show, centre[:8])) + (", …" if len(centre) > 8 else "")
            raise UnknownName(
                f"{len(centre)} boxes are called {names.show(name)!r}.", hint=f"Choose one of {listed}."
            )
    if not centre:
        hint = names.did_you_mean(name, folded.items, noun="boxes")
        raise UnknownName(f"There is nothing called {names.show(name)!r} in this picture.", hint=hint)
    return centre


def _inputs(folded: Folded) -> dict[str, list[str]]:
    return {key: [ref.key for ref in refs] for key, refs in folded.edges.items()}


def _readers(folded: Folded) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, refs in folded.edges.items():
        for ref in refs:
            found.setdefault(ref.key, []).append(key)
    return found


def _reached(
    starts: Iterable[str], ways: Sequence[Mapping[str, Sequence[str]]], hops: int | None = None
) -> set[str]:
    """Return what some steps lead to; without a limit, everything."""
    distance = dict.fromkeys(starts, 0)
    todo = deque(distance)
    while todo:
        key = todo.popleft()
        if distance[key] == hops:
            continue
        for other in (one for way in ways for one in way.get(key, ())):
            if other not in distance:
                distance[other] = distance[key] + 1
                todo.append(other)
    return {*distance}


def _said(item: Item) -> tuple[str, ...]:
    """Return what a box says of a node: its op, its name, the name's last part."""
    return item.op, item.name, item.name.rpartition("/")[2]
