"""The nodes of a body as a tree of name scopes; what is in a scope is worked out when it is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

_DEEPEST = 64  # scopes within each other; what a file has beyond that is in the last of them


@dataclass(slots=True, eq=False)
class Scope:
    """A name scope.

    Attributes:
        prefix: what the names of its nodes begin with: `block/conv/`; empty for the whole body.
        text: the part of the prefix that its parent does not have.
        members: numbers of the nodes in it and below, in the order of the file.
        node: number of the node whose name is the scope's, or None.
        depth: how many scopes it is in.
        last: whether it belongs after the others, as the saver does.
    """

    prefix: str
    text: str
    members: Sequence[int]
    node: int | None = None
    depth: int = 0
    last: bool = False
    entries: list[Entry] | None = None
    ops: Counter[str] | None = None
    nbytes: int | None = None


Entry = int | Scope
"""The number of a node, or a scope."""


class Tree:
    """The nodes of one body by name scope.

    Args:
        names: of the nodes, in the order of the file.
        ops: of the nodes.
        weigh: gives the bytes of those among some nodes that hold any, by number.
        first: names of nodes that come before all others, in this order.
        last: names of nodes, and of scopes without their slash, that come after all others.
        is_late: says of a scope right in the body whether it comes after all others.
    """

    def __init__(
        self,
        names: Sequence[str],
        ops: Sequence[str],
        weigh: Callable[[Iterable[int]], Mapping[int, int]],
        first: Collection[str] = (),
        last: Collection[str] = (),
        is_late: Callable[[Scope], bool] = lambda scope: False,
    ) -> None:
        self.names = names
        self.ops = ops
        self._weigh = weigh
        self._first = {name: at for at, name in enumerate(first)}
        self._last = frozenset(last)
        self._is_late = is_late
        self.root = Scope("", "", range(len(names)))

    def nbytes(self, scope: Scope) -> int:
        """Return the bytes that the variables and constants of a scope hold."""
        if scope.nbytes is None:
            scope.nbytes = sum(self.weights(scope).values())
        return scope.nbytes

    def weights(self, scope: Scope) -> Mapping[int, int]:
        """Return the bytes of the variables and constants of a scope, by number."""
        return self._weigh(self._all(scope))

    def kinds(self, scope: Scope) -> Counter[str]:
        """Return how many nodes of each op a scope has, at any depth."""
        if scope.ops is None:
            scope.ops = Counter(map(self.ops.__getitem__, self._all(scope)))
        return scope.ops

    def _all(self, scope: Scope) -> Iterable[int]:
        return scope.members if scope.node is None else chain((scope.node,), scope.members)

    def is_last(self, number: int) -> bool:
        """Return whether a node right in the body belongs after the others."""
        return self.names[number] in self._last

    def entries(self, scope: Scope) -> list[Entry]:
        """Return the scopes and nodes right in a scope, in the order of the file; those of the saver come last."""
        if scope.entries is None:
            scope.entries = self._split(scope)
        return scope.entries

    def _split(self, scope: Scope) -> list[Entry]:
        if scope.depth >= _DEEPEST:
            return list(scope.members)
        found: list[Entry] = []
        for path, numbers in self._groups(scope).items():
            found += self._entry(scope, path, numbers)
        if scope is self.root:
            for entry in found:
                if isinstance(entry, Scope) and self._is_late(entry):
                    entry.last = True
        return self._in_order(found)

    def _groups(self, scope: Scope) -> dict[str, list[int]]:
        """Return the nodes of a scope by the path of what is right in it."""
        names, at = self.names, len(scope.prefix)
        groups: dict[str, list[int]] = {}
        inside: str | tuple[()] = ()  # what a name begins with if it is in the scope of the one before it
        same: list[int] = []
        for number in scope.members:
            name = names[number]
            if name.startswith(inside):
                same.append(number)
                continue
            cut = name.find("/", at)
            path = name if cut < 0 else name[:cut]
            known = groups.setdefault(path, [])
            known.append(number)
            if cut >= 0:
                inside, same = f"{path}/", known
        return groups

    def _entry(self, above: Scope, path: str, numbers: list[int]) -> list[Entry]:
        """Return the entries of nodes that share a path: one, unless a file has several nodes of one name."""
        if len(numbers) == 1:
            return [numbers[0]]
        names = self.names
        same = [number for number in numbers if names[number] == path]
        if not same:  # a chain of scopes with nothing else in them is one
            listed = [names[number] for number in numbers]
            shared = _shared(min(listed), max(listed))
            inside = f"{shared}/"
            if all(name == shared or name.startswith(inside) for name in listed):
                path = shared
                same = [number for number in numbers if names[number] == path]
            else:
                path = shared[: shared.rfind("/")]
        members = [number for number in numbers if names[number] != path] if same else numbers
        if not members:
            return [*same]
        scope = Scope(
            f"{path}/",
            f"{path[len(above.prefix) :]}/",
            members,
            same[0] if same else None,
            above.depth + 1,
            above.last or path in self._last,
        )
        return [scope, *same[1:]]

    def _in_order(self, entries: list[Entry]) -> list[Entry]:
        def name(entry: Entry) -> str:
            return entry.prefix[:-1] if isinstance(entry, Scope) else self.names[entry]

        def is_last(entry: Entry) -> bool:
            return entry.last if isinstance(entry, Scope) else self.names[entry] in self._last

        if self._first:
            first = [entry for entry in entries if name(entry) in self._first]
            first.sort(key=lambda entry: self._first[name(entry)])
            entries = [*first, *(entry for entry in entries if name(entry) not in self._first)]
        return sorted(entries, key=is_last) if any(map(is_last, entries)) else entries

    def way(self, name: str) -> list[Scope]:
        """Return the scopes that are opened to see a node, outermost first."""
        return self._way(lambda scope: name.startswith(scope.prefix))

    def way_to_scope(self, prefix: str) -> list[Scope]:
        """Return the scopes that are opened to see the scope with this prefix, outermost first."""
        return self._way(lambda scope: prefix.startswith(scope.prefix) and prefix != scope.prefix)

    def _way(self, leads_on: Callable[[Scope], bool]) -> list[Scope]:
        found: list[Scope] = []
        scope: Scope | None = self.root
        while scope is not None:
            below = (entry for entry in self.entries(scope) if isinstance(entry, Scope))
            scope = next(filter(leads_on, below), None)
            if scope is not None:
                found.append(scope)
        return found

    def scope(self, prefix: str) -> Scope | None:
        """Return the scope with this prefix, or None."""
        way = self.way_to_scope(prefix)
        inside = self.entries(way[-1] if way else self.root)
        return next((one for one in inside if isinstance(one, Scope) and one.prefix == prefix), None)


def _shared(one: str, other: str) -> str:
    """Return what two names begin with alike."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:at]
    return min(one, other, key=len)
