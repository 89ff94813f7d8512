"""Which name scopes are opened: level by level, while the boxes stay few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.names import CALL_SEPARATOR
from workbench.picture.scene.flat import Item
from workbench.picture.scene.labels import function_word

_ENDS = ("input", "output", "result")
_MANY_CHILDREN = 24
_FEW_BOXES = 12
_FEW_ENDS = 8
_DEEPEST = 64  # scopes within each other; what a file has beyond that is in the last of them


@dataclass(slots=True)
class Scope:
    """A name scope, a call, or some boxes of one that are alike.

    Attributes:
        key: its written place; `*` at the end for boxes that share the start of their names.
        name: what stands in its box.
        scopes: those in it.
        items: keys of the items right in it.
        size: items in it and below.
        chunk: whether it is a stretch of nodes, not a name.
    """

    key: str
    name: str
    scopes: dict[str, Scope] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    size: int = 0
    chunk: bool = False

    def all_items(self) -> Iterator[str]:
        """Return the items in it and below."""
        todo = [self]
        while todo:
            scope = todo.pop()
            yield from scope.items
            todo.extend(reversed(scope.scopes.values()))

    def all_scopes(self) -> Iterator[Scope]:
        """Return the scopes in it, outer before inner."""
        todo = list(reversed(self.scopes.values()))
        while todo:
            scope = todo.pop()
            yield scope
            todo.extend(reversed(scope.scopes.values()))

    @property
    def parts(self) -> int:
        """How many boxes it becomes when it is opened."""
        return len(self.scopes) + len(self.items)


def build_tree(
    items: dict[str, Item], readers: Mapping[str, Sequence[str]], root_key: str, max_boxes: int
) -> Scope:
    """Return the scopes of some items, in order.

    Inputs and outputs stay outside unless they are very many.

    Args:
        items: drawn items by key, in the order of the data.
        readers: for each item, who reads it.
        root_key: the place drawing starts at.
        max_boxes: more items than these right in one scope become stretches of nodes.
    """
    root = Scope(root_key, "")
    ends = Counter(item.kind for item in items.values() if not item.op or item.kind == "input")
    for key, item in items.items():
        kind = item.kind if not item.op or item.kind == "input" else ""
        if kind and ends[kind] <= max(max_boxes // 2, _FEW_ENDS):
            continue
        path = [(f"{root_key}#{kind}s", f"{ends[kind]} {kind}s")] if kind else _scopes_of(item, root_key)
        scope = root
        scope.size += 1
        for place, name in path:
            scope = scope.scopes.setdefault(place, Scope(place, name))
            scope.size += 1
        scope.items.append(key)
    _take_namesakes(root, items)
    _shape(root, _Order(items, readers), max_boxes, {key for key in root.items if items[key].kind in _ENDS})
    return root


def _scopes_of(item: Item, root_key: str) -> list[tuple[str, str]]:
    """Return (place, name) of each scope around an item, outermost first.

    Calls, and the parts of names.
    """
    found: list[tuple[str, str]] = []
    level = item.level
    skip = root_key.count(CALL_SEPARATOR) + 1 if root_key else 0
    prefix = root_key + CALL_SEPARATOR if root_key else ""
    for call in level.calls[skip:]:
        words = call.node.split("/")
        found += [(prefix + "/".join(words[:count]), words[count - 1]) for count in _depths(words)]
        prefix += f"{call}{CALL_SEPARATOR}"
        found.append((prefix, function_word(call.function)))
    words = item.name.split("/")
    found += [(prefix + "/".join(words[:count]), words[count - 1]) for count in _depths(words)]
    return found


def _depths(words: Sequence[str]) -> range:
    return range(1, min(len(words), _DEEPEST + 1))


def _take_namesakes(root: Scope, items: dict[str, Item]) -> None:
    """Put a node into the scope of its name.

    `dense/add` is the last of what is in `dense/add/…`.
    """
    todo = [root]
    while todo:
        scope = todo.pop()
        todo.extend(scope.scopes.values())
        for key in [key for key in scope.items if key in scope.scopes]:
            scope.items.remove(key)
            scope.scopes[key].items.append(key)
            scope.scopes[key].size += 1


class _Order:
    """Tells whether some items can be one box without a way out of it and back in."""

    def __init__(self, items: Iterable[str], readers: Mapping[str, Sequence[str]]) -> None:
        self.position = {key: at for at, key in enumerate(items)}
        self.readers = readers

    def is_convex(self, members: Collection[str]) -> bool:
        last = max(self.position[key] for key in members)
        seen: set[str] = set()
        todo = [other for key in members for other in self.readers.get(key, ()) if other not in members]
        while todo:
            key = todo.pop()
            if key in members:
                return False
            if key in seen or self.position[key] > last:
                continue
            seen.add(key)
            todo.extend(self.readers.get(key, ()))
        return True


def _shape(root: Scope, order: _Order, max_boxes: int, ends: Collection[str]) -> None:
    """Split scopes with too many parts, and leave out those with only one.

    The ends, which are right in the root, stay there.
    """
    todo = [root]
    while todo:
        scope = todo.pop()
        if scope.parts > _MANY_CHILDREN:
            _bucket(scope, order)
        if scope.parts - (len(ends) if scope is root else 0) > max_boxes:
            _cut_up(scope, order, max_boxes, ends)
        for place, inner in list(scope.scopes.items()):
            while len(inner.scopes) == 1 and not inner.items:
                (inner,) = inner.scopes.values()
            scope.scopes[place] = inner
            if not inner.scopes and len(inner.items) == 1:
                scope.items += inner.items
                del scope.scopes[place]
        todo.extend(scope.scopes.values())
    while len(root.scopes) == 1 and not root.items:
        (only,) = root.scopes.values()
        root.scopes, root.items = only.scopes, only.items


def _bucket(scope: Scope, order: _Order) -> None:
    """Group parts whose names start alike up to a number.

    `block_3_expand`, `block_3_project`.
    """
    buckets: dict[str, list[str]] = {}
    for place in [*scope.scopes, *scope.items]:
        start = _numbered_start(place.rpartition("/")[2].rpartition(CALL_SEPARATOR)[2], scope.name)
        if start:
            buckets.setdefault(start, []).append(place)
    if len(buckets) < 2:
        return
    for start, members in buckets.items():
        within = {key for place in members for key in _within(scope, place)}
        if len(members) < 2 or not order.is_convex(within):
            continue
        bucket = Scope(f"{scope.key}/{start}*", start)
        for place in members:
            if place in scope.scopes:
                inner = scope.scopes.pop(place)
                bucket.scopes[place] = inner
                bucket.size += inner.size
            else:
                scope.items.remove(place)
                bucket.items.append(place)
                bucket.size += 1
        scope.scopes[bucket.key] = bucket


def _within(scope: Scope, place: str) -> Iterable[str]:
    return scope.scopes[place].all_items() if place in scope.scopes else (place,)


def _numbered_start(name: str, done: str) -> str:
    """Return `conv2` of `conv2_block1_1_conv`; after `conv2`, `conv2_block1`.

    Empty if nothing is left.
    """
    words = name.split("_")
    first = len(done.split("_")) if done and name.startswith(f"{done}_") else 0
    for at in range(first, len(words) - 1):
        if any(char.isdigit() for char in words[at]):
            return "_".join(words[: at + 1])
    return ""


def _cut_up(scope: Scope, order: _Order, max_boxes: int, ends: Collection[str]) -> None:
    """Cut a scope with very many parts and no telling names into stretches, in the order of the data."""
    kept = [key for key in scope.items if key in ends]
    first = {key: order.position[key] for key in scope.items if key not in ends}
    first |= {
        place: min(order.position[key] for key in inner.all_items()) for place, inner in scope.scopes.items()
    }
    places = sorted(first, key=first.__getitem__)
    size = max(2, -(-len(places) // max(max_boxes // 2, 2)))
    stretches: dict[str, Scope] = {}
    for number, begin in enumerate(range(0, len(places), size), 1):
        some = places[begin : begin + size]
        part = Scope(f"{scope.key}/*{number}", f"part {number} of {-(-len(places) // size)}", chunk=True)
        for place in some:
            if place in scope.scopes:
                part.scopes[place] = scope.scopes[place]
                part.size += scope.scopes[place].size
            else:
                part.items.append(place)
                part.size += 1
        stretches[part.key] = part
    scope.items, scope.scopes = kept, stretches


@dataclass(slots=True)
class Cover:
    """What becomes a box: closed scopes and single items, with their scopes.

    Attributes:
        closed: closed scopes by key.
        items: single items.
        inside: closed scope or item → keys of the opened scopes around it, outermost first.
    """

    closed: dict[str, Scope] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    inside: dict[str, tuple[str, ...]] = field(default_factory=dict)


def choose(root: Scope, max_boxes: int, expanded: Collection[str], collapsed: Collection[str]) -> Cover:
    """Open scopes: all if they are few, else level by level as far as it fits.

    Then what the user opened or closed.
    """
    opened = _automatic(root, max_boxes, collapsed)
    cover = Cover()
    todo: list[tuple[Scope, tuple[str, ...]]] = [(root, ())]
    while todo:
        scope, inside = todo.pop()
        is_root = scope is root
        if not is_root and (scope.key in collapsed or not (scope.key in opened or scope.key in expanded)):
            cover.closed[scope.key] = scope
            cover.inside[scope.key] = inside
            continue
        around = inside if is_root else (*inside, scope.key)
        cover.items += scope.items
        cover.inside.update(dict.fromkeys(scope.items, around))
        todo.extend((inner, around) for inner in reversed(scope.scopes.values()))
    return cover


def _automatic(root: Scope, max_boxes: int, collapsed: Collection[str]) -> set[str]:
    opened: set[str] = set()
    boxes = root.parts
    level = list(root.scopes.values())
    while level:
        free = [scope for scope in level if scope.key not in collapsed]
        more = sum(scope.parts - 1 for scope in free)
        if boxes + more > max_boxes:
            break
        boxes += more
        opened.update(scope.key for scope in free)
        level = [inner for scope in free for inner in scope.scopes.values()]
    if boxes < _FEW_BOXES:
        _open_some(level, boxes, max_boxes, collapsed, opened)
    return opened


def _open_some(
    level: Iterable[Scope], boxes: int, max_boxes: int, collapsed: Collection[str], opened: set[str]
) -> None:
    """Open the largest scopes of a level that does not fit as a whole."""
    todo = [scope for scope in level if scope.key not in collapsed]
    while todo and boxes < max_boxes:
        todo.sort(key=lambda scope: -scope.size)
        scope = next((one for one in todo if boxes + one.parts - 1 <= max_boxes), None)
        if scope is None:
            return
        todo.remove(scope)
        opened.add(scope.key)
        boxes += scope.parts - 1
        todo += [inner for inner in scope.scopes.values() if inner.key not in collapsed]
