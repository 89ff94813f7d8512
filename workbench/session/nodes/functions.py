"""The functions of a model in the order in which a signature calls them, by readable names."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.names import input_node
from workbench.picture.scene.labels import function_word
from workbench.session.lists.arrangement import FunctionOrder

if TYPE_CHECKING:
    from workbench.graph.body import Body
    from workbench.session.lists.spots import Places
    from workbench.session.nodes.trees import Trees


class FunctionList:
    """The functions of one MetaGraph, sorted.

    Args:
        places: its bodies.
        trees: their trees, which know the saver.
    """

    def __init__(self, places: Places, trees: Trees) -> None:
        self.meta = places.meta
        self.places = places
        self._trees = trees

    def sorted(self, order: FunctionOrder) -> list[str]:
        """Return the names of all functions in an order; the saver's are the last in any."""
        if order == "call":
            found = [*self._called, *(name for name in self.meta.functions if name not in self._called)]
        elif order == "size":
            sizes = self.meta.function_sizes
            found = sorted(self.meta.functions, key=lambda name: -sizes[name])
        else:
            found = sorted(self.meta.functions, key=lambda name: (function_word(name).lower(), name))
        return sorted(found, key=self.is_of_saver)

    def is_of_saver(self, name: str) -> bool:
        """Return whether only saving and restoring call a function."""
        return name in self._trees.saver_functions and name not in self._called

    @cached_property
    def _called(self) -> dict[str, None]:
        """The functions that signatures call, those of the first signature first, outer before inner."""
        found: dict[str, None] = {}
        todo: deque[str] = deque()
        for name in self._called_from_main():
            todo.append(name)
        bodies = self.places.main.body.bodies
        while todo:
            name = todo.popleft()
            body = None if name in found else bodies.get(name)
            if body is not None:
                found[name] = None
                todo.extend(_called_in(body, body.nodes))
        return found

    def _called_from_main(self) -> Iterator[str]:
        main = self.places.main.body
        if not self.meta.functions:
            return
        for signature in self.meta.shown_signatures.values():
            ends = [input_node(name) for port in signature.outputs.values() for name in port.tensors]
            needed = self.places.adjacency("").ancestors(ends)
            yield from _called_in(main, [name for name in main.nodes if name in needed])


def _called_in(body: Body, names: Iterable[str]) -> Iterator[str]:
    """Yield the functions that some nodes of a body call, in the order of the file."""
    for name in names:
        for call in body.calls(body.nodes[name]):
            yield call.function
