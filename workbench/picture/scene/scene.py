"""What a picture shows, as data: boxes, edges, frames; no sizes or colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["op", "call", "scope", "input", "output", "variable", "constant", "result"]
"""What a box represents.

- `op`: one node. `call`: one node with bodies that are not shown (While, If, a map). `scope`: many nodes.
- `input`, `output`: a key of the signature. `result`: what a body returns, `input` also a body's argument.
- `variable`, `constant`: only where it could not be folded into a consumer.
"""


ADAPTERS = "+adapters"
"""The owner of nodes that adapters made. It is the handle of no model: a `+` occurs in none."""
ADAPTERS_NUMBER = -1
"""Its number among the owners."""


@dataclass(frozen=True, slots=True)
class Node:
    """One box.

    Attributes:
        id: unique in the scene, and the same for the same thing in another scene of the same model.
        title: the op, or the name of a scope. Short enough to draw; already safe to print.
        subtitle: the short name, unique in its frame together with the title; empty if the title says all.
        kind: what the box represents.
        owner: handle of the model it is of, in a merged draft; `ADAPTERS` for what adapters made; None where there is
            only one model.
        seam: whether a wire ends here.
        path: written place of the node, `CALL::CALL::node`; of a scope, the place of the scope.
        count: how many nodes are collapsed into the box (2 or more for a scope); 0 for a single node.
        folded: written places of constants, variable reads, Identity chains folded into it.
        facts: (label, text) rows for a detail pane: `("weights", "dense/kernel float32 [784,10]")`.
        opens: key to add to `expanded` to see what is inside; None if nothing is.
        inside: keys of the opened scopes and frames it is in, outermost first; adding the last to `collapsed`
            (and taking it from `expanded`) closes it again.
        frame: id of the frame it is drawn in, or None.
        op: of a single node; empty for a scope and an end.
        attributes: (name, text) rows of a single node: shapes of its outputs, then its attributes.
        contents: of a node whose bodies are not shown, what they have inside: `31 ops: 3 MatMul, 2 Tanh …`; of a
            stretch of nodes, the names of the first and the last: `conv2d_9 … mixed2`.
    """

    id: str
    title: str
    subtitle: str = ""
    kind: Kind = "op"
    owner: str | None = None
    seam: bool = False
    path: str = ""
    count: int = 0
    folded: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    opens: str | None = None
    inside: tuple[str, ...] = ()
    frame: str | None = None
    op: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    contents: str = ""

    @property
    def label(self) -> str:
        """Title and subtitle in one line; no two boxes of a frame have the same."""
        return f"{self.title}  {self.subtitle}" if self.subtitle else self.title


def owner_title(owner: str) -> str:
    """Return an owner for a legend: its handle, or `adapters`."""
    return owner.removeprefix("+")


@dataclass(frozen=True, slots=True)
class Edge:
    """Data (or order) between two boxes; several tensors are one edge.

    Attributes:
        source: id of a node or frame.
        target: id of a node or frame.
        label: `float32 [?,784]`; of several tensors `3 tensors`; empty where nothing is known.
        control: order only, no data.
        seam: a wire between two models.
    """

    source: str
    target: str
    label: str = ""
    control: bool = False
    seam: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """An opened scope, or a body that a node calls, in a box of its own.

    Edges pass the border of a scope and end at that of a body, which is the node that calls it.

    Attributes:
        id: as a node's.
        title: `layer_3`, or `While  body`.
        opens: the key that opened it.
        owner: as a node's.
        path: written place of the scope or the calling node.
        inside: as a node's.
        frame: id of the frame around this one, or None.
        scope: whether it is a scope.
    """

    id: str
    title: str
    opens: str
    owner: str | None = None
    path: str = ""
    inside: tuple[str, ...] = ()
    frame: str | None = None
    scope: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """All there is to draw.

    Attributes:
        nodes: in a stable order.
        edges: in a stable order, each pair of boxes at most once a kind.
        notes: sentences on what is not shown and why (`12 control edges are hidden`).
        frames: outer before inner.
        owners: handles in the order of the models; the index picks the colour and the mark.
        scopes: (key, name) of each opened scope, outer before inner. They are frames too, but not in a whole scene,
            whose renderer opens and closes them.
        asked: keys of scopes and bodies that the user opened; a renderer that opens and closes boxes starts with them.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    owners: tuple[str, ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each owner, which picks its colour and mark; adapters have one of their own."""
        found = {owner: number for number, owner in enumerate(self.owners)}
        owned = (*(node.owner for node in self.nodes), *(frame.owner for frame in self.frames))
        if ADAPTERS in owned:
            found[ADAPTERS] = ADAPTERS_NUMBER
        return found

    @property
    def marked(self) -> bool:
        """Whether boxes show whose they are: several models, or a model and adapters."""
        return len(self.numbers) > 1 or ADAPTERS in self.numbers

    def node(self, id: str) -> Node | None:
        """Return the box with this id, or None."""
        return next((node for node in self.nodes if node.id == id), None)

    def search(self, text: str) -> list[Node]:
        """Return boxes whose label, place or folded names contain `text`.

        Case is ignored; in drawing order.
        """
        wanted = text.lower()
        return [
            node
            for node in self.nodes
            if wanted in node.label.lower()
            or wanted in node.path.lower()
            or any(wanted in name.lower() for name in node.folded)
        ]
